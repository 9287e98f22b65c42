//! Sanitizers for common uses.

use super::builder::SanitizerBuilder;
use super::identifier::Repertoire;
use super::sanitizer::{Normalization, Sanitizer};
use super::template_tokens::{ModelFamily, TemplateTokens};
use super::whitespace::Whitespace;
use crate::characters::{Action, Class};

const KIB: usize = 1024;

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
    /// 32,000 code points.
    ///
    /// White space at the ends and in runs is kept, since indentation means something, but each space becomes
    /// U+0020. Private use characters are kept and flagged. Tokens of chat templates are made harmless
    /// ([`TemplateTokens::Neutralize`]) for all families of models.
    pub fn prompt() -> Self {
        Self::default()
            .max_graphemes(8000)
            .max_chars(32_000)
            .whitespace(Whitespace::Keep)
            .class(Class::PrivateUse, Action::Flag)
            .class(Class::Space, Action::Replace(' '))
            .template_tokens(ModelFamily::ALL, TemplateTokens::Neutralize)
    }

    /// Starts from the settings for names that programs compare: user names, labels, keys.
    ///
    /// At most 64 graphemes in one line, NFKC, folded spaces, at most 4 combining marks on a base character,
    /// every class refused instead of dropped. Beyond the space, only the characters that UTS 39 allows in
    /// identifiers: nothing unassigned, no fillers, no blanks, no symbols. One script, or Latin beside Chinese,
    /// Japanese or Korean; and no Greek, Cyrillic or Armenian word that looks like an ASCII one.
    /// To find look-alikes among names, compare their [`skeleton`](crate::skeleton).
    pub fn identifier() -> Self {
        let mut strict = Self::display_name().normalization(Normalization::Nfkc);
        strict.set_repertoire(Repertoire::Identifier);
        strict
    }

    /// Starts from the settings for names that people show to each other: as [`identifier`](Self::identifier),
    /// but in NFC and with every assigned character that is not blank, such as brackets and emoji.
    pub fn display_name() -> Self {
        let mut strict = Self::default()
            .max_graphemes(64)
            .max_chars(256)
            .max_bytes(KIB)
            .max_input_bytes(4 * KIB)
            .max_marks(4)
            .whitespace(Whitespace::Fold);
        for class in Class::ALL {
            strict = strict.class(class, Action::Refuse);
        }
        let mut strict = strict.class(Class::Space, Action::Replace(' '));
        strict.set_repertoire(Repertoire::Assigned);
        strict
    }
}

impl Sanitizer {
    /// Makes the sanitizer for text that will be spoken, as [`SanitizerBuilder::speech`] has it.
    #[must_use]
    pub fn speech() -> Self {
        Self::from_settings(SanitizerBuilder::speech().into_settings())
    }

    /// Makes the sanitizer for text that a language model reads, as [`SanitizerBuilder::prompt`] has it.
    #[must_use]
    pub fn prompt() -> Self {
        Self::from_settings(SanitizerBuilder::prompt().into_settings())
    }

    /// Makes the sanitizer for names that programs compare, as [`SanitizerBuilder::identifier`] has it.
    #[must_use]
    pub fn identifier() -> Self {
        Self::from_settings(SanitizerBuilder::identifier().into_settings())
    }

    /// Makes the sanitizer for names that people show to each other, as [`SanitizerBuilder::display_name`] has it.
    #[must_use]
    pub fn display_name() -> Self {
        Self::from_settings(SanitizerBuilder::display_name().into_settings())
    }
}
