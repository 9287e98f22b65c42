//! Groups: all values that a rule reads, after its list of transformations.
//!
//! Most rules read the same few collections with the same few lists. What the values of a group
//! have in common is found out once: the bytes that occur in any of them, and the rules of which
//! any of them has a literal. A rule that can match none of the values is then left out with one
//! question, whatever their number.
//!
//! A group is made of columns: one collection after one list. Both are known until values are
//! added. They can only say that no value matches; which value does is asked one by one.

use std::mem;

use super::budget::Budget;
use super::filter::{Candidates, Filter};
use super::texts::Texts;
use super::transformations::{ListId, TransformationLists};
use super::values::{Value, Values};
use crate::byte_set::ByteSet;
use crate::variables::Collection;

/// One collection after one list of transformations.
pub(crate) type Column = (Collection, ListId);

/// The number of a group of a rule set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct GroupId(u16);

/// All groups that rules read, and all columns of which they are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Each once.
    columns: Vec<Column>,
    /// The numbers of the columns of each group, sorted.
    groups: Vec<Vec<usize>>,
}

impl Groups {
    /// The number of a group, given to it at the first call.
    pub(crate) fn intern(&mut self, columns: &[Column]) -> GroupId {
        let mut numbers: Vec<usize> = columns
            .iter()
            .map(|column| position(&mut self.columns, column))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let index = position(&mut self.groups, &numbers);
        GroupId(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

/// Where an entry stands in a list. It is added if it is not there.
fn position<T: Clone + PartialEq>(list: &mut Vec<T>, entry: &T) -> usize {
    let found = list.iter().position(|known| known == entry);
    found.unwrap_or_else(|| {
        list.push(entry.clone());
        list.len() - 1
    })
}

/// What the values of a column or a group have in common.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The bytes that occur in any of them.
    present: ByteSet,
    /// Whether some values were not read, as the work for a person's text was used up.
    is_partial: bool,
    /// Which rules the literals allow, for requests and for responses.
    candidates: [Option<Candidates>; 2],
}

/// What is known about the values of one request.
#[derive(Debug, Default)]
pub(crate) struct KnownGroups {
    /// To which state of the values it belongs.
    version: u32,
    /// By the number of the column, only as long as needed.
    columns: Vec<Option<Known>>,
    /// By the number of the group.
    groups: Vec<Option<Known>>,
}

/// What a rule needs in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'s> {
    /// Of each set a byte.
    pub(crate) sets: &'s [ByteSet],
    /// A byte outside of this set.
    pub(crate) allowed: Option<&'s ByteSet>,
    /// A literal of the rule with this number in the filter.
    pub(crate) literals: Option<(&'s Filter, usize)>,
    /// Which of the two filters it is.
    pub(crate) is_response: bool,
}

impl KnownGroups {
    /// Whether a value of the group may match.
    ///
    /// True is no promise. A number that no rule set gave may match. What a person wrote is read from
    /// `words_work`: beyond it, any of it may match.
    pub(crate) fn may_match(
        &mut self,
        id: GroupId,
        all: &Groups,
        lists: &TransformationLists,
        values: &mut Values<'_>,
        words_work: &mut Budget,
        asked: Asked<'_>,
    ) -> bool {
        let index = usize::from(id.0);
        if self.version != values.version() || self.groups.len() <= index {
            self.start(all, values.version());
        }
        let Some(place) = self.groups.get_mut(index) else {
            return true;
        };
        let Some(columns) = all.groups.get(index) else {
            return true;
        };
        let known = place.get_or_insert_with(|| {
            let mut union = Known::default();
            for &column in columns {
                let known = known_column(&mut self.columns, column, all, lists, values, words_work);
                union.present = union.present.union(&known.present);
                union.is_partial |= known.is_partial;
            }
            union
        });
        if known.is_partial {
            return true;
        }
        if let Some(allowed) = asked.allowed {
            return known.present.exceeds(allowed);
        }
        if !asked.sets.iter().all(|set| set.intersects(&known.present)) {
            return false;
        }
        let Some((filter, rule)) = asked.literals else {
            return true;
        };
        let which = usize::from(asked.is_response);
        let Some(candidates) = known.candidates.get_mut(which) else {
            return true;
        };
        let candidates = candidates.get_or_insert_with(|| {
            let mut union = Candidates::default();
            for &number in columns {
                if let (Some(Some(column_known)), Some(column)) =
                    (self.columns.get_mut(number), all.columns.get(number))
                {
                    union.add(
                        column_known.candidates(column, lists, values, words_work, filter, which),
                    );
                    known.is_partial |= column_known.is_partial;
                }
            }
            union
        });
        known.is_partial || candidates.has(rule)
    }

    /// Forgets what was known, because values were added.
    fn start(&mut self, all: &Groups, version: u32) {
        self.version = version;
        self.columns.clear();
        self.columns.resize(all.columns.len(), None);
        self.groups.clear();
        self.groups.resize(all.groups.len(), None);
    }
}

/// What is known about a column, found out now if it is not known.
fn known_column<'k>(
    known: &'k mut [Option<Known>],
    number: usize,
    all: &Groups,
    lists: &TransformationLists,
    values: &mut Values<'_>,
    words_work: &mut Budget,
) -> &'k Known {
    const NOTHING: &Known = &Known {
        present: ByteSet::all(),
        is_partial: true,
        candidates: [None, None],
    };
    match (known.get_mut(number), all.columns.get(number)) {
        (Some(place), Some(column)) => {
            place.get_or_insert_with(|| Known::of(column, lists, values, words_work))
        }
        _ => NOTHING,
    }
}

impl Known {
    /// The bytes of all values of a column.
    fn of(
        &(collection, list): &Column,
        lists: &TransformationLists,
        values: &mut Values<'_>,
        words_work: &mut Budget,
    ) -> Self {
        let mut known = Self::default();
        known.is_partial = !each(collection, values, words_work, |texts, value| {
            let text = texts.derive(value.text, list, lists);
            known.present = known.present.union(&texts.present_bytes(text));
        });
        known
    }

    /// Which rules the literals of a column allow, searched for now if it is not known.
    fn candidates(
        &mut self,
        &(collection, list): &Column,
        lists: &TransformationLists,
        values: &mut Values<'_>,
        words_work: &mut Budget,
        filter: &Filter,
        which: usize,
    ) -> &Candidates {
        const NONE: &Candidates = &Candidates::none();
        let Some(place) = self.candidates.get_mut(which) else {
            return NONE;
        };
        place.get_or_insert_with(|| {
            let mut union = Candidates::default();
            let is_whole = each(collection, values, words_work, |texts, value| {
                let text = texts.derive(value.text, list, lists);
                union.add(texts.candidates(text, filter, which == 1));
            });
            self.is_partial |= !is_whole;
            union
        })
    }
}

/// Reads each value of a collection. False: some were not read.
///
/// What a person wrote is read from work of its own, as rules for code decide nothing there.
fn each(
    collection: Collection,
    values: &mut Values<'_>,
    words_work: &mut Budget,
    mut read: impl FnMut(&mut Texts<'_>, Value),
) -> bool {
    let mut is_whole = true;
    for index in 0..values.of(collection).len() {
        let Some(&value) = values.of(collection).get(index) else {
            break;
        };
        if !value.is_words {
            read(&mut values.texts, value);
        } else if words_work.is_exceeded() {
            is_whole = false;
        } else {
            mem::swap(&mut values.texts.work, words_work);
            read(&mut values.texts, value);
            mem::swap(&mut values.texts.work, words_work);
        }
    }
    is_whole
}
