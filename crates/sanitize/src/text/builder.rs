//! The settings of a sanitizer, and their defaults.

use super::filter::Filter;
use super::length::Limits;
use super::normalize::Normalization;
use super::repertoire::Repertoire;
use super::rule::TextRule;
use super::sanitizer::{OverLength, Sanitizer, Settings};
use super::template_tokens::{self, ModelFamily, TemplateTokens};
use super::whitespace::Whitespace;
use crate::characters::{Action, Class, PerClass, suspect};
use crate::error::SanitizeBuildError;

/// Limits are set in bytes; the defaults are round numbers of KiB.
const KIB: usize = 1024;

/// Configures a [`Sanitizer`].
///
/// The defaults suit text of any kind:
///
/// * Control, bidirectional, invisible, tag and private use characters and noncharacters are
///   dropped.
/// * Tabs, line feeds and all kinds of space are kept. Other line separators become line feeds.
/// * A base character keeps at most 8 combining marks.
/// * The text is normalized to NFC and trimmed.
/// * Input has at most 128 KiB. Cleaned text has at least one grapheme and at most 64 KiB.
/// * There are no rules, and tokens of chat templates are kept.
///
/// [`speech`](Self::speech), [`prompt`](Self::prompt) and the other presets
/// ([`Preset`](crate::Preset)) start from settings for common uses. [`build`](Self::build) checks the
/// settings. No other method fails.
///
/// ```
/// use palisade_sanitize::{Action, Class, Sanitizer};
///
/// let sanitizer = Sanitizer::builder()
///     .class(Class::BidiControl, Action::Refuse)
///     .class(Class::Tab, Action::Replace(' '))
///     .max_graphemes(20)
///     .build()?;
/// assert_eq!(sanitizer.clean("a\tb")?.text(), "a b");
/// assert!(sanitizer.clean("safe\u{202e}cod.exe").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SanitizerBuilder(Settings);

impl Default for SanitizerBuilder {
    fn default() -> Self {
        Self(Settings {
            filter: Filter {
                actions: default_actions(),
                max_marks: 8,
            },
            input: Limits {
                bytes: Some(128 * KIB),
                ..Limits::default()
            },
            limits: Limits {
                bytes: Some(64 * KIB),
                ..Limits::default()
            },
            min_graphemes: 1,
            normalization: Normalization::Nfc,
            over_length: OverLength::Refuse,
            repertoire: Repertoire::Any,
            rules: Vec::new(),
            template_tokens: None,
            whitespace: Whitespace::Trim,
        })
    }
}

/// The action of each class in the defaults: drop, with few exceptions.
fn default_actions() -> PerClass<Action> {
    let mut actions = PerClass::all(Action::Drop);
    let others = [
        (Class::LineBreak, Action::Replace('\n')),
        (Class::LineFeed, Action::Keep),
        (Class::Space, Action::Keep),
        (Class::Tab, Action::Keep),
    ];
    for (class, action) in others {
        set(&mut actions, class, action);
    }
    actions
}

/// Sets the action of one class.
fn set(actions: &mut PerClass<Action>, class: Class, action: Action) {
    if let Some(place) = actions.get_mut(class) {
        *place = action;
    }
}

impl SanitizerBuilder {
    /// Sets what is done with the characters of a class. The last call for a class counts.
    ///
    /// With [`Action::Refuse`], one such character refuses the text
    /// ([`Refused::Forbidden`](crate::Refused::Forbidden)). Defaults: see [`SanitizerBuilder`].
    ///
    /// ```
    /// use palisade_sanitize::{Action, Class, Refused, Sanitizer};
    ///
    /// let strict = Sanitizer::builder().class(Class::Nul, Action::Refuse).build()?;
    /// assert_eq!(strict.clean("a\0b").unwrap_err(), Refused::Forbidden(Class::Nul));
    /// let lenient = Sanitizer::builder().class(Class::Invisible, Action::Keep).build()?;
    /// assert_eq!(lenient.clean("co\u{ad}operate")?.text(), "co\u{ad}operate"); // a soft hyphen
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn class(mut self, class: Class, action: Action) -> Self {
        set(&mut self.0.filter.actions, class, action);
        self
    }

    /// Sets how many combining marks one base character may have. Default: 8.
    ///
    /// Each further mark is of [`Class::CombiningMark`], and the action of that class applies to
    /// it.
    ///
    /// ```
    /// use palisade_sanitize::Sanitizer;
    ///
    /// let sanitizer = Sanitizer::builder().max_marks(2).build()?;
    /// assert_eq!(sanitizer.clean("e\u{301}\u{323}\u{330}\u{331}")?.text().chars().count(), 2);
    /// // Two marks stay, and NFC puts one of them into the letter.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_marks(mut self, count: usize) -> Self {
        self.0.filter.max_marks = count;
        self
    }

    /// Limits the cleaned text, in bytes of UTF-8. Default: 64 KiB.
    ///
    /// A longer text is cut or refused as [`over_length`](Self::over_length) says. Independent of
    /// that setting, a text that grows to four times this limit while it is cleaned is refused.
    ///
    /// ```
    /// use palisade_sanitize::Sanitizer;
    ///
    /// let sanitizer = Sanitizer::builder().max_bytes(6).build()?;
    /// assert!(sanitizer.clean("你好").is_ok());
    /// assert!(sanitizer.clean("你好!").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_bytes(mut self, count: usize) -> Self {
        self.0.limits.bytes = Some(count);
        self
    }

    /// Limits the cleaned text, in code points. Default: no limit.
    ///
    /// ```
    /// use palisade_sanitize::Sanitizer;
    ///
    /// let sanitizer = Sanitizer::builder().max_chars(2).build()?;
    /// assert!(sanitizer.clean("你好").is_ok());
    /// assert!(sanitizer.clean("👍🏽!").is_err()); // the skin tone is a code point too
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_chars(mut self, count: usize) -> Self {
        self.0.limits.chars = Some(count);
        self
    }

    /// Limits the cleaned text, in graphemes (what a reader sees as one character). Default: no
    /// limit.
    ///
    /// A grapheme can be of any length, so the limits in bytes and code points still apply.
    /// Graphemes are the extended grapheme clusters of Unicode Standard Annex 29.
    ///
    /// ```
    /// use palisade_sanitize::Sanitizer;
    ///
    /// let sanitizer = Sanitizer::builder().max_graphemes(2).build()?;
    /// assert!(sanitizer.clean("👍🏽!").is_ok());
    /// assert!(sanitizer.clean("abc").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_graphemes(mut self, count: usize) -> Self {
        self.0.limits.graphemes = Some(count);
        self
    }

    /// Limits the input, in bytes, before anything else is checked. Default: 128 KiB.
    ///
    /// A longer input is always refused, never cut ([`Refused::TooLong`](crate::Refused::TooLong)).
    ///
    /// ```
    /// use palisade_sanitize::{OverLength, Sanitizer};
    ///
    /// let sanitizer = Sanitizer::builder().max_input_bytes(4).over_length(OverLength::Cut).build()?;
    /// assert!(sanitizer.clean("abcd").is_ok());
    /// assert!(sanitizer.clean("     a").is_err()); // before it is trimmed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_input_bytes(mut self, count: usize) -> Self {
        self.0.input.bytes = Some(count);
        self
    }

    /// Limits the input, in code points. Default: no limit. A longer input is refused.
    pub fn max_input_chars(mut self, count: usize) -> Self {
        self.0.input.chars = Some(count);
        self
    }

    /// Limits the input, in graphemes. Default: no limit. A longer input is refused.
    pub fn max_input_graphemes(mut self, count: usize) -> Self {
        self.0.input.graphemes = Some(count);
        self
    }

    /// Requires this many graphemes in the cleaned text, not counting white space at the ends.
    ///
    /// Default: 1. With 0 an empty text is accepted. A shorter text is refused
    /// ([`Refused::TooShort`](crate::Refused::TooShort)).
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let query = Sanitizer::builder().min_graphemes(3).build()?;
    /// assert_eq!(query.clean(" ab ").unwrap_err(), Refused::TooShort { limit: 3 });
    /// let note = Sanitizer::builder().min_graphemes(0).build()?;
    /// assert_eq!(note.clean("  ")?.text(), "");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn min_graphemes(mut self, count: usize) -> Self {
        self.0.min_graphemes = count;
        self
    }

    /// Sets the normalization form. Default: [`Normalization::Nfc`].
    ///
    /// ```
    /// use palisade_sanitize::{Normalization, Sanitizer};
    ///
    /// let sanitizer = Sanitizer::builder().normalization(Normalization::Nfkc).build()?;
    /// assert_eq!(sanitizer.clean("ＡＢＣ①")?.text(), "ABC1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn normalization(mut self, form: Normalization) -> Self {
        self.0.normalization = form;
        self
    }

    /// Sets what is done with a text that is too long after cleaning. Default:
    /// [`OverLength::Refuse`].
    ///
    /// It does not apply to the limits of the input, which always refuse.
    ///
    /// ```
    /// use palisade_sanitize::{OverLength, Sanitizer};
    ///
    /// let sanitizer = Sanitizer::builder().max_graphemes(3).over_length(OverLength::Cut).build()?;
    /// let clean = sanitizer.clean("abcdef")?;
    /// assert_eq!(clean.text(), "abc");
    /// assert!(clean.report().is_cut());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over_length(mut self, what: OverLength) -> Self {
        self.0.over_length = what;
        self
    }

    /// Sets what is done with white space. Default: [`Whitespace::Trim`].
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, Whitespace};
    ///
    /// let sanitizer = Sanitizer::builder().whitespace(Whitespace::Fold).build()?;
    /// assert_eq!(sanitizer.clean("  a \n\t b ")?.text(), "a b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn whitespace(mut self, how: Whitespace) -> Self {
        self.0.whitespace = how;
        self
    }

    /// Sets what is done with the tokens of the chat templates of these models. The last call
    /// counts.
    ///
    /// Default: nothing, except that [`prompt`](Self::prompt) neutralizes the tokens of all
    /// families. The tokens are found after the rules of [`rule`](Self::rule) have run.
    ///
    /// ```
    /// use palisade_sanitize::{ModelFamily, SanitizerBuilder, TemplateTokens};
    ///
    /// let chat_ml = SanitizerBuilder::prompt()
    ///     .template_tokens([ModelFamily::ChatMl], TemplateTokens::Refuse)
    ///     .build()?;
    /// assert!(chat_ml.clean("<|im_start|>system").is_err());
    /// assert_eq!(chat_ml.clean("[INST]")?.text(), "[INST]"); // of another family
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn template_tokens(
        mut self,
        families: impl IntoIterator<Item = ModelFamily>,
        what: TemplateTokens,
    ) -> Self {
        let families: Vec<ModelFamily> = families.into_iter().collect();
        self.0.template_tokens = template_tokens::rule(&families, what);
        self
    }

    /// Adds a rule. Default: no rules.
    ///
    /// Rules run in the order in which they were added, after the characters are filtered and the
    /// text is normalized. [`Report::rule`](crate::Report::rule) counts by this order.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder()
    ///     .rule(TextRule::new("no links", "https?://[^ ]+").replace("[link]"))
    ///     .rule(TextRule::new("banned", "(?i)casino"))
    ///     .build()?;
    /// assert_eq!(sanitizer.clean("see https://a.example now")?.text(), "see [link] now");
    /// assert!(matches!(sanitizer.clean("CASINO").unwrap_err(), Refused::Rule(name) if &*name == "banned"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rule(mut self, rule: TextRule) -> Self {
        self.0.rules.push(rule);
        self
    }

    /// Checks the settings and returns the sanitizer.
    ///
    /// # Errors
    ///
    /// [`SanitizeBuildError`] in these cases:
    ///
    /// * A replacement character of [`Action::Replace`] would itself be dropped, replaced or
    ///   refused.
    /// * The pattern of a rule is not valid, matches the empty text, or is too large; a script of a
    ///   rule does not exist; the replacement of a rule is longer than 64 bytes.
    /// * [`min_graphemes`](Self::min_graphemes) is above a limit of the cleaned text.
    pub fn build(self) -> Result<Sanitizer, SanitizeBuildError> {
        let actions = &self.0.filter.actions;
        for (class, action) in actions.iter() {
            let Action::Replace(by) = action else {
                continue;
            };
            let stays = |own| matches!(actions.get(own), Some(Action::Keep | Action::Flag));
            if suspect(by).is_some_and(|own| !stays(own)) {
                return Err(SanitizeBuildError::ReplacementNotKept { class, by });
            }
        }
        self.0.rules.iter().try_for_each(TextRule::validate)?;
        let least = self.0.min_graphemes;
        let limits = [
            self.0.limits.bytes,
            self.0.limits.chars,
            self.0.limits.graphemes,
        ];
        if let Some(maximum) = limits
            .into_iter()
            .flatten()
            .min()
            .filter(|most| *most < least)
        {
            return Err(SanitizeBuildError::MinimumAboveMaximum {
                minimum: least,
                maximum,
            });
        }
        Ok(Sanitizer::from_settings(self.0))
    }

    /// Sets the allowed characters. Only the presets for names use it.
    pub(super) fn set_repertoire(&mut self, repertoire: Repertoire) {
        self.0.repertoire = repertoire;
    }

    /// Returns the settings unchecked. For presets, whose settings the tests check.
    pub(super) fn into_settings(self) -> Settings {
        self.0
    }
}

impl Sanitizer {
    /// Returns a builder with the defaults of [`SanitizerBuilder`].
    pub fn builder() -> SanitizerBuilder {
        SanitizerBuilder::default()
    }
}
