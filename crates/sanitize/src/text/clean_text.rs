//! What comes out of a sanitizer: the text, and the report of what was changed.

use std::{borrow::Cow, fmt};

use super::report::Report;

/// A cleaned text, and the report of what was changed.
///
/// Its `Debug` shows the report only, so that the text does not get into logs.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
/// use palisade_sanitize::Sanitizer;
///
/// let sanitizer = Sanitizer::builder().build()?;
/// let clean = sanitizer.clean("hello\u{200b}")?;
/// assert_eq!(format!("{clean:?}").contains("hello"), false);
/// assert!(clean.report().is_changed());
/// assert!(matches!(clean.into_text(), Cow::Owned(text) if text == "hello"));
/// // What needs no change is borrowed.
/// assert!(matches!(sanitizer.clean("hello")?.into_text(), Cow::Borrowed("hello")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct CleanText<'t> {
    /// The text, borrowed if nothing was changed.
    pub(super) text: Cow<'t, str>,
    /// What was changed and noted.
    pub(super) report: Report,
}

impl<'t> CleanText<'t> {
    /// Returns the cleaned text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the cleaned text, borrowed from the input unless it had to be rewritten.
    #[must_use]
    pub fn into_text(self) -> Cow<'t, str> {
        self.text
    }

    /// Returns the counts of what was found and changed.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }
}

/// The text stays out of logs.
impl fmt::Debug for CleanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanText")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}
