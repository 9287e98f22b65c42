//! One row of the table: a reading, and the conditions under which it holds.

use super::place::Place;

/// A reading of a character or a word, and when it is the one.
#[derive(Debug)]
pub(super) struct Rule {
    /// A character, or a word.
    pub(super) word: &'static str,
    /// As many syllables as it has characters.
    pub(super) reading: &'static str,
    conditions: Vec<Condition>,
    /// A sentence with it in brackets.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the test of the table speaks them")
    )]
    pub(super) example: &'static str,
}

/// A condition, or its opposite.
#[derive(Debug)]
struct Condition {
    is_negated: bool,
    ask: Ask,
}

/// What is asked of a place.
#[derive(Debug)]
enum Ask {
    Any(&'static str, fn(&Place<'_>, &str) -> bool),
    Plain(fn(&Place<'_>) -> bool),
    Redoubled,
    WordsAfter(usize),
}

impl Rule {
    /// Reads a row. Nothing where it is not one, which the test of the table shows for every row.
    pub(super) fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let [word, reading, conditions, example] =
            [(); 4].map(|()| columns.next().unwrap_or_default());
        if word.chars().count() != reading.split(' ').count() {
            return None;
        }
        let conditions = match conditions {
            "-" => Some(Vec::new()),
            conditions => conditions.split(' ').map(Condition::parse).collect(),
        };
        Some(Self {
            word,
            reading,
            conditions: conditions?,
            example,
        })
    }

    /// Tells whether all conditions hold.
    pub(super) fn holds(&self, place: &Place<'_>) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.all(|condition| condition.holds(place, self.word))
    }
}

impl Condition {
    fn parse(text: &'static str) -> Option<Self> {
        let (is_negated, text) = match text.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let ask = match text.split_once('=') {
            Some(("words-after", count)) => Ask::WordsAfter(count.parse().ok()?),
            Some((name, list)) => Ask::Any(list, listed(name)?),
            None if text == "redoubled" => Ask::Redoubled,
            None => Ask::Plain(plain(text)?),
        };
        Some(Self { is_negated, ask })
    }

    fn holds(&self, place: &Place<'_>, own: &str) -> bool {
        let holds = match &self.ask {
            Ask::Any(list, ask) => list.split(',').any(|value| ask(place, value)),
            Ask::Plain(ask) => ask(place),
            Ask::Redoubled => place.is_redoubled(own),
            Ask::WordsAfter(count) => place.after.len() == *count,
        };
        holds != self.is_negated
    }
}

/// Finds a condition that has a list.
fn listed(name: &str) -> Option<fn(&Place<'_>, &str) -> bool> {
    Some(match name {
        "before" => |place, word| place.before.iter().any(|cut| cut.text == word),
        "last" => |place, word| place.last().is_some_and(|cut| cut.text.ends_with(word)),
        "last-tag" => |place, tag| place.last().is_some_and(|cut| cut.tag.starts_with(tag)),
        "last-word" => |place, word| place.last().is_some_and(|cut| cut.text == word),
        "next" => |place, word| place.next().is_some_and(|cut| cut.text.starts_with(word)),
        "next-tag" => |place, tag| place.next().is_some_and(|cut| cut.tag.starts_with(tag)),
        "next-word" => |place, word| place.next().is_some_and(|cut| cut.text == word),
        "second" => |place, word| place.second().is_some_and(|cut| cut.text.starts_with(word)),
        "second-tag" => |place, tag| place.second().is_some_and(|cut| cut.tag.starts_with(tag)),
        "tag-after" => |place, tag| place.after.iter().any(|cut| cut.tag.starts_with(tag)),
        _ => return None,
    })
}

/// Finds a condition without a list.
fn plain(name: &str) -> Option<fn(&Place<'_>) -> bool> {
    Some(match name {
        "counted" => |place| place.is_counted(),
        "final" => |place| place.after.is_empty(),
        "first" => |place| place.before.is_empty(),
        "last-short" => |place| {
            place
                .last()
                .is_some_and(|cut| cut.text.chars().count() == 1)
        },
        "locative" => |place| place.is_locative(),
        "looks" => |place| place.has_looks_behind(),
        "numbered" => |place| place.is_numbered(),
        "possible" => |place| place.is_possible(),
        "titled" => |place| place.is_titled(),
        _ => return None,
    })
}
