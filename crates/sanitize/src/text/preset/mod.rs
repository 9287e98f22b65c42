//! Sanitizers with settings for common uses.
//!
//! Each exists as a builder, to change single settings, as a finished sanitizer, and by name
//! ([`Preset`]).

mod long_text;
mod names;

use std::fmt;
use std::str::FromStr;

use super::builder::SanitizerBuilder;
use super::sanitizer::Sanitizer;

const KIB: usize = 1024;

/// The name of a ready-made sanitizer, for configuration files and commands.
///
/// `Display` writes the name, such as `display-name`. [`FromStr`] also accepts `_` for `-`.
///
/// ```
/// use palisade_sanitize::Preset;
///
/// let preset: Preset = "log_line".parse()?;
/// assert_eq!(preset.to_string(), "log-line");
/// assert_eq!(preset.sanitizer().clean("one\r\ntwo")?.text(), "one two");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A preset is a start: its builder takes further rules.
///
/// ```
/// use palisade_sanitize::{BannedWords, Preset};
///
/// let names = Preset::DisplayName
///     .builder()
///     .rule(BannedWords::from_words(["admin"])?.rule("reserved"))
///     .build()?;
/// assert!(names.clean("Ann").is_ok());
/// assert!(names.clean("ＡＤＭＩＮ").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Preset {
    /// [`Sanitizer::display_name`].
    DisplayName,
    /// [`Sanitizer::file_name`].
    FileName,
    /// [`Sanitizer::identifier`].
    Identifier,
    /// [`Sanitizer::log_line`].
    LogLine,
    /// [`Sanitizer::prompt`].
    Prompt,
    /// [`Sanitizer::search_query`].
    SearchQuery,
    /// [`Sanitizer::speech`].
    Speech,
    /// The defaults of [`SanitizerBuilder`], for text of any kind.
    Text,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 8] = [
        Self::DisplayName,
        Self::FileName,
        Self::Identifier,
        Self::LogLine,
        Self::Prompt,
        Self::SearchQuery,
        Self::Speech,
        Self::Text,
    ];

    /// Returns the name, such as `display-name`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DisplayName => "display-name",
            Self::FileName => "file-name",
            Self::Identifier => "identifier",
            Self::LogLine => "log-line",
            Self::Prompt => "prompt",
            Self::SearchQuery => "search-query",
            Self::Speech => "speech",
            Self::Text => "text",
        }
    }

    /// Returns a builder that starts from the settings of the preset.
    pub fn builder(self) -> SanitizerBuilder {
        match self {
            Self::DisplayName => SanitizerBuilder::display_name(),
            Self::FileName => SanitizerBuilder::file_name(),
            Self::Identifier => SanitizerBuilder::identifier(),
            Self::LogLine => SanitizerBuilder::log_line(),
            Self::Prompt => SanitizerBuilder::prompt(),
            Self::SearchQuery => SanitizerBuilder::search_query(),
            Self::Speech => SanitizerBuilder::speech(),
            Self::Text => SanitizerBuilder::default(),
        }
    }

    /// Returns the finished sanitizer.
    #[must_use]
    pub fn sanitizer(self) -> Sanitizer {
        Sanitizer::from_settings(self.builder().into_settings())
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no [`Preset`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownPreset;

impl fmt::Display for UnknownPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Preset::ALL.map(Preset::name).join(", ");
        write!(f, "unknown preset; use one of {names}")
    }
}

impl std::error::Error for UnknownPreset {}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let name = name.replace('_', "-");
        let mut all = Self::ALL.into_iter();
        all.find(|preset| preset.name() == name)
            .ok_or(UnknownPreset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_every_preset_can_be_built_and_its_name_is_read_back() {
        for preset in Preset::ALL {
            assert!(preset.builder().build().is_ok(), "{preset}");
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        assert_eq!("display_name".parse(), Ok(Preset::DisplayName));
        assert!("Display".parse::<Preset>().is_err());
    }
}
