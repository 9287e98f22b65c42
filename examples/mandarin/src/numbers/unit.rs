//! Units of measure behind numbers.

use std::{collections::HashMap, sync::OnceLock};

use super::{cardinal::counted, rule::rules};
use crate::table::rows;

const UNITS: &str = include_str!("../../data/units.tsv");

/// A sign of a unit, which may be squared or cubed.
const SIGN: &str = r"([A-Za-zμΩ]{1,4})(?:\^?([23]))?";

rules! {
    r"-(\d+)([到至])(-?\d+)\s?度" => |found| Some(format!("零下{}度{}{}度", counted(found.get(1), ""), found.get(2), found.get(3))),
    r"-(\d+)度" => |found| {
        let range = matches!(found.before(), '0'..='9' | '°' | 'C');
        (!range).then(|| format!("零下{}度", counted(found.get(1), "")))
    },
    r"([-+]?)(\d+(?:\.\d+)?)\s?°\s?([CF])" => |found| {
        let below = match found.get(1) {
            "-" => "零下",
            "+" if found.before().is_ascii_alphanumeric() => "加",
            "+" => "零上",
            _ => "",
        };
        let scale = if found.get(3) == "C" { "摄氏度" } else { "华氏度" };
        Some(format!("{below}{}{scale}", counted(found.get(2), "")))
    },
    r"(\d+(?:\.\d+)?)\s?°(?:\s?(\d+)')?(?:\s?(\d+)'')?" => |found| {
        let part = |group, name: &str| match found.get(group) {
            "" => String::new(),
            number => format!("{}{name}", counted(number, "")),
        };
        Some(format!("{}{}{}", part(1, "度"), part(2, "分"), part(3, "秒")))
    },
    r"°\s?([CF])" => |found| Some(if found.get(1) == "C" { "摄氏度".to_owned() } else { "华氏度".to_owned() }),
    r"L/100\s?km" => |_| Some("升每百公里".to_owned()),
    &format!(r"(\d+(?:\.\d+)?|[零一二三四五六七八九十百千])([万亿]?)\s?{SIGN}(?:/(\d*)\s?{SIGN})?") => |found| {
        let free = !matches!(found.after(), 'A'..='Z' | 'a'..='z' | '0'..='9' | '^');
        let mut unit = named(found.get(3), found.get(4))?;
        if !found.get(6).is_empty() {
            unit = format!("{unit}每{}{}", found.get(5), named(found.get(6), found.get(7))?);
        }
        let what = if found.get(2).is_empty() { unit.as_str() } else { found.get(2) };
        free.then(|| format!("{}{}{unit}", counted(found.get(1), what), found.get(2)))
    },
}

/// Returns the name of a unit by its sign, with the power behind it.
pub(super) fn name(sign: &str) -> Option<String> {
    let plain = sign.trim_end_matches(['2', '3']).trim_end_matches('^');
    named(plain, sign.get(sign.len() - 1..).unwrap_or_default())
}

fn named(sign: &str, power: &str) -> Option<String> {
    let unit = *units().get(sign)?;
    Some(match power {
        "2" => format!("平方{unit}"),
        "3" => format!("立方{unit}"),
        _ => unit.to_owned(),
    })
}

/// The names of units by their signs.
fn units() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| rows(UNITS).map(|[sign, name, _, _]| (sign, name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clean::clean, numbers::spell_out, table::lines};

    #[test]
    fn every_row_is_said_as_its_example() {
        for [sign, name, example, said] in rows(UNITS) {
            assert_eq!(spell_out(&clean(example)), said, "{sign}");
            assert!(example.ends_with(sign) && said.ends_with(name), "{sign}");
        }
        assert_eq!(units().len(), lines(UNITS).count());
    }
}
