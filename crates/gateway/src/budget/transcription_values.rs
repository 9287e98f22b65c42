//! The values of `[[transcriptions]]`, checked.

use super::{
    section::TranscriptionSection,
    transcription::TranscriptionRule,
    values::{Checked, read_number, read_path, read_price},
};
use crate::problem::Place;

/// The fewest bytes of a second, if the file does not say it.
const BYTES_PER_SECOND: u64 = 1000;
/// The longest body in KiB, if the file does not say it.
const MAX_BODY_KIB: u64 = 25_600;

/// Reads `[[transcriptions]]`.
///
/// # Errors
///
/// A path cannot be used, or a number is out of range.
pub(super) fn read_transcriptions(
    sections: &[TranscriptionSection],
    place: Place<'_>,
) -> Checked<Vec<TranscriptionRule>> {
    let rule = |section: &TranscriptionSection| {
        let number = |written: &Option<_>, most, default| match written {
            Some(written) => read_number(written, 1, most, place),
            None => Ok(default),
        };
        let kib = number(&section.max_body_kib, 65_536, MAX_BODY_KIB)?;
        let price = section.price_per_minute.as_ref();
        let price = price.map(|written| read_price(written, place));
        Ok(TranscriptionRule {
            path: read_path(&section.path, "/v1/audio/transcriptions", place)?,
            bytes_per_second: number(&section.bytes_per_second, 1_000_000, BYTES_PER_SECOND)?,
            max_body: usize::try_from(kib * 1024).unwrap_or(usize::MAX),
            price: price.transpose()?,
        })
    };
    sections.iter().map(rule).collect()
}
