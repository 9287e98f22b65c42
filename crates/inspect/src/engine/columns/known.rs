//! What is known about the columns of one request.

use std::mem;
use std::ops::Range;

use super::{Column, ColumnId, Columns};
use crate::byte_set::ByteSet;
use crate::engine::budget::Budget;
use crate::engine::filter::{Candidates, Filter, has_rule};
use crate::engine::texts::{TextId, Texts};
use crate::engine::transformations::{ListId, TransformationLists};
use crate::engine::values::Values;

/// What some values have in common.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The bytes that occur in any of them.
    present: ByteSet,
    /// Which rules the literals allow, for requests and for responses.
    candidates: [Candidates; 2],
}

/// The values of a source before any transformation.
#[derive(Clone, Debug, Default)]
struct KnownSource {
    /// To which state of all values it belongs. 0: nothing is known.
    state: u32,
    /// To which state of the collections it belongs.
    version: u32,
    /// Where they are in [`KnownColumns::texts`].
    texts: Range<usize>,
    /// What they have in common.
    common: Known,
}

/// The values of a source after a list.
#[derive(Clone, Copy, Debug, Default)]
struct KnownColumn {
    /// To which state of the collection it belongs. 0: nothing is known.
    version: u32,
    /// Whether some values were not read, as the work for a person's text was used up.
    is_partial: bool,
    /// What they have in common.
    common: Known,
}

/// What is known about the values of one request.
#[derive(Debug, Default)]
pub(crate) struct KnownColumns {
    /// The texts of all sources, and whether a person wrote them.
    texts: Vec<(TextId, bool)>,
    /// By the number of the source.
    sources: Vec<KnownSource>,
    /// By the number of the column. Only those are in it whose list had to run.
    columns: Vec<KnownColumn>,
    /// The bits of candidates.
    masks: Vec<u64>,
}

/// What a rule needs in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'s> {
    /// Of each set a byte.
    pub(crate) sets: &'s [ByteSet],
    /// A byte outside of this set.
    pub(crate) allowed: Option<&'s ByteSet>,
    /// A literal of the rule with this number in the filter.
    pub(crate) literals: Option<usize>,
    /// The filter.
    pub(crate) search: Search<'s>,
}

impl Asked<'_> {
    /// Whether values with these bytes may match, whatever the case of their letters.
    fn has_sets(&self, present: &ByteSet) -> bool {
        self.sets.iter().all(|set| set.intersects(present))
    }
}

/// One of the two filters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'s> {
    /// The filter.
    pub(crate) filter: &'s Filter,
    /// Which of the two it is.
    pub(crate) is_response: bool,
}

impl Search<'_> {
    /// What was found with this filter before.
    fn known(self, [request, response]: [Candidates; 2]) -> Candidates {
        if self.is_response { response } else { request }
    }

    /// Keeps what was found with this filter.
    fn remember(self, [request, response]: &mut [Candidates; 2], found: Candidates) {
        *(if self.is_response { response } else { request }) = found;
    }
}

/// With what the values are read.
pub(crate) struct Reader<'a, 'r> {
    /// All columns.
    pub(crate) columns: &'a Columns,
    /// All lists.
    pub(crate) lists: &'a TransformationLists,
    /// The values of the request.
    pub(crate) values: &'a mut Values<'r>,
    /// The work for what a person wrote, as rules for code decide nothing there.
    pub(crate) words_work: &'a mut Budget,
}

impl<'r> Reader<'_, 'r> {
    /// Reads a text. `None`: the work for what a person wrote is used up.
    fn read<T>(&mut self, is_words: bool, read: impl FnOnce(&mut Texts<'r>) -> T) -> Option<T> {
        let texts = &mut self.values.texts;
        if !is_words {
            return Some(read(texts));
        }
        if self.words_work.is_exceeded() {
            return None;
        }
        mem::swap(&mut texts.work, self.words_work);
        let result = read(texts);
        mem::swap(&mut texts.work, self.words_work);
        Some(result)
    }
}

impl KnownColumns {
    /// Whether a value of a column may match.
    ///
    /// True is no promise. A number that no rule set gave may match. What a person wrote is read
    /// from the work for it: beyond that, any of it may match.
    ///
    /// Sets and literals have no case. So it is only asked what a list may change beyond case, and
    /// it runs only if the bytes that it could make allow a match.
    pub(crate) fn may_match(
        &mut self,
        id: ColumnId,
        mut reader: Reader<'_, '_>,
        asked: Asked<'_>,
    ) -> bool {
        let Some(&column) = reader.columns.columns.get(id.index()) else {
            return true;
        };
        let Some((version, common)) = self.read_source(column.source, &reader) else {
            return false;
        };
        if asked.allowed.is_none() {
            if !reader
                .lists
                .may_change_beyond_case(column.list, &common.present)
            {
                return asked.has_sets(&common.present)
                    && self.has_literal(common, asked, |known, search| {
                        known.source_candidates(column.source, search, &mut reader)
                    });
            }
            if !asked.has_sets(&reader.lists.most_bytes(column.list, &common.present)) {
                return false;
            }
        }
        let known = match self.columns.get(id.index()) {
            Some(known) if known.version == version => *known,
            _ => self.read_column(id, column, version, &mut reader),
        };
        if known.is_partial {
            return true;
        }
        match asked.allowed {
            Some(allowed) => known.common.present.exceeds(allowed),
            None => {
                asked.has_sets(&known.common.present)
                    && self.has_literal(known.common, asked, |known, search| {
                        known.column_candidates(id, column, search, &mut reader)
                    })
            }
        }
    }

    /// Whether a literal of a rule occurs. `find` searches for the literals of all rules, if that
    /// was not done; what it does not know may be there.
    fn has_literal(
        &mut self,
        known: Known,
        asked: Asked<'_>,
        find: impl FnOnce(&mut Self, Search<'_>) -> Option<Candidates>,
    ) -> bool {
        let (Some(rule), search) = (asked.literals, asked.search) else {
            return true;
        };
        let found = match search.known(known.candidates) {
            Candidates::Unknown => find(self, search),
            found => Some(found),
        };
        found.is_none_or(|found| has_rule(search.filter.rules(found, &self.masks), rule))
    }

    /// What the values of a source have in common, and the version of the collection. `None`:
    /// there is no value.
    fn read_source(&mut self, number: usize, reader: &Reader<'_, '_>) -> Option<(u32, Known)> {
        let state = reader.values.version();
        match self.sources.get(number) {
            Some(known) if known.state == state => {}
            _ => self.read_values(number, state, reader)?,
        }
        let known = self.sources.get(number)?;
        (!known.texts.is_empty()).then_some((known.version, known.common))
    }

    /// Reads the values of a source, if its collection has changed.
    fn read_values(&mut self, number: usize, state: u32, reader: &Reader<'_, '_>) -> Option<()> {
        let all = reader.columns;
        if self.sources.len() < all.sources.len() {
            self.sources
                .resize(all.sources.len(), KnownSource::default());
            self.columns
                .resize(all.columns.len(), KnownColumn::default());
        }
        let source = all.sources.get(number)?;
        let known = self.sources.get_mut(number)?;
        known.state = state;
        // Each only grows, so the sum is the same only if each is.
        let versions = source
            .iter()
            .map(|named| reader.values.version_of(named.collection));
        let version = versions.fold(0, u32::wrapping_add);
        if known.version == version {
            return Some(());
        }
        let (start, texts) = (self.texts.len(), &reader.values.texts);
        let mut present = ByteSet::default();
        for named in source {
            let key = named.key.as_ref();
            for value in reader.values.of(named.collection) {
                if key.is_none_or(|key| key.eq_ignore_ascii_case(texts.bytes(value.key))) {
                    present = present.union(&texts.present_bytes(value.text));
                    self.texts.push((value.text, value.is_words));
                }
            }
        }
        *known = KnownSource {
            state,
            version,
            texts: start..self.texts.len(),
            common: Known {
                present,
                ..Known::default()
            },
        };
        Some(())
    }

    /// Finds out which bytes the values of a column have.
    fn read_column(
        &mut self,
        id: ColumnId,
        column: Column,
        version: u32,
        reader: &mut Reader<'_, '_>,
    ) -> KnownColumn {
        let lists = reader.lists;
        let mut known = KnownColumn {
            version,
            ..KnownColumn::default()
        };
        for &(text, is_words) in self.texts_of(column.source) {
            let mut present = reader.values.texts.present_bytes(text);
            if lists.may_change(column.list, &present) {
                let derived = reader.read(is_words, |texts| {
                    let derived = texts.derive(text, column.list, lists);
                    texts.present_bytes(derived)
                });
                known.is_partial |= derived.is_none();
                present = derived.unwrap_or_default();
            }
            known.common.present = known.common.present.union(&present);
        }
        if let Some(place) = self.columns.get_mut(id.index()) {
            *place = known;
        }
        known
    }

    /// The texts of a source that was read.
    fn texts_of(&self, number: usize) -> &[(TextId, bool)] {
        let range = self.sources.get(number).map(|known| known.texts.clone());
        self.texts
            .get(range.unwrap_or_default())
            .unwrap_or_default()
    }

    /// Finds out which rules the literals in a source allow. `None`: it is not known of all values.
    fn source_candidates(
        &mut self,
        number: usize,
        search: Search<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Option<Candidates> {
        let known = search.known(self.sources.get(number)?.common.candidates);
        if known != Candidates::Unknown {
            return Some(known);
        }
        let found = self.search_texts(number, None, Candidates::None, search, reader)?;
        let known = self.sources.get_mut(number)?;
        search.remember(&mut known.common.candidates, found);
        Some(found)
    }

    /// Finds out which rules the literals in a column allow. `None`: it is not known of all values.
    ///
    /// They are those of the values before transformations, and those of what the list made of
    /// some.
    fn column_candidates(
        &mut self,
        id: ColumnId,
        column: Column,
        search: Search<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Option<Candidates> {
        let plain = self.source_candidates(column.source, search, reader)?;
        let plain = search.filter.copy(plain, &mut self.masks);
        let found = self.search_texts(column.source, Some(column.list), plain, search, reader)?;
        let known = self.columns.get_mut(id.index())?;
        search.remember(&mut known.common.candidates, found);
        Some(found)
    }

    /// Adds the rules that the literals in the texts of a source allow: as they are, or what a
    /// list makes of those that it changes.
    fn search_texts(
        &mut self,
        number: usize,
        list: Option<ListId>,
        mut found: Candidates,
        search: Search<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Option<Candidates> {
        let (range, lists) = (self.sources.get(number)?.texts.clone(), reader.lists);
        let masks = &mut self.masks;
        for &(text, is_words) in self.texts.get(range)? {
            found = reader.read(is_words, |texts| {
                let derived = list.map_or(text, |list| texts.derive(text, list, lists));
                if list.is_some() && derived == text {
                    return found;
                }
                match texts.candidates(derived, search.filter, search.is_response) {
                    [] => found,
                    rules => search.filter.add(found, rules, masks),
                }
            })?;
        }
        Some(found)
    }
}
