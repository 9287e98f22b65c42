//! Columns: the values that a target of a rule names, after its list of transformations.
//!
//! Most rules read the same few collections with the same few lists. What the values of a column
//! have in common is found out once: the bytes that occur in any of them, and the rules of which
//! any of them has a literal. A rule that can match none of the values is then left out with one
//! question, whatever their number.
//!
//! A column is a source and a list. A source is what a target names, or all that the targets of a
//! rule name together. Nearly no list changes a value, so a column is mostly its source. All of it
//! is known until values are added. It can only say that no value matches; which value does is
//! asked one by one.

mod known;

pub(crate) use self::known::{Asked, KnownColumns, Reader, Search};
use super::transformations::ListId;
use crate::variables::Collection;

/// The values of a collection, or those with one name in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    /// Where the values are.
    pub(crate) collection: Collection,
    /// Their name, in lower case. `None`: all of the collection.
    pub(crate) key: Option<Vec<u8>>,
}

/// The values that one target or several name, without exclusions.
type Source = Vec<Named>;

/// The number of a column of a rule set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ColumnId(u16);

impl ColumnId {
    /// The number, for lists.
    fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A source after a list, by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Column {
    /// The number of the source.
    source: usize,
    /// The list.
    list: ListId,
}

/// All columns that rules read, and the sources of which they are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// Each once.
    sources: Vec<Source>,
    /// Each once.
    columns: Vec<Column>,
}

impl Columns {
    /// The number of a column, given to it at the first call.
    pub(crate) fn intern(&mut self, source: &[Named], list: ListId) -> ColumnId {
        let source = position(&mut self.sources, &source.to_vec());
        let index = position(&mut self.columns, &Column { source, list });
        ColumnId(u16::try_from(index).unwrap_or(u16::MAX))
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
