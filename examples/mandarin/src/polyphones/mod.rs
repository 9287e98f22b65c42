//! Characters with several readings, where they stand alone as words.
//!
//! Inside words the table of phrases decides. Here the neighbors do: what follows, what stands before, and
//! what part of speech the dictionary gives them. The rules are rows of `polyphones.tsv`, and family names those of
//! `surnames.tsv`: a reading is repaired, and shown to be, by a row and its example.

mod rule;
mod neighbors;

use std::{collections::HashMap, sync::OnceLock};

use self::{neighbors::Neighbors, rule::Rule};
use crate::{
    dictionary::Cut,
    table::{lines, rows},
};

const RULES: &str = include_str!("../../data/polyphones.tsv");
const SURNAMES: &str = include_str!("../../data/surnames.tsv");

/// The rows of a table, by their words.
type Rules = HashMap<&'static str, Vec<Rule>>;

/// Returns the reading of a word if its neighbors decide it: of a character that is a word of its own, or of one of
/// the few longer words that have two readings.
pub(crate) fn read(word: &str, cuts: &[Cut<'_>], index: usize) -> Option<&'static str> {
    decide(rules(), word, cuts, index)
}

fn decide(rules: &Rules, word: &str, cuts: &[Cut<'_>], index: usize) -> Option<&'static str> {
    let neighbors = Neighbors::new(cuts, index);
    if neighbors.last().is_some_and(|cut| cut.text.ends_with('姓'))
        && let Some(surname) = surname(word)
    {
        return Some(surname);
    }
    let rule = rules
        .get(word)?
        .iter()
        .find(|rule| rule.holds(&neighbors))?;
    Some(rule.reading)
}

fn rules() -> &'static Rules {
    static RULES_OF: OnceLock<Rules> = OnceLock::new();
    RULES_OF.get_or_init(|| parse(RULES))
}

fn parse(table: &'static str) -> Rules {
    let mut rules = Rules::new();
    for rule in lines(table).filter_map(Rule::parse) {
        rules.entry(rule.word).or_default().push(rule);
    }
    rules
}

/// Returns how a word is read as a family name, where that differs.
pub(crate) fn surname(word: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let names = rows(SURNAMES).map(|[name, reading, _, _]| (name, reading));
        names.collect()
    });
    names.get(word).copied()
}

/// Tells whether a character that may be a family name makes an ordinary word with the one behind it: 任何.
/// One that begins more words than names always does.
pub(crate) fn is_ordinary(name: char, next: char) -> bool {
    let is_it = |known: &str| known.chars().eq([name]);
    let row = rows(SURNAMES).find(|[known, _, _, _]| is_it(known));
    row.is_none_or(|[_, _, ordinary, _]| match ordinary {
        "-" => true,
        "none" => false,
        characters => characters.contains(next),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{neighbors::TITLES, *};
    use crate::{
        dictionary::cut, english::Latin, script::Script, segment, syllable::Syllable, token::Token,
    };

    /// Takes the brackets out of an example; returns it, and where its word begins, in characters.
    fn unmarked(example: &str) -> Option<(String, usize)> {
        let (before, rest) = example.split_once('[')?;
        let (word, after) = rest.split_once(']')?;
        Some((format!("{before}{word}{after}"), before.chars().count()))
    }

    /// Reads the words of an example, before running tones change them.
    fn read_at(sentence: &str, place: usize) -> Option<String> {
        let tokens = segment::words_of(&Script::plain(sentence).symbols(), Latin::Mandarin).ok()?;
        let mut at = 0;
        let found = tokens.iter().find(|token: &&Token| {
            at += token.text.len();
            at > place
        })?;
        let first = place - (at - found.text.len());
        let syllables = found.syllables.get(first..)?;
        let shown: Vec<String> = syllables.iter().map(ToString::to_string).collect();
        Some(shown.join(" "))
    }

    /// Writes a reading as the front end shows it.
    fn shown(reading: &str) -> String {
        let syllables = reading
            .split(' ')
            .map(|text| Syllable::parse(text).unwrap());
        let shown: Vec<String> = syllables.map(|syllable| syllable.to_string()).collect();
        shown.join(" ")
    }

    #[test]
    fn every_row_decides_its_example() {
        let mut wrong = Vec::new();
        for row in lines(RULES) {
            let rule = Rule::parse(row).unwrap_or_else(|| panic!("no rule: {row}"));
            let Some((sentence, place)) = unmarked(rule.example) else {
                wrong.push(format!("no example: {row}"));
                continue;
            };
            let cuts = cut(&sentence);
            let mut at = 0;
            let index = cuts.iter().position(|cut| {
                at += cut.text.chars().count();
                at > place
            });
            let index = index.unwrap();
            if cuts[index].text != rule.word {
                let words: Vec<&str> = cuts.iter().map(|cut| cut.text).collect();
                wrong.push(format!("not a word of its own: {row}: {words:?}"));
                continue;
            }
            let of_word = &rules()[rule.word];
            let found = of_word
                .iter()
                .find(|rule| rule.holds(&Neighbors::new(&cuts, index)));
            let decides =
                |found: &Rule| (found.reading, found.example) == (rule.reading, rule.example);
            if !found.is_some_and(decides) {
                let tags: Vec<_> = cuts.iter().map(|cut| (cut.text, cut.tag)).collect();
                wrong.push(format!("another row decides: {row}: {found:?} {tags:?}"));
            } else if !read_at(&sentence, place)
                .unwrap()
                .starts_with(&shown(rule.reading))
            {
                wrong.push(format!("read otherwise: {row}"));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }

    #[test]
    fn a_reading_is_repaired_by_one_row() {
        let row = "还\thuan2\tnext=我,你,您,他,她,它,人家 words-after=1\t书明天[还]你";
        let cuts = cut("书明天还你");
        let index = cuts.iter().position(|cut| cut.text == "还").unwrap();
        let read = |table: String| decide(&parse(table.leak()), "还", &cuts, index);
        assert_eq!(read(RULES.to_owned()), Some("huan2"));
        assert_eq!(RULES.matches(row).count(), 1);
        // Without the row the next one decides, with another reading in the row it says that.
        assert_eq!(read(RULES.replace(row, "")), Some("hai2"));
        let edited = row.replace("huan2", "xuan2");
        assert_eq!(read(RULES.replace(row, &edited)), Some("xuan2"));
    }

    #[test]
    fn every_title_makes_a_family_name() {
        for [title, example] in rows(TITLES) {
            let (sentence, place) = unmarked(example).unwrap();
            assert!(sentence.contains(title), "{title}");
            assert!(
                read_at(&sentence, place).unwrap().starts_with("shan4"),
                "{title}"
            );
        }
        assert_eq!(rows::<2>(TITLES).count(), lines(TITLES).count());
    }

    #[test]
    fn every_family_name_is_read_in_its_example() {
        let mut wrong = Vec::new();
        for row in lines(SURNAMES) {
            let columns: Vec<&str> = row.split('\t').collect();
            let [name, reading, _, examples] = *columns else {
                panic!("no row: {row}")
            };
            for example in examples.split(' ') {
                let (sentence, place) = unmarked(example).unwrap();
                let read = read_at(&sentence, place).unwrap();
                if !read.starts_with(&shown(reading)) {
                    wrong.push(format!("{name} in {example}: {read}"));
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "{} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}
