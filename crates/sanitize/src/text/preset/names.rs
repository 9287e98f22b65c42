//! Presets for one short line: identifiers, display names, names of files, search queries.

use super::KIB;
use crate::characters::{Action, Class};
use crate::text::builder::SanitizerBuilder;
use crate::text::normalize::Normalization;
use crate::text::repertoire::Repertoire;
use crate::text::sanitizer::Sanitizer;
use crate::text::whitespace::Whitespace;

impl SanitizerBuilder {
    /// Starts from the settings for names that programs compare: user names, labels, keys.
    ///
    /// * At most 64 graphemes, 256 code points and 1 KiB, in one line; input of at most 4 KiB.
    /// * NFKC, and runs of white space become one space.
    /// * At most 4 combining marks on a base character.
    /// * Each class is refused instead of dropped, except for [`Class::Space`], which becomes
    ///   U+0020.
    /// * Apart from the space, only the characters that Unicode Technical Standard 39 allows in
    ///   identifiers: no unassigned ones, no fillers, no blanks, no symbols.
    /// * One script, or Latin together with Chinese, Japanese or Korean.
    /// * No Greek, Cyrillic or Armenian word that looks like an ASCII word.
    ///
    /// To find look-alikes among names, compare their [`skeleton`](crate::skeleton).
    pub fn identifier() -> Self {
        let mut strict = Self::display_name().normalization(Normalization::Nfkc);
        strict.set_repertoire(Repertoire::Identifier);
        strict
    }

    /// Starts from the settings for names that people show to each other.
    ///
    /// They are those of [`identifier`](Self::identifier) with NFC, any mix of scripts, and every
    /// assigned character that is not blank, such as brackets and emoji.
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

    /// Starts from the settings for the name of a file that a client sends, without a folder.
    ///
    /// They are those of [`display_name`](Self::display_name) with at most 255 bytes, and these are
    /// refused:
    ///
    /// * The characters `/ \ : * ? " < > |`, also full-width or as another character that looks like
    ///   a slash, a backslash or a colon, and the yen and won signs, which some systems read as a
    ///   backslash.
    /// * `%` with two hexadecimal digits, which another program may decode to such a character.
    /// * A name that begins with `.`, `-` or `~`, or ends with `.`.
    /// * Names of devices on Windows, such as `NUL` or `COM1.txt`.
    ///
    /// A name that passes can still be that of a file that exists. Store files under a name of your
    /// own, and keep this one for display.
    pub fn file_name() -> Self {
        let mut strict = Self::display_name().max_graphemes(255).max_bytes(255);
        strict.set_repertoire(Repertoire::FileName);
        strict
    }

    /// Starts from the settings for a query that people type into a search field.
    ///
    /// They are the defaults of [`SanitizerBuilder`] with these changes:
    ///
    /// * One line: white space of all kinds, and runs of it, become one space.
    /// * NFKC, so that full-width letters and digits find the same.
    /// * At most 200 graphemes, 800 code points and 2 KiB; input of at most 8 KiB.
    /// * At most 4 combining marks on a base character.
    ///
    /// Operators of a query language are kept: the search engine must be called with a parameter,
    /// not with text that is put together.
    pub fn search_query() -> Self {
        let mut query = Self::default()
            .max_graphemes(200)
            .max_chars(800)
            .max_bytes(2 * KIB)
            .max_input_bytes(8 * KIB)
            .max_marks(4)
            .normalization(Normalization::Nfkc)
            .whitespace(Whitespace::Fold);
        for class in [Class::LineBreak, Class::LineFeed, Class::Space, Class::Tab] {
            query = query.class(class, Action::Replace(' '));
        }
        query
    }
}

impl Sanitizer {
    /// Makes the sanitizer for names that programs compare. Settings:
    /// [`SanitizerBuilder::identifier`].
    ///
    /// Made from [`SanitizerBuilder::identifier`] when one setting must differ.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let identifier = Sanitizer::identifier();
    /// assert_eq!(identifier.clean("Ａlice")?.text(), "Alice");
    /// assert_eq!(identifier.clean("pаypal").unwrap_err(), Refused::MixedScripts); // a Cyrillic а
    /// assert_eq!(identifier.clean("a/b").unwrap_err(), Refused::NotAllowed);
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn identifier() -> Self {
        Self::from_settings(SanitizerBuilder::identifier().into_settings())
    }

    /// Makes the sanitizer for names that people show to each other. Settings:
    /// [`SanitizerBuilder::display_name`].
    ///
    /// Made from [`SanitizerBuilder::display_name`] when one setting must differ.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let name = Sanitizer::display_name();
    /// assert_eq!(name.clean("Bob  (he/him) 🎉")?.text(), "Bob (he/him) 🎉");
    /// assert!(name.clean("Bob\u{202e}").is_err());
    /// assert!(name.clean("two\nlines").is_err());
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn display_name() -> Self {
        Self::from_settings(SanitizerBuilder::display_name().into_settings())
    }

    /// Makes the sanitizer for the name of a file. Settings: [`SanitizerBuilder::file_name`].
    ///
    /// Made from [`SanitizerBuilder::file_name`] when one setting must differ.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let file = Sanitizer::file_name();
    /// assert_eq!(file.clean("报告 (2).pdf")?.text(), "报告 (2).pdf");
    /// assert_eq!(file.clean("a／b").unwrap_err(), Refused::NotAllowed); // a full-width slash
    /// assert_eq!(file.clean("..").unwrap_err(), Refused::NotAFileName);
    /// assert_eq!(file.clean("nul.txt").unwrap_err(), Refused::NotAFileName);
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn file_name() -> Self {
        Self::from_settings(SanitizerBuilder::file_name().into_settings())
    }

    /// Makes the sanitizer for search queries. Settings: [`SanitizerBuilder::search_query`].
    ///
    /// Made from [`SanitizerBuilder::search_query`] when one setting must differ.
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let query = Sanitizer::search_query();
    /// assert_eq!(query.clean("  ＡＢＣ\u{3000}１２３\n")?.text(), "ABC 123");
    /// # Ok::<(), Refused>(())
    /// ```
    #[must_use]
    pub fn search_query() -> Self {
        Self::from_settings(SanitizerBuilder::search_query().into_settings())
    }
}
