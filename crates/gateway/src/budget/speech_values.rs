//! The values of `[[speech]]`, checked.

use palisade::config::ConfigFileError;
use toml::Spanned;

use super::{
    section::SpeechSection,
    speech::SpeechRule,
    values::{self, LONGEST_NAME, read_number, read_price},
};
use crate::problem::Place;

/// The most sound of one character, in milliseconds, if the file does not say it.
const MILLIS_EACH: u64 = 1000;

/// Reads `[[speech]]`.
///
/// # Errors
///
/// A path or name cannot be used, or a number is out of range.
pub(super) fn read_speech(
    sections: &[SpeechSection],
    place: Place<'_>,
) -> Result<Vec<SpeechRule>, ConfigFileError> {
    let rule = |section: &SpeechSection| {
        let each = section.milliseconds_per_character.as_ref();
        let each = each.map(|written| read_number(written, 1, 60_000, place));
        let price = section.price.as_ref();
        let price = price.map(|written| read_price(written, place));
        Ok(SpeechRule {
            path: values::read_path(&section.path, "/tts", place)?,
            text: read_field(section.text.as_ref(), place)?,
            millis_each: each.unwrap_or(Ok(MILLIS_EACH))?,
            price: price.transpose()?,
        })
    };
    sections.iter().map(rule).collect()
}

/// Reads the name of the text. Default: `text`.
///
/// # Errors
///
/// It is empty or longer than 100 bytes.
fn read_field(
    written: Option<&Spanned<String>>,
    place: Place<'_>,
) -> Result<String, ConfigFileError> {
    let Some(written) = written else {
        return Ok("text".to_owned());
    };
    match (1..=LONGEST_NAME).contains(&written.get_ref().len()) {
        true => Ok(written.get_ref().clone()),
        false => {
            let remedy = "write the name of the field, such as \"text\"";
            Err(place.invalid_value(written, "this is no name of a field", remedy))
        }
    }
}
