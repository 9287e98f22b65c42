//! The number of values in a body, before it is parsed.

use palisade::core::Rejection;

use super::refusal;
use crate::json_text::has_too_many_values;

/// Refuses a body that would take far more memory than its bytes.
///
/// # Errors
///
/// 400: there are more than 100,000.
pub(super) fn check_value_count(raw: &[u8]) -> Result<(), Box<Rejection>> {
    match has_too_many_values(raw) {
        true => Err(refusal::unreadable_request(
            "it has more than 100000 values",
        )),
        false => Ok(()),
    }
}
