//! The settings of a sanitizer, and their defaults.

use super::filter::Filter;
use super::identifier::Repertoire;
use super::length::Limits;
use super::rule::TextRule;
use super::sanitizer::{Normalization, OverLength, Sanitizer, Settings};
use super::template_tokens::{self, ModelFamily, TemplateTokens};
use super::whitespace::Whitespace;
use crate::characters::{Action, Class, PerClass, suspect};
use crate::error::BuildError;

const KIB: usize = 1024;

/// Puts a [`Sanitizer`] together.
///
/// The defaults suit text of any kind: control, bidirectional, invisible, tag and private use characters
/// and noncharacters are dropped, tabs, line feeds and all kinds of space kept, other line separators made line feeds, at most
/// 8 combining marks kept on a base character, the text brought to NFC and trimmed; it must have at least one
/// grapheme and at most 64 KiB, and what comes in may have 128 KiB.
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

fn set(actions: &mut PerClass<Action>, class: Class, action: Action) {
    if let Some(place) = actions.get_mut(class) {
        *place = action;
    }
}

impl SanitizerBuilder {
    /// Says what is done with the characters of a class.
    pub fn class(mut self, class: Class, action: Action) -> Self {
        set(&mut self.0.filter.actions, class, action);
        self
    }

    /// Says how many combining marks one base character may carry.
    pub fn max_marks(mut self, count: usize) -> Self {
        self.0.filter.max_marks = count;
        self
    }

    /// Limits the bytes of the cleaned text.
    pub fn max_bytes(mut self, count: usize) -> Self {
        self.0.limits.bytes = Some(count);
        self
    }

    /// Limits the code points of the cleaned text.
    pub fn max_chars(mut self, count: usize) -> Self {
        self.0.limits.chars = Some(count);
        self
    }

    /// Limits the graphemes of the cleaned text.
    ///
    /// A grapheme can be of any length, so the limits in bytes and code points hold beside it.
    pub fn max_graphemes(mut self, count: usize) -> Self {
        self.0.limits.graphemes = Some(count);
        self
    }

    /// Limits the bytes that come in, before anything is looked at.
    pub fn max_input_bytes(mut self, count: usize) -> Self {
        self.0.input.bytes = Some(count);
        self
    }

    /// Limits the code points that come in.
    pub fn max_input_chars(mut self, count: usize) -> Self {
        self.0.input.chars = Some(count);
        self
    }

    /// Limits the graphemes that come in.
    pub fn max_input_graphemes(mut self, count: usize) -> Self {
        self.0.input.graphemes = Some(count);
        self
    }

    /// Demands so many graphemes, white space at the ends not counted. With 0 an empty text passes.
    pub fn min_graphemes(mut self, count: usize) -> Self {
        self.0.min_graphemes = count;
        self
    }

    /// Chooses the normalization form.
    pub fn normalization(mut self, form: Normalization) -> Self {
        self.0.normalization = form;
        self
    }

    /// Says what is done with a text that is too long after cleaning.
    pub fn over_length(mut self, what: OverLength) -> Self {
        self.0.over_length = what;
        self
    }

    /// Says what is done with white space.
    pub fn whitespace(mut self, how: Whitespace) -> Self {
        self.0.whitespace = how;
        self
    }

    /// Says what is done with the tokens of the chat templates of these models. Default: nothing, but `prompt`
    /// neutralizes those of all families.
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

    /// Adds a rule. Rules run in the order they were added, after the characters are judged and normalized.
    pub fn rule(mut self, rule: TextRule) -> Self {
        self.0.rules.push(rule);
        self
    }

    /// Checks the settings and finishes.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a replacement would itself be dropped or replaced, if a replacement of a rule is too long,
    /// or if the lengths contradict each other.
    pub fn build(self) -> Result<Sanitizer, BuildError> {
        let actions = &self.0.filter.actions;
        for (class, action) in actions.iter() {
            let Action::Replace(by) = action else {
                continue;
            };
            let stays = |own| matches!(actions.get(own), Some(Action::Keep | Action::Flag));
            if suspect(by).is_some_and(|own| !stays(own)) {
                return Err(BuildError::replacement(class, by));
            }
        }
        self.0.rules.iter().try_for_each(TextRule::validate)?;
        let least = self.0.min_graphemes;
        let limits = [
            self.0.limits.bytes,
            self.0.limits.chars,
            self.0.limits.graphemes,
        ];
        if limits.into_iter().flatten().any(|most| most < least) {
            return Err(BuildError::new(
                "the minimum of graphemes is above a maximum",
            ));
        }
        Ok(Sanitizer::from_settings(self.0))
    }

    pub(super) fn set_repertoire(&mut self, repertoire: Repertoire) {
        self.0.repertoire = repertoire;
    }

    pub(super) fn into_settings(self) -> Settings {
        self.0
    }
}

impl Sanitizer {
    /// Starts from the defaults of [`SanitizerBuilder`].
    pub fn builder() -> SanitizerBuilder {
        SanitizerBuilder::default()
    }
}
