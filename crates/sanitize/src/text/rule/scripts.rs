//! Rules for scripts: letters of scripts that are not expected, words that mix them, and words that look
//! like others (Unicode Technical Standards 39 and 55).

use std::ops::Range;
use std::sync::Arc;

use unicode_script::{Script, ScriptExtension};
use unicode_security::MixedScript;

use super::{Finder, Match, TextRule};
use crate::characters::is_mark;
use crate::error::SanitizeBuildError;
use crate::text::identifier::looks_like_ascii;

impl TextRule {
    /// Finds text in other scripts than these.
    ///
    /// Scripts are named as in Unicode, by their long name or their code (ISO 15924): `Latin` or `Latn`,
    /// `Han` or `Hani`. Digits, punctuation marks, emoji and what several scripts share always pass.
    ///
    /// If Unicode has no script of this name,
    /// [`SanitizerBuilder::build`](crate::SanitizerBuilder::build) returns
    /// [`SanitizeBuildError::UnknownScript`].
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::other_scripts("script", ["Latin", "Han"]).replace("?");
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("Hi 你好 привет 2026 🎉")?.text(), "Hi 你好 ? 2026 🎉");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn other_scripts<N: AsRef<str>>(
        name: impl Into<Arc<str>>,
        allowed: impl IntoIterator<Item = N>,
    ) -> Self {
        let allowed = allowed.into_iter().map(|name| parse_script(name.as_ref()));
        match allowed.collect::<Result<Vec<_>, _>>() {
            Ok(allowed) => Self::named_finder(name, Arc::new(OtherScripts { allowed })),
            Err(error) => Self::invalid(name, error),
        }
    }

    /// Finds words that mix letters of scripts, such as `pаypal` with a Cyrillic `а`.
    ///
    /// Latin beside Chinese, Japanese or Korean is no mix (UTS 39, highly restrictive). Some words of
    /// plain text mix scripts, such as `μm`, so [`flag`](Self::flag) is the effect for prose.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let rule = TextRule::mixed_scripts("mixed").flag();
    /// let sanitizer = Sanitizer::builder().rule(rule).build()?;
    /// assert_eq!(sanitizer.clean("log in at pаypal")?.report().rule(0), 1);
    /// assert_eq!(sanitizer.clean("привет, look at X轴")?.report().rule(0), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mixed_scripts(name: impl Into<Arc<str>>) -> Self {
        Self::named_finder(name, Arc::new(Words(is_mixed)))
    }

    /// Finds Greek, Cyrillic or Armenian words of three letters or more that look like ASCII words.
    ///
    /// Some plain Russian words do. So nothing is found in a text that also has a word of these scripts
    /// which looks like no ASCII word.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::confusable_words("look-alike")).build()?;
    /// assert!(sanitizer.clean("pay at раураl.example").is_err()); // the first five letters are Cyrillic
    /// assert!(sanitizer.clean("сосна и рос").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn confusable_words(name: impl Into<Arc<str>>) -> Self {
        Self::named_finder(name, Arc::new(ConfusableWords))
    }
}

/// Reads the name of a script.
///
/// # Errors
///
/// [`SanitizeBuildError::UnknownScript`] with the name.
fn parse_script(name: &str) -> Result<Script, SanitizeBuildError> {
    let known = Script::from_full_name(name).or_else(|| Script::from_short_name(name));
    known.ok_or_else(|| SanitizeBuildError::UnknownScript { name: name.into() })
}

/// Finds letters of scripts that are not allowed.
#[derive(Debug)]
struct OtherScripts {
    /// The scripts. Characters that all scripts share are always allowed.
    allowed: Vec<Script>,
}

impl OtherScripts {
    /// Tells whether a character belongs to an allowed script (Script_Extensions, UAX #24).
    fn allows(&self, c: char) -> bool {
        let scripts = ScriptExtension::from(c);
        scripts.is_common()
            || scripts.is_inherited()
            || self
                .allowed
                .iter()
                .any(|script| scripts.contains_script(*script))
    }
}

impl Finder for OtherScripts {
    fn find(&self, text: &str) -> Vec<Match> {
        runs(text, |c| !self.allows(c)).map(Match::plain).collect()
    }
}

/// A search for words with a property.
#[derive(Debug)]
struct Words(fn(&str) -> bool);

impl Finder for Words {
    fn find(&self, text: &str) -> Vec<Match> {
        let found =
            letter_runs(text).filter(|place| (self.0)(text.get(place.clone()).unwrap_or_default()));
        found.map(Match::plain).collect()
    }
}

/// Finds words whose letters of other scripts look like ASCII letters.
#[derive(Debug)]
struct ConfusableWords;

impl Finder for ConfusableWords {
    fn find(&self, text: &str) -> Vec<Match> {
        let word = |place: &Range<usize>| text.get(place.clone()).unwrap_or_default();
        let (alike, other): (Vec<_>, Vec<_>) = letter_runs(text)
            .filter(|place| word(place).contains(is_foreign))
            .partition(|place| looks_like_ascii(word(place)));
        if !other.is_empty() {
            return Vec::new();
        }
        let long = alike
            .into_iter()
            .filter(|place| word(place).chars().count() >= 3);
        long.map(Match::plain).collect()
    }
}

/// Tells whether a character is Greek, Cyrillic or Armenian.
const fn is_foreign(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58f}')
}

/// Tells whether a word mixes scripts that do not belong together.
fn is_mixed(word: &str) -> bool {
    if word.is_ascii() || word.is_single_script() {
        return false;
    }
    let is_latin = |c: &char| ScriptExtension::from(*c).contains_script(Script::Latin);
    let others: String = word.chars().filter(|c| !is_latin(c)).collect();
    let scripts = others.as_str().resolve_script_set();
    // Chinese, Japanese and Korean stand beside Latin.
    !(scripts.hanb || scripts.jpan || scripts.kore)
}

/// Returns the runs of letters and marks.
fn letter_runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    runs(text, |c| c.is_alphabetic() || is_mark(c))
}

/// Returns the runs of characters with a property.
fn runs<'t>(
    text: &'t str,
    belongs: impl Fn(char) -> bool + 't,
) -> impl Iterator<Item = Range<usize>> + 't {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(&belongs)?;
        let run = text.get(start..)?;
        let end = start + run.find(|c| !belongs(c)).unwrap_or(run.len());
        at = end;
        Some(start..end)
    })
}
