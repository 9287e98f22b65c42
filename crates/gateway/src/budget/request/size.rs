//! The number of values in a body, before it is parsed: each takes far more memory than its bytes.

use palisade::core::Rejection;

use super::super::refusal;

/// The most objects, lists and commas. A parsed body then takes some 30 MB at most, and not a hundred times
/// its length.
const MOST: usize = 100_000;

/// Counts the characters outside texts that begin a value.
///
/// # Errors
///
/// 400: there are more than 100,000.
pub(super) fn check_value_count(raw: &[u8]) -> Result<(), Box<Rejection>> {
    let (mut in_text, mut is_escaped, mut count) = (false, false, 0);
    for byte in raw {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' | b',' if !in_text => count += 1,
            _ => {}
        }
    }
    match count <= MOST {
        true => Ok(()),
        false => Err(refusal::unreadable_request(
            "it has more than 100000 values",
        )),
    }
}
