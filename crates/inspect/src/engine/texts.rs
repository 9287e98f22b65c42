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

impl TextId {
    /// The number, for lists.
    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A text and where what is known about it is kept.
#[derive(Debug)]
struct Known<'r> {
    /// Borrowed from the request where nothing was decoded.
    bytes: Text<'r>,
    /// Which rules its literals allow: by the filter of rules on requests, and by that of rules on
    /// responses. The two number their rules apart.
    candidates: [Candidates; 2],
    /// Where in [`Texts::derived`] its part starts. `None` until a list may change it.
    derived: Option<u32>,
}

/// How many bytes the texts of one request may take, with what is known about them.
///
/// The Core Rule Set at paranoia 4 takes a tenth of it for a body of 64 KiB that each
/// transformation changes.
const MOST_BYTES: usize = 32 << 20;

/// For how many texts there is a place from the start.
const USUAL: usize = 128;

/// All texts of one request.
#[derive(Debug)]
pub(crate) struct Texts<'r> {
    /// By number. Texts are only added.
    known: Vec<Known<'r>>,
    /// By number: which bytes a text has.
    ///
    /// It answers most questions without reading the text.
    present: Vec<ByteSet>,
    /// What transformations made of texts: a part for each, and in it a place for each list.
    ///
    /// A list that changed nothing gives the text itself or that of a shorter list.
    derived: Vec<Option<TextId>>,
    /// The bits of candidates.
    masks: Vec<u64>,
    /// What more texts may take.
    budget: Budget,
    /// How much more may be read.
    pub(crate) work: Budget,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            known: Vec::with_capacity(USUAL),
            present: Vec::with_capacity(USUAL),
            derived: Vec::new(),
            masks: Vec::new(),
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
        let size = copied + size_of::<Known<'_>>() + size_of::<ByteSet>();
        if !self.budget.take(size) {
            return TextId(u32::MAX);
        }
        let id = TextId(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        self.present.push(ByteSet::of(&bytes));
        self.known.push(Known {
            bytes,
            candidates: [Candidates::Unknown; 2],
            derived: None,
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
        self.present
            .get(id.index())
            .is_some_and(|present| sets.iter().all(|set| set.intersects(present)))
    }

    /// Whether a text has a byte outside of a set.
    ///
    /// An empty text has none.
    pub(crate) fn exceeds(&self, id: TextId, set: &ByteSet) -> bool {
        self.present_bytes(id).exceeds(set)
    }

    /// The rules of a filter that the literals in a text allow, by their bits. Empty: none.
    ///
    /// The first question of each filter about a text searches it for the literals of all rules of
    /// the filter; later ones read a bit. `is_response` tells which of the two filters it is.
    pub(crate) fn candidates(&mut self, id: TextId, filter: &Filter, is_response: bool) -> &[u64] {
        let Some(known) = self.known.get_mut(id.index()) else {
            return &[];
        };
        let [request, response] = &mut known.candidates;
        let candidates = if is_response { response } else { request };
        if *candidates == Candidates::Unknown {
            let length = known.bytes.len();
            self.work.take(length.saturating_mul(cost::FILTER));
            *candidates = filter.search(&known.bytes, &mut self.masks);
        }
        filter.rules(*candidates, &self.masks)
    }

    /// The bytes that occur in a text.
    pub(crate) fn present_bytes(&self, id: TextId) -> ByteSet {
        self.present.get(id.index()).copied().unwrap_or_default()
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
        if !lists.may_change(list, &self.present_bytes(id)) {
            return id;
        }
        let (Some(known), Some(step)) = (self.get(id), lists.last_step(list)) else {
            return id;
        };
        let start = known.derived.and_then(|start| usize::try_from(start).ok());
        let place = start.and_then(|start| self.derived.get(start + list.index()));
        if let Some(Some(derived)) = place {
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
        let Some(known) = self.known.get_mut(id.index()) else {
            return;
        };
        if known.derived.is_none() && self.budget.take(lists * size_of::<Option<TextId>>()) {
            known.derived = u32::try_from(self.derived.len()).ok();
            self.derived.resize(self.derived.len() + lists, None);
        }
        let start = known.derived.and_then(|start| usize::try_from(start).ok());
        let place = start.and_then(|start| self.derived.get_mut(start + list.index()));
        if let Some(place) = place {
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
        self.known.get(id.index())
    }
}
