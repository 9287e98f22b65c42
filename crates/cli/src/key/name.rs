//! Which key a command means.

use palisade_api_key::KeyId;

use crate::Failure;

/// Reads the id of a key, or finds it in a whole key: whoever finds one somewhere can revoke it. Never
/// repeats the text, which is why it is not read by the parser of arguments.
pub(super) fn id_in(text: &str) -> Result<KeyId, Failure> {
    // Not judged as a key: one that was mistyped still says which record it means.
    let id = match text.contains('_') {
        true => text.split('_').nth(2).unwrap_or_default(),
        false => text,
    };
    let problem = "name a key by its id, 12 letters and digits, as `palisade key list` shows it";
    id.parse().map_err(|_| Failure::new(problem))
}
