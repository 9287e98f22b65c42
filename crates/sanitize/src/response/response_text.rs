//! A text that arrives in chunks: cleaned, masked, and placeholders restored.
//!
//! What is cut by a border of chunks is held back until it is whole: a character, an emoji sequence, a
//! number that may be personal data, a placeholder. Plain prose is not held back for longer than a word.

use std::fmt;
use std::sync::{Arc, LazyLock};

use super::counts::ResponseCounts;
use super::hold::{LONGEST_HELD, certain_length, earlier_border};
use crate::personal_data::{PersonalData, Placeholders, RestoreStream};
use crate::text::{Filter, Preset, Report, SourceMap, traits_of};

/// How many places are tried for a border in a long text.
const MOST_STEPS: usize = 8;

/// What is dropped. It is made once in a process.
static FILTER: LazyLock<Filter> = LazyLock::new(|| Preset::Prompt.sanitizer().filter().dropping());

/// How much of what was sent is kept as context, in bytes: words before a number tell what it is.
const CONTEXT: usize = 128;

/// Cleans the text of a response chunk by chunk.
///
/// * Control characters, direction controls, tags and other hidden characters are dropped, as
///   [`Sanitizer::prompt`](crate::Sanitizer::prompt) does. White space stays.
/// * Personal data is masked with `*`, if a [`PersonalData`] is given.
/// * Placeholders are restored, if [`Placeholders`] are given. What is restored is not masked.
///
/// Where chunks are cut makes no difference, except that at most 16 KiB are held back. With masking, a
/// number waits for the 24 characters after it, which may tell that it is no personal data.
///
/// ```
/// use palisade_sanitize::{PersonalData, ResponseText};
///
/// let mut response = ResponseText::new().mask(PersonalData::new());
/// let mut shown = response.push("Call 138 00");
/// assert_eq!(shown, "Call "); // the number may go on
/// shown += &response.push("13 8000 today");
/// shown += &response.finish();
/// assert_eq!(shown, "Call ************* today");
/// ```
///
/// Placeholders of the prompt are put back:
///
/// ```
/// use palisade_sanitize::{PersonalData, Placeholders, ResponseText};
///
/// let mut placeholders = Placeholders::new();
/// let finder = PersonalData::new();
/// let _prompt = finder.replace_with_placeholders("给13800138000发短信", &mut placeholders);
/// let mut response = ResponseText::new().mask(finder).restore(&placeholders);
/// let mut shown = response.push("已发给‹PHO");
/// shown += &response.push("NE_1›，不是13900139000。");
/// shown += &response.finish();
/// assert_eq!(shown, "已发给13800138000，不是***********。");
/// ```
#[must_use]
pub struct ResponseText<'p> {
    filter: Filter,
    finder: Option<PersonalData>,
    restore: Option<RestoreStream<'p>>,
    /// What was masked and sent, as it was before: the context of what comes.
    context: String,
    held: String,
    counts: ResponseCounts,
}

impl Default for ResponseText<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// The text stays out of logs.
impl fmt::Debug for ResponseText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseText")
            .field("masks", &self.finder.is_some())
            .field("restores", &self.restore.is_some())
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl<'p> ResponseText<'p> {
    /// Drops hidden characters, and does nothing else.
    pub fn new() -> Self {
        Self {
            filter: *FILTER,
            finder: None,
            restore: None,
            context: String::new(),
            held: String::new(),
            counts: ResponseCounts::default(),
        }
    }

    /// Also masks personal data. Default: off.
    pub fn mask(mut self, finder: PersonalData) -> Self {
        self.finder = Some(finder);
        self
    }

    /// Also restores placeholders. Default: off.
    pub fn restore(mut self, placeholders: &'p Placeholders) -> Self {
        self.restore = Some(placeholders.restore_stream());
        self
    }

    /// Also restores placeholders that are shared with the request side, so that the text needs no
    /// lifetime. Default: off.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use palisade_sanitize::{PersonalData, Placeholders, ResponseText};
    ///
    /// let mut placeholders = Placeholders::new();
    /// let _prompt = PersonalData::new().replace_with_placeholders("13800138000", &mut placeholders);
    /// let mut response: ResponseText<'static> =
    ///     ResponseText::new().restore_shared(Arc::new(placeholders));
    /// assert_eq!(response.push("‹PHONE_1›, good"), "13800138000, goo");
    /// ```
    pub fn restore_shared(self, placeholders: Arc<Placeholders>) -> Self {
        self.restore_by(placeholders.restore_shared())
    }

    /// Restores by a stream with limits of its own.
    pub(super) fn restore_by(mut self, stream: RestoreStream<'p>) -> Self {
        self.restore = Some(stream);
        self
    }

    /// Returns whether something is held back.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty() || self.restore.as_ref().is_some_and(RestoreStream::is_holding)
    }

    /// Returns what was changed since the last call.
    pub(super) fn take_counts(&mut self) -> ResponseCounts {
        let mut counts = std::mem::take(&mut self.counts);
        if let Some(restore) = &mut self.restore {
            counts.add_restored(restore.take_count());
        }
        counts
    }

    /// Takes a chunk and returns what is certain.
    #[must_use]
    pub fn push(&mut self, chunk: &str) -> String {
        self.held.push_str(chunk);
        let certain = certain_length(&self.held, self.finder.is_some());
        let certain = self.before_findings(certain);
        self.release_start(certain)
    }

    /// Returns what was held back. The value can then be used for another response.
    #[must_use]
    pub fn finish(&mut self) -> String {
        let mut last = self.release_start(self.held.len());
        self.context.clear();
        if let Some(restore) = &mut self.restore {
            last.push_str(&restore.take_held());
        }
        last
    }

    /// Takes a text that is complete, and returns it cleaned. Nothing is held back.
    pub(super) fn push_last(&mut self, text: &str) -> String {
        self.held.push_str(text);
        self.finish()
    }

    /// Shortens a length so that it does not end inside of personal data.
    fn before_findings(&self, certain: usize) -> usize {
        if !self.cuts_finding(certain) {
            return certain;
        }
        // This is rare, so in a short text nothing is released until it is clear.
        if self.held.len() <= LONGEST_HELD {
            return 0;
        }
        let mut earlier = certain;
        for _ in 0..MOST_STEPS {
            earlier = earlier_border(&self.held, earlier);
            if !self.cuts_finding(earlier) {
                return earlier;
            }
        }
        certain
    }

    /// Tells whether a length ends inside of personal data.
    fn cuts_finding(&self, length: usize) -> bool {
        let Some(finder) = self.finder.as_ref().filter(|_| length > 0) else {
            return false;
        };
        let (first, rest) = self.held.split_at_checked(length).unwrap_or_default();
        let mut text = format!("{}{}", self.context, self.clean_text(first).0);
        let border = text.len();
        text.push_str(&self.clean_text(rest).0);
        let findings = finder.find(&text).into_iter();
        let mut places = findings.map(|finding| finding.range());
        places.any(|place| place.start < border && border < place.end)
    }

    /// Cleans, masks and restores the beginning of what is held.
    fn release_start(&mut self, length: usize) -> String {
        let length = self.held.floor_char_boundary(length);
        let rest = self.held.split_off(length);
        let held = std::mem::replace(&mut self.held, rest);
        let (clean, removed) = self.clean_text(&held);
        self.counts.add_removed(removed);
        let masked = self.mask_text(&clean);
        self.context.push_str(&clean);
        let surplus = self.context.len().saturating_sub(CONTEXT);
        let surplus = self.context.ceil_char_boundary(surplus);
        self.context.drain(..surplus);
        match &mut self.restore {
            Some(restore) => restore.push(&masked),
            None => masked,
        }
    }

    /// Returns the beginning of what stays held, cleaned: words behind a number tell what it is.
    fn words_ahead(&self) -> String {
        let end = self.held.floor_char_boundary(CONTEXT);
        self.clean_text(self.held.get(..end).unwrap_or_default()).0
    }

    /// Drops hidden characters. Returns how many were dropped or replaced, too.
    fn clean_text(&self, text: &str) -> (String, u32) {
        let mut report = Report::new();
        let mut map = SourceMap::new(false);
        if !self.filter.touches(traits_of(text)) {
            return (text.to_owned(), 0);
        }
        match self.filter.pass(text, &mut report, &mut map) {
            Ok(Some(clean)) => (clean, report.removed()),
            // The filter drops and refuses nothing.
            Ok(None) | Err(_) => (text.to_owned(), 0),
        }
    }

    /// Masks personal data in a text, with what is before and behind it.
    fn mask_text(&mut self, clean: &str) -> String {
        let Some(finder) = &self.finder else {
            return clean.to_owned();
        };
        let before = self.context.len();
        let end = before + clean.len();
        let text = format!("{}{clean}{}", self.context, self.words_ahead());
        let mut masked = String::with_capacity(clean.len());
        let mut done = before;
        for finding in finder.find(&text) {
            let place = finding.range();
            let start = place.start.max(done);
            let stop = place.end.min(end);
            if stop <= start {
                continue;
            }
            masked.push_str(text.get(done..start).unwrap_or_default());
            let found = text.get(start..stop).unwrap_or_default();
            masked.extend(found.chars().map(|_| '*'));
            self.counts.add_masked(finding.name());
            done = stop;
        }
        masked.push_str(text.get(done..end).unwrap_or_default());
        masked
    }
}
