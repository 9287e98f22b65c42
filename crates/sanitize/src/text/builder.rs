//! The settings of a sanitizer, their defaults, and the ready-made ones.

use crate::class::{Action, Class, PerClass};
use crate::error::BuildError;
use crate::filter::Filter;
use crate::length::Limits;
use crate::rule::TextRule;
use crate::sanitizer::{Normalization, OverLength, Sanitizer, Settings};
use crate::tables::suspect;
use crate::whitespace::Whitespace;

const KIB: usize = 1024;

/// Puts a [`Sanitizer`] together.
///
/// The defaults suit text of any kind: control, bidirectional, invisible, tag and private use characters
/// and noncharacters are dropped, tabs and line feeds kept, other line separators made line feeds, at most
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
            rules: Vec::new(),
            whitespace: Whitespace::Trim,
        })
    }
}

fn default_actions() -> PerClass<Action> {
    let mut actions = PerClass::all(Action::Drop);
    let others = [
        (Class::LineBreak, Action::Replace('\n')),
        (Class::LineFeed, Action::Keep),
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
    /// Starts from the settings for text that will be spoken: the defaults, at most 500 graphemes, 4,000 code
    /// points and 16 KiB, 32 KiB coming in, and a space for a tab.
    pub fn speech() -> Self {
        Self::default()
            .max_graphemes(500)
            .max_chars(4000)
            .max_bytes(16 * KIB)
            .max_input_bytes(32 * KIB)
            .class(Class::Tab, Action::Replace(' '))
    }

    /// Starts from the settings for text that a language model reads: the defaults, at most 8,000 graphemes and
    /// 32,000 code points; white space is kept, since indentation means something, and so are private use
    /// characters, which are flagged.
    pub fn prompt() -> Self {
        Self::default()
            .max_graphemes(8000)
            .max_chars(32_000)
            .whitespace(Whitespace::Keep)
            .class(Class::PrivateUse, Action::Flag)
    }

    /// Starts from the settings for names and labels: at most 64 graphemes in one line, NFKC, folded spaces, at
    /// most 4 combining marks on a base character, and every class refused instead of dropped.
    pub fn identifier() -> Self {
        let mut strict = Self::default()
            .max_graphemes(64)
            .max_chars(256)
            .max_bytes(KIB)
            .max_input_bytes(4 * KIB)
            .max_marks(4)
            .normalization(Normalization::Nfkc)
            .whitespace(Whitespace::Fold);
        strict.0.filter.actions = PerClass::all(Action::Refuse);
        strict
    }

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

    pub(crate) fn into_settings(self) -> Settings {
        self.0
    }
}
