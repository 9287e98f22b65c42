//! The texts of one request, each with what was found out about it.
//!
//! A value is read by hundreds of rules, most with one of a few lists of transformations. So a text
//! is transformed once for each list, and searched once for the literals of all rules.
//!
//! All of it lives as long as the request and is dropped with it. There is a text for each name,
//! each value and each list that changed one, and one for each variable that a rule on `TX`
//! reads. Values of a body are limited by its parser.

use super::budget::{Budget, cost};
use super::filter::{Candidates, Filter};
use super::transformations::{ListId, TransformationLists};
use crate::body::Text;
use crate::byte_set::ByteSet;
use crate::transformation::Transformation;

/// The number of a text in [`Texts`].
///
/// It is valid only for the [`Texts`] that gave it. Equal bytes may have several numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TextId(u32);

/// A text and what is known about it.
#[derive(Debug)]
struct Known<'r> {
    /// Borrowed from the request where nothing was decoded.
    bytes: Text<'r>,
    /// Which bytes it has.
    ///
    /// It answers most questions without reading the text.
    present: ByteSet,
    /// Which rules its literals allow, once they were searched for: by the filter of rules on
    /// requests, and by that of rules on responses. The two number their rules apart.
    candidates: [Option<Candidates>; 2],
    /// What transformations made of it, by the number of the list. Empty until one may change it.
    ///
    /// A list that changed nothing gives the text itself or that of a shorter list.
    derived: Vec<Option<TextId>>,
}

/// How many bytes the texts of one request may take, with what is known about them.
///
/// The Core Rule Set at paranoia 4 takes a tenth of it for a body of 64 KiB that each
/// transformation changes.
const MOST_BYTES: usize = 32 << 20;

/// All texts of one request.
#[derive(Debug)]
pub(crate) struct Texts<'r> {
    /// By number. Texts are only added.
    known: Vec<Known<'r>>,
    /// What more texts may take.
    budget: Budget,
    /// How much more may be read.
    pub(crate) work: Budget,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            budget: Budget::new(MOST_BYTES),
            work: Budget::new(usize::MAX),
        }
    }
}

impl<'r> Texts<'r> {
    /// Takes a text.
    ///
    /// It reads the text once for the set of its bytes. Beyond the budget the text is not kept:
    /// its number is that of an empty text, and [`is_exceeded`](Self::is_exceeded) becomes true.
    pub(crate) fn add(&mut self, bytes: Text<'r>) -> TextId {
        let copied = match &bytes {
            Text::Borrowed(_) => 0,
            Text::Owned(bytes) => bytes.capacity(),
        };
        if !self.budget.take(copied + size_of::<Known<'_>>()) {
            return TextId(u32::MAX);
        }
        let id = TextId(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        self.known.push(Known {
            present: ByteSet::of(&bytes),
            bytes,
            candidates: [None, None],
            derived: Vec::new(),
        });
        id
    }

    /// Whether a text could not be kept.
    pub(crate) const fn is_exceeded(&self) -> bool {
        self.budget.is_exceeded() || self.work.is_exceeded()
    }

    /// The bytes of a text.
    pub(crate) fn bytes(&self, id: TextId) -> &[u8] {
        self.get(id).map_or(b"", |known| &known.bytes)
    }

    /// Whether a text has a byte of each set.
    ///
    /// True if no set is given.
    pub(crate) fn meets(&self, id: TextId, sets: &[ByteSet]) -> bool {
        self.get(id)
            .is_some_and(|known| sets.iter().all(|set| set.intersects(&known.present)))
    }

    /// Whether a text has a byte outside of a set.
    ///
    /// An empty text has none.
    pub(crate) fn exceeds(&self, id: TextId, set: &ByteSet) -> bool {
        self.get(id).is_some_and(|known| known.present.exceeds(set))
    }

    /// The rules of a filter that the literals in a text allow.
    ///
    /// The first question of each filter about a text searches it for the literals of all rules of
    /// the filter; later ones read a bit. `is_response` tells which of the two filters it is.
    pub(crate) fn candidates(
        &mut self,
        id: TextId,
        filter: &Filter,
        is_response: bool,
    ) -> &Candidates {
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        let (known, work) = (self.known.get_mut(index), &mut self.work);
        let Some(known) = known else {
            return const { &Candidates::none() };
        };
        let [request, response] = &mut known.candidates;
        let candidates = if is_response { response } else { request };
        candidates.get_or_insert_with(|| {
            work.take(known.bytes.len().saturating_mul(cost::FILTER));
            filter.search(&known.bytes)
        })
    }

    /// The bytes that occur in a text.
    pub(crate) fn present_bytes(&self, id: TextId) -> ByteSet {
        self.get(id)
            .map_or_else(ByteSet::default, |known| known.present)
    }

    /// The text that a list of transformations makes of a text.
    ///
    /// The start of the list is derived first and remembered too, so lists that begin alike share
    /// the work. The depth of the recursion is the length of the list.
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
        if let Some(Some(derived)) = known.derived.get(list.index()) {
            return *derived;
        }
        let before = self.derive(id, step.before, lists);
        let derived = match step.may_change(&self.present_bytes(before)) {
            true => self.transform_once(before, step.transformation),
            false => before,
        };
        self.remember_derived(id, list, derived, lists.count());
        derived
    }

    /// Remembers what a list makes of a text.
    fn remember_derived(&mut self, id: TextId, list: ListId, derived: TextId, lists: usize) {
        let (index, budget) = (
            usize::try_from(id.0).unwrap_or(usize::MAX),
            &mut self.budget,
        );
        let Some(known) = self.known.get_mut(index) else {
            return;
        };
        if known.derived.is_empty() && budget.take(lists * size_of::<Option<TextId>>()) {
            known.derived.resize(lists, None);
        }
        if let Some(place) = known.derived.get_mut(list.index()) {
            *place = Some(derived);
        }
    }

    /// The text that one transformation makes of a text.
    fn transform_once(&mut self, before: TextId, transformation: Transformation) -> TextId {
        let length = self.bytes(before).len();
        self.work.take(length.saturating_mul(cost::TRANSFORMATION));
        let changed = self
            .get(before)
            .and_then(|known| transformation.apply(&known.bytes));
        changed.map_or(before, |bytes| self.add(bytes.into()))
    }

    /// `None` never happens for a number that [`Self::add`] gave.
    fn get(&self, id: TextId) -> Option<&Known<'r>> {
        self.known.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }
}
