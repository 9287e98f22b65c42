//! Text of responses that arrives in chunks: cleaned, masked, and placeholders restored.
//!
//! What is cut by a border of chunks is held back until it is whole: a character, an emoji sequence, a
//! number that may be personal data, a placeholder. Plain prose is not held back for longer than a word.

mod hold;

use std::fmt;

use crate::personal_data::{PersonalData, Placeholders, RestoreStream};
use crate::text::{Filter, Preset, Report, SourceMap, traits_of};

use self::hold::{LONGEST_HELD, certain_length};

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
            filter: Preset::Prompt.sanitizer().filter().dropping(),
            finder: None,
            restore: None,
            context: String::new(),
            held: String::new(),
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

    /// Shortens a length so that it does not end inside of personal data.
    fn before_findings(&self, certain: usize) -> usize {
        let Some(finder) = &self.finder else {
            return certain;
        };
        if self.held.len() > LONGEST_HELD {
            return certain;
        }
        let (first, rest) = self
            .held
            .split_at_checked(certain)
            .unwrap_or((&self.held, ""));
        let mut text = format!("{}{}", self.context, self.clean_text(first));
        let border = text.len();
        text.push_str(&self.clean_text(rest));
        let mut places = finder
            .find(&text)
            .into_iter()
            .map(|finding| finding.range());
        // This is rare, so nothing is released until it is clear.
        match places.any(|place| place.start < border && border < place.end) {
            true => 0,
            false => certain,
        }
    }

    /// Cleans, masks and restores the beginning of what is held.
    fn release_start(&mut self, length: usize) -> String {
        let length = self.held.floor_char_boundary(length);
        let rest = self.held.split_off(length);
        let held = std::mem::replace(&mut self.held, rest);
        let clean = self.clean_text(&held);
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

    fn clean_text(&self, text: &str) -> String {
        let mut report = Report::new();
        let mut map = SourceMap::new(false);
        if !self.filter.touches(traits_of(text)) {
            return text.to_owned();
        }
        match self.filter.pass(text, &mut report, &mut map) {
            Ok(Some(clean)) => clean,
            // The filter drops and refuses nothing.
            Ok(None) | Err(_) => text.to_owned(),
        }
    }

    /// Masks personal data in a text, with the context before it.
    fn mask_text(&self, clean: &str) -> String {
        let Some(finder) = &self.finder else {
            return clean.to_owned();
        };
        let before = self.context.len();
        let text = format!("{}{clean}", self.context);
        let mut masked = String::with_capacity(clean.len());
        let mut done = before;
        for place in finder
            .find(&text)
            .into_iter()
            .map(|finding| finding.range())
        {
            let start = place.start.max(done);
            if place.end <= start {
                continue;
            }
            masked.push_str(text.get(done..start).unwrap_or_default());
            let found = text.get(start..place.end).unwrap_or_default();
            masked.extend(found.chars().map(|_| '*'));
            done = place.end;
        }
        masked.push_str(text.get(done..).unwrap_or_default());
        masked
    }
}
