//! How long texts may be. Everything that bounds a text follows from how many characters it may have, so that
//! one number in the settings is enough.

use palisade::SanitizeLayer;
use palisade::sanitize::{Sanitizer, SanitizerBuilder};

use crate::{error::StartError, settings::Settings};

const KIB: usize = 1024;
/// Code points of a character at most, on average: a family of emoji has seven.
const CHARS: usize = 8;
/// Bytes of a character at most, on average.
const BYTES: usize = 4 * CHARS;
/// How much longer a text with marks may be, which count as well.
const MARKS: usize = 4;

/// Makes the layer that cleans and bounds texts.
pub(crate) fn layer(settings: &Settings) -> Result<SanitizeLayer, StartError> {
    let most = settings.max_graphemes();
    let (plain, marked) = (speech(most)?, speech(most.saturating_mul(MARKS))?);
    let mut layer = SanitizeLayer::builder()
        .default_sanitizer(plain)
        .sanitizer_for("ssml", marked)
        .max_body(max_body(settings));
    if let Some(kib) = settings.config.max_unread_body_kib() {
        layer = layer.max_unread_body(kib.saturating_mul(KIB));
    }
    layer.build().map_err(wrong)
}

fn speech(most: usize) -> Result<Sanitizer, StartError> {
    let bytes = most.saturating_mul(BYTES).max(16 * KIB);
    SanitizerBuilder::speech()
        .max_graphemes(most)
        .max_chars(most.saturating_mul(CHARS))
        .max_bytes(bytes)
        .max_input_bytes(bytes.saturating_mul(2))
        .build()
        .map_err(wrong)
}

/// Space for the longest text with every character escaped, up to three times as long as in UTF-8.
pub(crate) fn max_body(settings: &Settings) -> usize {
    let needed = settings.max_graphemes().saturating_mul(3 * BYTES);
    let needed = needed.max(64 * KIB);
    let written = settings.config.max_body_kib();
    written.map_or(needed, |kib| kib.saturating_mul(KIB))
}

fn wrong(error: impl std::fmt::Display) -> StartError {
    StartError::new(format!("the section `[text]`: {error}"))
}
