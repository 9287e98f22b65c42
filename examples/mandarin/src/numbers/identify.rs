//! Numbers that name and do not count: telephones, identity cards, plates, codes.

use super::{
    cardinal::{by_name, cardinal, digits},
    number_words::pattern,
    rule::rules,
};
use crate::table::rows;

const NAMED: &str = include_str!("../../data/named-numbers.tsv");

rules! {
    // Sizes, before the letter between their numbers looks like a model's.
    r"(\d)\s?[xX*]\s?(\d)" => |found| Some(format!("{}×{}", found.get(1), found.get(2))),
    // Thousands.
    r"\d{1,3}(?:,\d{3})+" => |found| {
        let free = !found.before().is_ascii_digit() && !found.after().is_ascii_digit();
        free.then(|| found.get(0).replace(',', ""))
    },
    // Identity cards.
    r"(\d{6})\s?(\d{8})\s?(\d{3}[\dXx])" => |found| {
        let free = !found.before().is_ascii_alphanumeric() && !found.after().is_ascii_alphanumeric();
        free.then(|| by_name(&[found.get(1), found.get(2), found.get(3)].concat()))
    },
    // Bank cards in groups of four.
    r"\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,4})?" => |found| found.is_whole_number().then(|| by_name(&plain(found.get(0)))),
    // Mobile and other telephones, with and without separators.
    r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}" => |found| {
        found.is_whole_number().then(|| by_name(&plain(found.get(0).trim_start_matches("+86"))))
    },
    r"\(?(?:0\d{2,3}|400|800)\)?[- ]?\d{3,4}[- ]?\d{3,4}" => |found| {
        let separated = found.get(0).contains([' ', '-', ')']);
        (separated && found.is_whole_number()).then(|| by_name(&plain(found.get(0))))
    },
    // Countries, where no number follows.
    r"\+(86|852|853|886)" => |found| {
        let amount = matches!(found.after(), '0'..='9' | '.' | '%' | '°' | '/');
        let sum = found.before().is_ascii_alphanumeric();
        (!amount && !sum).then(|| format!("加{}", digits(found.get(1))))
    },
    // Services everybody knows by their number.
    r"(?:12306|12315|12123|10086|95\d{3})" => |found| {
        let count = matches!(found.after(), '元' | '块' | '人' | '个' | '.' | ',' | '%' | '万' | '亿' | '名' | '米');
        (!count && found.is_whole_number()).then(|| by_name(found.get(0)))
    },
    // What a word before it says is a number to be named.
    &format!(r"({})(号码|号)?([是为:\s]*)([A-Za-z]{{0,3}})(\d{{3,}})", named()) => |found| {
        let money = found.get(1) == "打" && found.get(5).len() > 5;
        let counted = found.get(5).len() < 5 && matches!(found.after(), '个' | '元' | '条' | '次' | '人');
        let before = [found.get(1), found.get(2), found.get(3), found.get(4)].concat();
        (!money && !counted).then(|| format!("{before}{}", by_name(found.get(5))))
    },
    &format!(r"(110|119|120|122|12345|10010|10000)({})", pattern("service")) => |found| Some(format!("{}{}", by_name(found.get(1)), found.get(2))),
    // Buildings, with a number behind.
    &format!(r"(\d{{1,2}})({})(\d)", pattern("building")) => |found| Some(format!("{}{}{}", cardinal(found.get(1)), found.get(2), found.get(3))),
    // Rooms.
    &format!(r"({})?(\d{{3,4}})({})?", pattern("house"), pattern("room")) => |found| {
        let room = !found.get(1).is_empty() || !found.get(3).is_empty();
        let counted = found.get(1) == "座" && found.get(3).is_empty() && !found.before().is_ascii_uppercase();
        let end = !matches!(found.after(), '.' | ',' | '0'..='9' | '个' | '米' | '人' | '元' | '万' | '平');
        let free = !found.get(1).is_empty() || !matches!(found.before(), '0'..='9' | '.');
        (room && !counted && end && free)
            .then(|| format!("{}{}{}", found.get(1), by_name(found.get(2)), found.get(3)))
    },
    // Buses, and a shop that is open from seven to eleven.
    r"(公交车?|巴士|电车)(\d{3,4})(路)" => |found| Some(format!("{}{}{}", found.get(1), by_name(found.get(2)), found.get(3))),
    r"(\d{3,4})(路)(公交|车|汽|线|电|,|、|。|$)" => |found| {
        let free = !matches!(found.before(), '0'..='9' | '.');
        free.then(|| format!("{}{}{}", by_name(found.get(1)), found.get(2), found.get(3)))
    },
    r"(?-u:\b)7-11(便利|店|超市)" => |found| Some(format!("七十一{}", found.get(1))),
    // Standards.
    r"(?-u:\b)(GB|ISO|IEC|DIN|ANSI)(/T)?\s?(\d{3,6})(?:[-:](\d{4}))?" => |found| {
        let year = if found.get(4).is_empty() { String::new() } else { format!("杠{}", by_name(found.get(4))) };
        Some(format!("{}{}{}{year}", found.get(1), found.get(2).trim_start_matches('/'), by_name(found.get(3))))
    },
    // Number plates.
    &format!(r"({})([A-Z])\s?[·•]?\s?([A-Z0-9]{{5,6}})", pattern("plate")) => |found| {
        let free = !found.after().is_ascii_alphanumeric();
        free.then(|| format!("{}{}{}", found.get(1), found.get(2), by_name(found.get(3))))
    },
    // Trains, roads, models.
    r"([A-Za-z]-?)(\d{3,})" => |found| Some(format!("{}{}", found.get(1).trim_end_matches('-'), by_name(found.get(2)))),
    // Days that have their name from their date.
    &format!(r"(\d{{1,2}})[·.](\d{{1,2}})({})", pattern("day")) => |found| {
        Some(format!("{}{}{}", digits(found.get(1)), digits(found.get(2)), found.get(3)))
    },
    &format!(r"(\d{{1,2}})[·.](\d{{1,2}})({})", pattern("event")) => |found| {
        Some(format!("{}{}{}", by_name(found.get(1)), by_name(found.get(2)), found.get(3)))
    },
    r"(\d{1,2})·(\d{1,2})" => |found| Some(format!("{}{}", by_name(found.get(1)), by_name(found.get(2)))),
    r"(\d0|\d5)(后)" => |found| {
        let generation = !found.before().is_ascii_digit() && !found.rest().starts_with(['天', '半', '期']);
        generation.then(|| format!("{}{}", digits(found.get(1)), found.get(2)))
    },
    // Hundredths of a second.
    r"(秒)(\d{2})" => |found| {
        let free = !matches!(found.after(), '0'..='9' | '.');
        free.then(|| format!("{}{}", found.get(1), digits(found.get(2))))
    },
    // Leading zeros, and more digits than anyone counts.
    r"0\d+|\d{13,}" => |found| {
        let named = found.before() != '-' && !matches!(found.after(), '%' | '-');
        (named && found.is_whole_number()).then(|| by_name(found.get(0)))
    },
}

/// Returns a pattern of the words behind which a number is a name, the longest first: 拨打 before 打.
fn named() -> String {
    let mut words: Vec<&str> = rows(NAMED).map(|[word, _, _]| word).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.join("|")
}

/// Takes out what separates digits.
fn plain(number: &str) -> String {
    number.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{numbers::spell_out, table::lines};

    #[test]
    fn every_word_before_a_name_is_said_as_its_example() {
        for [word, example, said] in rows(NAMED) {
            assert!(example.starts_with(word), "{word}");
            assert_eq!(spell_out(example), said, "{word}");
        }
        assert_eq!(rows::<3>(NAMED).count(), lines(NAMED).count());
        assert_eq!(spell_out("大约2013米"), "大约两千零一十三米");
    }
}
