//! Addresses of the net and of mail, which are read sign by sign.

use super::{
    cardinal::by_name,
    rule::{Match, rules},
};
use crate::table::rows;

const ENDINGS: &str = include_str!("../../data/address-endings.tsv");
const SIGNS: &str = include_str!("../../data/address-signs.tsv");

rules! {
    // With a scheme, which is not spoken, up to a blank, a Chinese character or a closing mark.
    r#"(?i)(?-u:\b)(?:https?|ftp)://([!-~&&[^"<>\s]]+)"# => |found| Some(address(found.get(1))),
    r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{2,5})?" => |found| found.is_whole_number().then(|| address(found.get(0))),
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+" => |found| Some(address(found.get(0))),
    r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+(?::\d{2,5})?(?:/[A-Za-z0-9._%~?#=&/+-]*)?" => site,
    // The name of a person on the net, after an at sign.
    r"@([A-Za-z0-9_\p{Han}])" => |found| Some(format!("艾特{}", found.get(1))),
}

/// Reads a name with points if it ends as addresses do.
fn site(found: &Match<'_>) -> Option<String> {
    let name = found.get(0);
    let host = name.split(['/', ':']).next()?;
    let (first, last) = (host.split('.').next()?, host.rsplit('.').next()?);
    let is_last = |ending: &str| last.eq_ignore_ascii_case(ending);
    let ending = rows(ENDINGS).any(|[ending, _, _]| is_last(ending));
    (ending || first.eq_ignore_ascii_case("www")).then(|| address(name))
}

/// Reads every sign of an address; full stops at its end belong to the sentence.
fn address(text: &str) -> String {
    let end = text.trim_end_matches(['.', ',', '!', '?', ')', ';', ':', '\'', '/']);
    let mut spoken = String::new();
    for c in end.chars() {
        match c {
            '0'..='9' => spoken.push_str(&by_name(c.encode_utf8(&mut [0; 4]))),
            c if c.is_alphabetic() => spoken.push(c),
            c => spoken.push_str(sign_name(c).unwrap_or(" ")),
        }
    }
    let rest = text.get(end.len()..).unwrap_or_default();
    format!("{spoken}{}", rest.trim_start_matches('/'))
}

/// Returns the name of a sign.
fn sign_name(sign: char) -> Option<&'static str> {
    let is_it = |known: &str| known.chars().eq([sign]);
    let mut names = rows(SIGNS).filter(|[known, _, _, _]| is_it(known));
    names.next().map(|[_, name, _, _]| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clean::clean, numbers::spell_out, table::lines};

    #[test]
    fn every_sign_is_said_as_its_example() {
        for [sign, name, example, said] in rows(SIGNS) {
            assert!(example.contains(sign) && said.contains(name), "{sign}");
            assert_eq!(spell_out(&clean(example)), said, "{sign}");
        }
        assert_eq!(rows::<4>(SIGNS).count(), lines(SIGNS).count());
    }

    #[test]
    fn every_ending_is_said_as_its_example() {
        for [ending, example, said] in rows(ENDINGS) {
            assert!(example.ends_with(ending), "{ending}");
            assert_eq!(spell_out(&clean(example)), said, "{ending}");
        }
        assert_eq!(rows::<3>(ENDINGS).count(), lines(ENDINGS).count());
        assert_eq!(spell_out("End.Begin"), "End.Begin");
    }
}
