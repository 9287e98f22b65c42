//! The texts of one request, each with what was found out about it.
//!
//! A value is read by hundreds of rules, most with one of a few lists of transformations. So a text
//! is transformed once for each list, and searched once for the literals of all rules.

use super::filter::{Candidates, Filter};
use super::transformations::{ListId, TransformationLists};
use crate::body::Text;
use crate::byte_set::ByteSet;

/// The number of a text in [`Texts`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TextId(u32);

/// A text and what is known about it.
#[derive(Debug)]
struct Known<'r> {
    bytes: Text<'r>,
    /// Which bytes it has.
    present: ByteSet,
    /// Which rules its literals allow, once they were searched for.
    candidates: Option<Candidates>,
    /// What transformations made of it.
    derived: Vec<(ListId, TextId)>,
}

/// All texts of one request.
#[derive(Debug, Default)]
pub(crate) struct Texts<'r> {
    known: Vec<Known<'r>>,
}

impl<'r> Texts<'r> {
    /// Takes a text.
    pub(crate) fn add(&mut self, bytes: Text<'r>) -> TextId {
        let id = TextId(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        self.known.push(Known {
            present: ByteSet::of(&bytes),
            bytes,
            candidates: None,
            derived: Vec::new(),
        });
        id
    }

    /// The bytes of a text.
    pub(crate) fn bytes(&self, id: TextId) -> &[u8] {
        self.get(id).map_or(b"", |known| &known.bytes)
    }

    /// Whether a text has a byte of each set.
    pub(crate) fn meets(&self, id: TextId, sets: &[ByteSet]) -> bool {
        self.get(id)
            .is_some_and(|known| sets.iter().all(|set| set.intersects(&known.present)))
    }

    /// Whether a text has a byte outside of a set.
    pub(crate) fn exceeds(&self, id: TextId, set: &ByteSet) -> bool {
        self.get(id).is_some_and(|known| known.present.exceeds(set))
    }

    /// Whether a text has a literal of the rule with this number.
    pub(crate) fn is_candidate(&mut self, id: TextId, filter: &Filter, rule: usize) -> bool {
        let Some(known) = self.get_mut(id) else {
            return false;
        };
        let candidates = known
            .candidates
            .get_or_insert_with(|| filter.search(&known.bytes));
        candidates.has(rule)
    }

    /// The text that a list of transformations makes of a text.
    pub(crate) fn derive(
        &mut self,
        id: TextId,
        list: ListId,
        lists: &TransformationLists,
    ) -> TextId {
        let Some(known) = self.get(id) else { return id };
        let Some(step) = lists.last_step(list) else {
            return id;
        };
        if !lists.may_change(list, &known.present) {
            return id;
        }
        if let Some((_, derived)) = known.derived.iter().find(|(known, _)| *known == list) {
            return *derived;
        }
        let before = self.derive(id, step.before, lists);
        let changed = self
            .get(before)
            .and_then(|known| step.transformation.apply(&known.bytes));
        let derived = changed.map_or(before, |bytes| self.add(bytes.into()));
        if let Some(known) = self.get_mut(id) {
            known.derived.push((list, derived));
        }
        derived
    }

    fn get(&self, id: TextId) -> Option<&Known<'r>> {
        self.known.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    fn get_mut(&mut self, id: TextId) -> Option<&mut Known<'r>> {
        self.known
            .get_mut(usize::try_from(id.0).unwrap_or(usize::MAX))
    }
}
