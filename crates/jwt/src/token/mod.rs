//! A token as text: its three parts, its header, and strict JSON.
//!
//! Nothing here knows a key. `split` separates and decodes the parts, `header` reads the protected
//! header, `json` reads an object.

pub(crate) mod split;
pub(crate) mod header;
pub(crate) mod json;

/// The maximum of [`VerifierBuilder::longest_token`](crate::VerifierBuilder::longest_token), in
/// bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// In bytes. A token or a key with a longer `kid` is refused.
pub(crate) const MAX_KID_BYTES: usize = 256;
