//! One row of the table: a reading, and the conditions under which it holds.

use super::neighbors::Neighbors;

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
    check: Check,
}

/// What is asked of the words around a character.
#[derive(Debug)]
enum Check {
    Any(&'static str, fn(&Neighbors<'_>, &str) -> bool),
    Plain(fn(&Neighbors<'_>) -> bool),
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
    pub(super) fn holds(&self, neighbors: &Neighbors<'_>) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.all(|condition| condition.holds(neighbors, self.word))
    }
}

impl Condition {
    fn parse(text: &'static str) -> Option<Self> {
        let (is_negated, text) = match text.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let check = match text.split_once('=') {
            Some(("words-after", count)) => Check::WordsAfter(count.parse().ok()?),
            Some((name, list)) => Check::Any(list, listed(name)?),
            None if text == "redoubled" => Check::Redoubled,
            None => Check::Plain(plain(text)?),
        };
        Some(Self { is_negated, check })
    }

    fn holds(&self, neighbors: &Neighbors<'_>, own: &str) -> bool {
        let holds = match &self.check {
            Check::Any(list, holds) => list.split(',').any(|value| holds(neighbors, value)),
            Check::Plain(holds) => holds(neighbors),
            Check::Redoubled => neighbors.is_redoubled(own),
            Check::WordsAfter(count) => neighbors.after.len() == *count,
        };
        holds != self.is_negated
    }
}

/// Finds a condition that has a list.
fn listed(name: &str) -> Option<fn(&Neighbors<'_>, &str) -> bool> {
    Some(match name {
        "after" => |neighbors, word| neighbors.after.iter().any(|cut| cut.text == word),
        "before" => |neighbors, word| neighbors.before.iter().any(|cut| cut.text == word),
        "last" => |neighbors, word| neighbors.last().is_some_and(|cut| cut.text.ends_with(word)),
        "last-tag" => |neighbors, tag| neighbors.last().is_some_and(|cut| cut.tag.starts_with(tag)),
        "last-word" => |neighbors, word| neighbors.last().is_some_and(|cut| cut.text == word),
        "next" => |neighbors, word| {
            neighbors
                .next()
                .is_some_and(|cut| cut.text.starts_with(word))
        },
        "next-tag" => |neighbors, tag| neighbors.next().is_some_and(|cut| cut.tag.starts_with(tag)),
        "next-word" => |neighbors, word| neighbors.next().is_some_and(|cut| cut.text == word),
        "second" => |neighbors, word| {
            neighbors
                .second()
                .is_some_and(|cut| cut.text.starts_with(word))
        },
        "second-tag" => |neighbors, tag| {
            neighbors
                .second()
                .is_some_and(|cut| cut.tag.starts_with(tag))
        },
        "second-word" => |neighbors, word| neighbors.second().is_some_and(|cut| cut.text == word),
        "tag-after" => |neighbors, tag| neighbors.after.iter().any(|cut| cut.tag.starts_with(tag)),
        _ => return None,
    })
}

/// Finds a condition without a list.
fn plain(name: &str) -> Option<fn(&Neighbors<'_>) -> bool> {
    Some(match name {
        "counted" => |neighbors| neighbors.is_counted(),
        "final" => |neighbors| neighbors.after.is_empty(),
        "first" => |neighbors| neighbors.before.is_empty(),
        "last-short" => |neighbors| {
            neighbors
                .last()
                .is_some_and(|cut| cut.text.chars().count() == 1)
        },
        "locative" => |neighbors| neighbors.is_locative(),
        "numbered" => |neighbors| neighbors.is_numbered(),
        "possible" => |neighbors| neighbors.is_possible(),
        "titled" => |neighbors| neighbors.is_titled(),
        _ => return None,
    })
}
