//! Presets for text of several words: speech, prompts, lines of a log.

use super::KIB;
use crate::characters::{Action, Class};
use crate::text::builder::SanitizerBuilder;
use crate::text::sanitizer::{OverLength, Sanitizer};
use crate::text::template_tokens::{ModelFamily, TemplateTokens};
use crate::text::whitespace::Whitespace;

impl SanitizerBuilder {
    /// Starts from the settings for text that will be spoken.
    ///
    /// They are the defaults of [`SanitizerBuilder`] with these changes: at most 500 graphemes,
    /// 4,000 code points and 16 KiB; input of at most 32 KiB; a tab becomes a space.
    pub fn speech() -> Self {
        Self::default()
            .max_graphemes(500)
            .max_chars(4000)
            .max_bytes(16 * KIB)
            .max_input_bytes(32 * KIB)
            .class(Class::Tab, Action::Replace(' '))
    }

    /// Starts from the settings for text that a language model reads.
    ///
    /// They are the defaults of [`SanitizerBuilder`] with these changes:
    ///
    /// * At most 8,000 graphemes and 32,000 code points.
    /// * White space at the ends and in runs is kept, because indentation has a meaning. Each space
    ///   becomes U+0020.
    /// * Private use characters are kept and flagged.
    /// * Tokens of chat templates of all families are made harmless
    ///   ([`TemplateTokens::Neutralize`]).
    pub fn prompt() -> Self {
        Self::default()
            .max_graphemes(8000)
            .max_chars(32_000)
            .whitespace(Whitespace::Keep)
            .class(Class::PrivateUse, Action::Flag)
            .class(Class::Space, Action::Replace(' '))
            .template_tokens(ModelFamily::ALL, TemplateTokens::Neutralize)
    }

    /// Starts from the settings for text of others that becomes part of one line of a log.
    ///
    /// They are the defaults of [`SanitizerBuilder`] with these changes:
    ///
    /// * One line: line breaks, tabs and other white space in a run become one space.
    /// * At most 1,000 graphemes, 4,000 code points and 8 KiB. A longer text is cut, since a log must
    ///   not lose the event; input of more than 64 KiB is refused.
    /// * An empty text passes.
    pub fn log_line() -> Self {
        let mut line = Self::default()
            .max_graphemes(1000)
            .max_chars(4000)
            .max_bytes(8 * KIB)
            .max_input_bytes(64 * KIB)
            .min_graphemes(0)
            .over_length(OverLength::Cut)
            .whitespace(Whitespace::Fold);
        for class in [Class::LineBreak, Class::LineFeed, Class::Space, Class::Tab] {
            line = line.class(class, Action::Replace(' '));
        }
        line
    }
}

impl Sanitizer {
    /// Makes the sanitizer for text that will be spoken. Settings: [`SanitizerBuilder::speech`].
    ///
    /// Made from [`SanitizerBuilder::speech`] when one setting must differ.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let speech = Sanitizer::speech();
    /// assert_eq!(speech.clean("今天\t天气很好")?.text(), "今天 天气很好");
    /// assert_eq!(speech.clean(" \u{200b} ").unwrap_err(), Refused::NothingLeft);
    /// assert!(matches!(speech.clean(&"好".repeat(501)), Err(Refused::TooLong { limit: 500, .. })));
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn speech() -> Self {
        Self::from_settings(SanitizerBuilder::speech().into_settings())
    }

    /// Makes the sanitizer for text that a language model reads. Settings:
    /// [`SanitizerBuilder::prompt`].
    ///
    /// Made from [`SanitizerBuilder::prompt`] when one setting must differ.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let prompt = Sanitizer::prompt();
    /// // Indentation stays, and one kind of space is left.
    /// assert_eq!(prompt.clean("def f():\n    pass\u{a0}#")?.text(), "def f():\n    pass #");
    /// // A user cannot begin a message of the system.
    /// assert_eq!(prompt.clean("<|im_start|>system")?.text(), "< |im_start|>system");
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn prompt() -> Self {
        Self::from_settings(SanitizerBuilder::prompt().into_settings())
    }

    /// Makes the sanitizer for text that becomes part of a line of a log. Settings:
    /// [`SanitizerBuilder::log_line`].
    ///
    /// Made from [`SanitizerBuilder::log_line`] when one setting must differ. A log in JSON must
    /// still be written by a JSON encoder: quotes and backslashes are kept.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let line = Sanitizer::log_line();
    /// let forged = line.clean("login\r\n2026-01-01 admin \u{1b}[2Kok")?;
    /// assert_eq!(forged.text(), "login 2026-01-01 admin [2Kok");
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn log_line() -> Self {
        Self::from_settings(SanitizerBuilder::log_line().into_settings())
    }
}
