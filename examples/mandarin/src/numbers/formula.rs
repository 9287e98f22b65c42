//! Sums, powers and other formulas.

use super::{
    cardinal::{cardinal, counted},
    rule::rules,
};
use crate::table::rows;

const SIGNS: &str = include_str!("../../data/signs.tsv");

rules! {
    // Powers.
    r"\^\(?(-?)(\d+|[a-z])\)?" => |found| Some(match (found.get(1), found.get(2), found.before()) {
        ("", "2", before) if !before.is_ascii_digit() => "平方".to_owned(),
        ("", "3", before) if !before.is_ascii_digit() => "立方".to_owned(),
        (sign, power, _) => {
            let sign = if sign.is_empty() { "" } else { "负" };
            let power = if power.parse::<u64>().is_ok() { cardinal(power) } else { power.to_owned() };
            format!("的{sign}{power}次方")
        }
    }),
    r"([平立次]方)\s?-\s?(\d|[a-z])" => |found| Some(format!("{}减{}", found.get(1), found.get(2))),
    r"∠\s?" => |_| Some("角".to_owned()),
    r"√\s?" => |_| Some("根号".to_owned()),
    r"±\s?" => |_| Some("正负".to_owned()),
    r"∞" => |_| Some("无穷大".to_owned()),
    // More than a number.
    r"(\d+)\+" => |found| {
        let ends = !found.after().is_ascii_alphanumeric() && !matches!(found.after(), '(' | '√' | '+' | '-' | '.');
        let more = if matches!(found.after(), '\u{4e00}'..='\u{9fff}') { "多" } else { "以上" };
        ends.then(|| format!("{}{more}", counted(found.get(1), "")))
    },
    // A language, and notes.
    r"(?-u:\b)([A-G])#" => |found| (!found.after().is_ascii_alphanumeric()).then(|| format!("{} sharp", found.get(1))),
    r"([A-Za-z])(\+{1,2})" => |found| {
        let next = found.rest().trim_start().chars().next().unwrap_or(' ');
        let ends = !next.is_ascii_alphanumeric() && !matches!(next, '(' | '√');
        (ends || found.get(2).len() == 2).then(|| format!("{}{}", found.get(1), found.get(2).replace('+', "加")))
    },
    r"([零一二三四五六七八九十百千万亿])\+" => |found| {
        let number = matches!(found.after(), '0'..='9' | '(' | '零' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十');
        let more = if "百千万亿".contains(found.get(1)) { "多" } else { "以上" };
        (!number).then(|| format!("{}{more}", found.get(1)))
    },
    r"([米克斤升吨里瓦时])/([年月日天人次个只件台辆晚户亩])" => |found| Some(format!("{}每{}", found.get(1), found.get(2))),
    r"(?-u:\b)([A-D])-" => |found| {
        (!found.after().is_ascii_alphanumeric() && found.after() != '-').then(|| format!("{}减", found.get(1)))
    },
    r"([度米克斤升里元分时秒吨瓦伏])\s?(?:~|-|—+)\s?([负零一二三四五六七八九十百两\d])" => |found| {
        Some(format!("{}到{}", found.get(1), found.get(2)))
    },
    r"([A-Za-z])\s?&\s?([A-Za-z])" => |found| Some(format!("{}和{}", found.get(1), found.get(2))),
    r"\s?(>=|<=|==|!=|[+×÷=<>≥≤≠≈])\s?([\dA-Za-z(零一二三四五六七八九十百千万负根-])" => |found| {
        let sign = sign(found.get(1))?;
        let left = matches!(found.before(), '0'..='9' | 'A'..='Z' | 'a'..='z' | ')' | '%' | '\u{4e00}'..='\u{9fff}');
        let compares = !matches!(found.get(1), "+" | "=" | "×" | "÷");
        // A sign with nothing before it still compares what follows: ≥18.
        let positive = found.get(1) == "+" && found.get(2).starts_with(|c: char| c.is_ascii_digit());
        match (left || compares, positive) {
            (true, _) => Some(format!("{sign}{}", found.get(2))),
            (false, true) => Some(format!("正{}", found.get(2))),
            _ => None,
        }
    },
    r"(\d|[a-z])\s?-\s?(\d|[a-z])\s?=" => |found| Some(format!("{}减{}=", found.get(1), found.get(2))),
    r"(第?)\s?(?i:(?-u:\b)no)\.\s?(\d)" => |found| Some(format!("第{}", found.get(2))),
    r"-(\d)" => |found| {
        let joins = matches!(found.before(), '0'..='9' | 'A'..='Z' | 'a'..='z' | '零' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' | '幺');
        (!joins).then(|| format!("负{}", found.get(1)))
    },
}

/// Returns how a sign is said.
fn sign(sign: &str) -> Option<&'static str> {
    let [_, name, _, _] = rows(SIGNS).find(|[known, _, _, _]| *known == sign)?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{numbers::spell_out, table::lines};

    #[test]
    fn every_sign_is_said_as_its_example() {
        for [sign, name, example, said] in rows(SIGNS) {
            assert!(example.contains(sign) && said.contains(name), "{sign}");
            // Without folding: some signs have other forms that text is written in.
            assert_eq!(spell_out(example), said, "{sign}");
        }
        assert_eq!(rows::<4>(SIGNS).count(), lines(SIGNS).count());
    }
}
