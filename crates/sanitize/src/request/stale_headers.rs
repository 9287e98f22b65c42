//! Header fields that a change of a request makes wrong: digests and signatures.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderName};

use crate::body_digests::remove_digests;

/// Fields with a signature of the body or of the whole request: RFC 9421, and those of common webhooks.
const SIGNATURES: [HeaderName; 18] = [
    HeaderName::from_static("paypal-transmission-sig"),
    HeaderName::from_static("signature"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("stripe-signature"),
    HeaderName::from_static("svix-signature"),
    HeaderName::from_static("webhook-signature"),
    HeaderName::from_static("x-amz-content-sha256"),
    HeaderName::from_static("x-goog-hash"),
    HeaderName::from_static("x-hub-signature"),
    HeaderName::from_static("x-hub-signature-256"),
    HeaderName::from_static("x-line-signature"),
    HeaderName::from_static("x-shopify-hmac-sha256"),
    HeaderName::from_static("x-signature"),
    HeaderName::from_static("x-signature-256"),
    HeaderName::from_static("x-signature-ed25519"),
    HeaderName::from_static("x-slack-signature"),
    HeaderName::from_static("x-twilio-signature"),
    HeaderName::from_static("x-zm-signature"),
];

/// What happens with digests and signatures of a request that the layer has changed.
///
/// They are wrong then: a handler that checks them against the changed request refuses it. For
/// [`SanitizeLayerBuilder::stale_headers`](crate::SanitizeLayerBuilder::stale_headers). A request that is
/// not changed keeps all.
///
/// | value | digests | signatures |
/// |---|---|---|
/// | `DropAll` | removed | removed |
/// | `DropDigests`, the default | removed | kept |
/// | `Keep` | kept | kept |
///
/// Digests are `Content-Digest`, `Repr-Digest`, `Digest` and `Content-MD5`. Signatures are `Signature` and
/// `Signature-Input` (RFC 9421), and those of common webhooks, such as `X-Hub-Signature-256`.
///
/// ```
/// use palisade_sanitize::StaleHeaders;
///
/// assert_eq!("drop-all".parse(), Ok(StaleHeaders::DropAll));
/// assert_eq!(StaleHeaders::default(), StaleHeaders::DropDigests);
/// assert!("drop".parse::<StaleHeaders>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StaleHeaders {
    /// Remove both. For a handler that takes a signature as proof only if it is there.
    DropAll,
    /// Remove digests. A signature stays, and a handler that checks it needs the bytes as they were
    /// sent ([`RawBody`](crate::RawBody)).
    #[default]
    DropDigests,
    /// Keep both. For handlers and services behind a gateway that must notice a change.
    Keep,
}

impl StaleHeaders {
    /// Removes what a change of the body has made wrong.
    pub(super) fn remove_of_body(self, headers: &mut HeaderMap) {
        if self != Self::Keep {
            remove_digests(headers);
        }
        self.remove_signatures(headers);
    }

    /// Removes what a change of the query has made wrong: a signature may cover it.
    pub(super) fn remove_signatures(self, headers: &mut HeaderMap) {
        if self == Self::DropAll {
            for signature in SIGNATURES {
                headers.remove(signature);
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::DropAll => "drop-all",
            Self::DropDigests => "drop-digests",
            Self::Keep => "keep",
        }
    }
}

/// As in the configuration file: `drop-digests`.
impl fmt::Display for StaleHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no [`StaleHeaders`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownStaleHeaders;

impl fmt::Display for UnknownStaleHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not known; use drop-all, drop-digests or keep")
    }
}

impl std::error::Error for UnknownStaleHeaders {}

impl FromStr for StaleHeaders {
    type Err = UnknownStaleHeaders;

    fn from_str(name: &str) -> Result<Self, UnknownStaleHeaders> {
        let mut all = [Self::DropAll, Self::DropDigests, Self::Keep].into_iter();
        all.find(|value| value.name() == name)
            .ok_or(UnknownStaleHeaders)
    }
}
