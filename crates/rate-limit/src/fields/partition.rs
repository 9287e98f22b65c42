//! The parameter `pk` of `RateLimit`: which bucket counted a request, as an opaque key.

use std::hash::Hasher as _;

use bytes::{BufMut, BytesMut};
use siphasher::sip::SipHasher24;

use crate::{policy::Limit, store::BucketKey};

/// Keeps this use of the hash apart from others.
const LABEL: &[u8] = b"palisade partition key 1";

/// The digits of base64 (RFC 4648, section 4).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Eight bytes that two requests share if one bucket counts them.
///
/// The hash of the subject, which the store makes with a secret key, is the key of this hash. So who reads it learns
/// neither the subject nor its place in the store, and all nodes over one shared store have the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PartitionKey([u8; 8]);

impl PartitionKey {
    /// Returns the key of a subject's bucket for one limit.
    pub(crate) fn of(limit: &Limit, bucket: BucketKey) -> Self {
        let mut hasher = SipHasher24::new_with_key(&bucket.own.to_le_bytes());
        hasher.write(LABEL);
        hasher.write(limit.name.as_bytes());
        Self(hasher.finish().to_be_bytes())
    }

    /// Writes it as a Byte Sequence (RFC 9651, 3.3.5): base64 between colons.
    pub(super) fn push(self, text: &mut BytesMut) {
        text.put_slice(b";pk=:");
        for chunk in self.0.chunks(3) {
            let mut bits = [0; 4];
            for (place, byte) in bits.iter_mut().skip(1).zip(chunk) {
                *place = *byte;
            }
            let bits = u32::from_be_bytes(bits);
            for place in 0..4 {
                let digit = (bits >> (18 - 6 * place)) & 63;
                match place <= chunk.len() {
                    true => text.put_slice(digit_of(digit)),
                    false => text.put_slice(b"="),
                }
            }
        }
        text.put_slice(b":");
    }
}

/// Returns a digit of base64 (RFC 4648, section 4). `digit` is below 64, since the caller masks six
/// bits.
fn digit_of(digit: u32) -> &'static [u8] {
    let place = usize::try_from(digit).unwrap_or(0);
    DIGITS.get(place..=place).unwrap_or(b"A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_base64_with_padding() {
        let written = |bytes: [u8; 8]| {
            let mut text = BytesMut::new();
            PartitionKey(bytes).push(&mut text);
            String::from_utf8(text.to_vec()).unwrap()
        };
        assert_eq!(written([0; 8]), ";pk=:AAAAAAAAAAA=:");
        assert_eq!(written([255; 8]), ";pk=://////////8=:");
        assert_eq!(written(*b"palisade"), ";pk=:cGFsaXNhZGU=:");
    }
}
