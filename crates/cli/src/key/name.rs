//! Which key a command is about.
//!
//! Keys appear in tickets and logs as a whole, where a secret scanner or a colleague found them. So
//! a whole key is accepted where its identifier is, and only the identifier is used.
//!
//! Neither the secret nor the whole text is printed, stored or put into an error.

use palisade_api_key::KeyId;

use crate::failure::Failure;

/// Returns the id of a key, from the id itself or from a whole key, so that a key that was found
/// somewhere can be revoked.
///
/// The error does not repeat the text, which may be a secret. For that reason clap does not parse
/// it: its errors quote the argument.
///
/// # Errors
///
/// Fails if the text, or the third part of a whole key, has not the form of an id.
pub(super) fn id_in(text: &str) -> Result<KeyId, Failure> {
    // The checksum is not checked: a mistyped key still has the id of its record.
    let id = match text.contains('_') {
        true => text.split('_').nth(2).unwrap_or_default(),
        false => text,
    };
    let problem = "name a key by its id, 12 letters and digits, as `palisade key list` shows it";
    id.parse().map_err(|_| Failure::new(problem))
}
