//! Removes a secret from a stream of bytes.
//!
//! Services show the credential they got: in an error ("the key … is not valid"), on a debug page, or as an
//! echo. What passes is searched for its bytes. Lengths stay, so `Content-Length` stays true, and nothing is
//! collected: at most the length of the secret is held back, and only if the end of a part looks like its
//! begin.
//!
//! Limits: it works on bytes as they are. A body that is compressed, or that shows the secret in
//! Base64, passes unchanged. The gateway asks upstreams with a credential for whole responses that are not compressed
//! (`Accept-Encoding: identity`, no `Range`), and replaces errors that are compressed all the same.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName};
use palisade::core::Secret;
use palisade_internal::percent;

/// Replaces every occurrence of a secret by as many asterisks, so that lengths stay.
///
/// The end of a part that could be the begin of the secret is held back until the next part. It finds
/// the bytes of the secret as they are, and no other encoding of them.
pub(crate) struct Mask {
    /// At least 8 bytes long, so that it is not found by chance.
    secret: Arc<Secret>,
    /// Bytes that are equal to the begin of the secret.
    held: BytesMut,
}

impl Mask {
    /// Looks for a secret, which is not empty.
    ///
    /// The secret is the one that was sent with this request. A new one that is read from its file
    /// later is masked in later responses.
    pub(crate) fn new(secret: Arc<Secret>) -> Self {
        Self {
            secret,
            held: BytesMut::new(),
        }
    }

    /// Returns whether a text has the secret in it, also percent-encoded (RFC 3986 section 2.1).
    ///
    /// Used for header fields, which are complete and need no state. A redirect may have the secret in
    /// its query, and `grpc-message` is percent-encoded.
    fn is_in(secret: &Secret, text: &[u8]) -> bool {
        let is_decoded_in =
            |text: &str| find_secret(&percent::decode(text), secret.expose()).is_some();
        find_secret(text, secret.expose()).is_some()
            || text.contains(&b'%') && str::from_utf8(text).is_ok_and(is_decoded_in)
    }

    /// Removes the fields and trailers that have the secret in them, with all their values.
    pub(crate) fn remove_from(&self, headers: &mut HeaderMap) {
        let leaking: Vec<HeaderName> = headers
            .iter()
            .filter(|(_, value)| Self::is_in(&self.secret, value.as_bytes()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in leaking {
            headers.remove(name);
        }
    }

    /// Returns how many bytes are held back.
    ///
    /// Less than the length of the secret. The size of the rest of the body is corrected by it.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Takes a part and returns what may pass, which may be empty.
    ///
    /// Bytes are copied only if the secret, or a begin of it at the end of the part, was found.
    pub(super) fn mask_part(&mut self, part: Bytes) -> Bytes {
        let secret = self.secret.expose();
        let is_clean = self.held.is_empty() && find_secret(&part, secret).is_none();
        if is_clean && partial_match_length(&part, secret) == 0 {
            return part; // Nearly always: nothing is copied.
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(&part);
        let mut from = 0;
        while let Some(at) = find_secret(bytes.get(from..).unwrap_or_default(), secret) {
            let end = from + at + secret.len();
            if let Some(found) = bytes.get_mut(from + at..end) {
                found.fill(b'*');
            }
            from = end;
        }
        let keep = partial_match_length(&bytes, secret);
        self.held = bytes.split_off(bytes.len() - keep);
        bytes.freeze()
    }

    /// Returns what was held back when nothing follows.
    ///
    /// Call it once, after the last part. The bytes are no whole secret, so they pass as they are.
    pub(super) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).freeze()
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

/// Returns where the secret begins.
///
/// Compares from each occurrence of the first byte. Secrets are random, so few comparisons go beyond
/// the first bytes. `None` also for an empty secret.
fn find_secret(bytes: &[u8], secret: &[u8]) -> Option<usize> {
    let first = *secret.first()?;
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let at = from + rest.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(secret) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Returns the length of the longest end that is a begin of the secret, but not the whole of it.
///
/// That many bytes have to wait for the next part. `0` if the part ends with nothing that looks like
/// the secret.
fn partial_match_length(bytes: &[u8], secret: &[u8]) -> usize {
    let longest = secret.len().saturating_sub(1).min(bytes.len());
    let is_begin = |length: &usize| {
        let end = bytes.get(bytes.len() - length..);
        end.is_some_and(|end| secret.starts_with(end))
    };
    (1..=longest).rev().find(is_begin).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    fn masked(parts: &[&[u8]]) -> Vec<u8> {
        let mut mask = Mask::new(Arc::new(Secret::new("sk-secret")));
        let mut all = Vec::new();
        for part in parts {
            all.extend(mask.mask_part(Bytes::copy_from_slice(part)));
        }
        all.extend(mask.finish());
        all
    }

    #[test]
    fn a_secret_is_found_within_and_across_parts() {
        assert_eq!(masked(&[b"a sk-secret b"]), b"a ********* b");
        assert_eq!(masked(&[b"a sk-se", b"cret b"]), b"a ********* b");
        assert_eq!(masked(&[b"sk-", b"s", b"ecret"]), b"*********");
        assert_eq!(
            masked(&[b"sk-sk-secretsk-secret"]),
            b"sk-******************"
        );
        assert_eq!(
            masked(&[b"sk-", b"other", b"sk-secre"]),
            b"sk-othersk-secre"
        );
    }

    proptest! {
        /// Wherever the parts are cut, no secret passes and no length changes.
        #[test]
        fn the_cuts_do_not_matter(text in "(sk-secret|sk-|s|x|secret){0,12}", cuts in prop::collection::vec(0_usize..80, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| text.as_bytes().get(pair[0]..pair[1]).unwrap()).collect();
            let expected = text.replace("sk-secret", "*********");
            prop_assert_eq!(masked(&parts), expected.into_bytes());
        }
    }
}
