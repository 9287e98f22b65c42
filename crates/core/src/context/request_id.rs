//! Ids of requests: generated here, or accepted from a trusted proxy.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher as _,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use palisade_internal::hex;

/// The longest id that is accepted from a proxy, in bytes.
const LONGEST: usize = 64;

/// Identifies one request: 32 hexadecimal digits, or what a trusted proxy sent as 1 to 64 of
/// `[A-Za-z0-9._-]`.
///
/// `Display` writes the text. The digits are a hash of a counter (SipHash) under keys that the
/// process draws at its start. One id reveals neither the next nor the number of requests. It is an
/// identifier, not a secret: grant nothing for it.
///
/// Two requests differ here (`Eq`, `Hash`) even if a proxy sent the same text for both.
///
/// ```
/// use http::Request;
/// use palisade_core::SecurityContext;
///
/// let (mut head, ()) = Request::new(()).into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// let id = cx.request_id();
/// assert_eq!(id, cx.request_id()); // one id a request
/// assert_eq!(id.to_string().len(), 32);
/// ```
///
/// [`RequestIdLayer`](crate::RequestIdLayer) sends it to the client as `X-Request-Id`.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct RequestId {
    /// A number that is unique in this process. Shown unless there is an inbound id.
    unique: u128,
    /// The text of the proxy, if it was accepted.
    inbound: Option<Inbound>,
}

/// The text that a proxy sent, padded with zeros.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
struct Inbound {
    bytes: [u8; LONGEST],
    length: u8,
}

/// An id as the context stores it. Few requests have the text of a proxy, so that is boxed.
pub(super) enum StoredRequestId {
    /// The two halves of a generated number.
    Generated([u64; 2]),
    Inbound(Box<RequestId>),
}

impl StoredRequestId {
    /// Generates the next id.
    pub(super) fn next() -> Self {
        Self::Generated(next_number())
    }

    /// Returns the id.
    pub(super) fn get(&self) -> RequestId {
        match self {
            Self::Generated(number) => RequestId::from_number(*number),
            Self::Inbound(id) => **id,
        }
    }
}

/// Returns the next generated number, the high half first.
pub(super) fn next_number() -> [u64; 2] {
    static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let keys = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    keys.each_ref().map(|key| key.hash_one(number))
}

impl RequestId {
    /// Makes the id of a generated number.
    fn from_number([high, low]: [u64; 2]) -> Self {
        Self {
            unique: u128::from(high) << 64 | u128::from(low),
            inbound: None,
        }
    }

    /// Parses the id that a proxy sent. `None` if it is empty, too long or has another character.
    pub(crate) fn parse_inbound(sent: &[u8]) -> Option<Self> {
        let is_accepted = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if sent.is_empty() || !sent.iter().all(is_accepted) {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..sent.len())?.copy_from_slice(sent);
        let length = u8::try_from(sent.len()).ok()?;
        Some(Self {
            inbound: Some(Inbound { bytes, length }),
            ..Self::from_number(next_number())
        })
    }

    /// Returns the number that is unique in this process, also if a proxy sent a text.
    pub(super) const fn number(&self) -> u128 {
        self.unique
    }

    /// Passes the text to a function, without an allocation.
    pub(crate) fn with_bytes<T>(&self, read: impl FnOnce(&[u8]) -> T) -> T {
        match &self.inbound {
            Some(inbound) => read(inbound.as_bytes()),
            None => read(&hex::encode_u128(self.unique)),
        }
    }
}

impl Inbound {
    /// Returns the text without the padding.
    fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_bytes(|bytes| f.write_str(str::from_utf8(bytes).unwrap_or_default()))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn identifiers_differ_and_have_32_digits() {
        let (one, two) = (
            RequestId::from_number(next_number()),
            RequestId::from_number(next_number()),
        );
        assert_ne!(one, two);
        assert_ne!(one.to_string(), two.to_string());
        assert_eq!(one.to_string(), format!("{:032x}", one.unique));
    }

    #[test]
    fn no_half_of_an_identifier_is_shared_with_the_next() {
        let (one, two) = (
            RequestId::from_number(next_number()).unique,
            RequestId::from_number(next_number()).unique,
        );
        assert_ne!(one >> 64, two >> 64);
        assert_ne!(one as u64, two as u64);
    }

    #[test]
    fn one_identifier_does_not_tell_the_next() {
        let numbers: Vec<[u64; 2]> = (0..4).map(|_| next_number()).collect();
        for half in [0, 1] {
            let steps = numbers
                .windows(2)
                .map(|pair| pair[1][half].wrapping_sub(pair[0][half]));
            let steps: HashSet<u64> = steps.collect();
            assert_eq!(steps.len(), 3, "{numbers:?}");
        }
    }

    #[test]
    fn an_inbound_identifier_has_1_to_64_letters_digits_dots_underscores_and_hyphens() {
        let longest = "a".repeat(64);
        for accepted in ["a", "7", "._-", "0af7651916cd43dd-8448.EB_211c", &longest] {
            let id = RequestId::parse_inbound(accepted.as_bytes()).unwrap();
            assert_eq!(id.to_string(), accepted);
        }
        let too_long = "a".repeat(65);
        for refused in [
            "", " ", "a b", "a,b", "a\r\n", "é", "a/b", "a=b", "a\0", &too_long,
        ] {
            assert_eq!(
                RequestId::parse_inbound(refused.as_bytes()),
                None,
                "{refused:?}"
            );
        }
    }

    #[test]
    fn two_requests_with_the_same_inbound_identifier_are_told_apart() {
        let (one, two) = (
            RequestId::parse_inbound(b"same"),
            RequestId::parse_inbound(b"same"),
        );
        assert_ne!(one, two);
    }
}
