//! The choices of a layer: which claims a principal is made of, the cache and the realm.

use std::sync::Arc;

use http::HeaderValue;
use palisade_core::AuthenticatorId;

use super::{
    JwtLayer,
    reader::{Reader, Shared},
    refusals::Refusals,
};
use crate::{
    BuildError, Verifier,
    cache::Cache,
    principal::{ClaimMap, MOST_ATTRIBUTES},
};

/// Bounds the memory of the cache.
const MOST_REMEMBERED: usize = 1_000_000;
/// In bytes.
const LONGEST_REALM: usize = 128;

/// Configures a [`JwtLayer`]. Made by [`JwtLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`subject_claim`](Self::subject_claim) | `sub` |
/// | [`tenant_claim`](Self::tenant_claim) | none: a principal has no owner |
/// | [`tier_claim`](Self::tier_claim) | none: a principal has no tier |
/// | [`attribute`](Self::attribute) | none |
/// | [`remembered_tokens`](Self::remembered_tokens) | 4096 |
/// | [`realm`](Self::realm) | `api` |
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtLayerBuilder {
    /// Which tokens are valid.
    verifier: Verifier,
    /// Which claims become what.
    claims: ClaimMap,
    /// The number of verified tokens in the cache.
    remembered: usize,
    /// Of the challenge in `WWW-Authenticate`.
    realm: Box<str>,
}

impl JwtLayerBuilder {
    pub(super) fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            claims: ClaimMap::default(),
            remembered: 4096,
            realm: "api".into(),
        }
    }

    /// Sets the claim that the principal's id is read from. Default: `sub`.
    ///
    /// It must be unique and stable; an e-mail address is neither. A token without it, or with a
    /// value over 256 bytes, is refused.
    pub fn subject_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.subject = claim.into();
        self
    }

    /// Sets the claim that the principal's owner (tenant, account) is read from. Default: none.
    ///
    /// A token without the claim has no owner. A token in which it is not text is refused.
    pub fn tenant_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.tenant = Some(claim.into());
        self
    }

    /// Sets the claim that the principal's tier is read from. Default: none.
    ///
    /// Rate limits may differ by tier. A token in which the claim is not text is refused.
    pub fn tier_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.tier = Some(claim.into());
        self
    }

    /// Passes a claim to handlers as an attribute of the principal. Call it once for each claim, at
    /// most 16.
    ///
    /// Text is passed as it is, and any other value as JSON. A token with a value over 1024 bytes
    /// is refused. `null` counts as absent.
    pub fn attribute(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.attributes.push(claim.into());
        self
    }

    /// Sets how many verified tokens are remembered. Default: 4096; at most a million.
    ///
    /// With 0 the signature of each token is verified for each request. Dates are always checked.
    pub fn remembered_tokens(mut self, number: usize) -> Self {
        self.remembered = number;
        self
    }

    /// Sets the realm of the challenge in `WWW-Authenticate` (RFC 6750 section 3). Default: `api`.
    ///
    /// At most 128 bytes of printable ASCII without quotes and backslashes.
    pub fn realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`BuildError::OutOfBounds`] if there are too many attributes or remembered tokens, or the
    /// realm has characters that are not allowed.
    pub fn build(self) -> Result<JwtLayer, BuildError> {
        if self.claims.attributes.len() > MOST_ATTRIBUTES {
            return Err(BuildError::OutOfBounds("there are more than 16 attributes"));
        }
        if self.remembered > MOST_REMEMBERED {
            return Err(BuildError::OutOfBounds(
                "more than a million tokens would be remembered",
            ));
        }
        let plain = |byte| matches!(byte, b' '..=b'~' if byte != b'"' && byte != b'\\');
        if self.realm.len() > LONGEST_REALM || !self.realm.bytes().all(plain) {
            return Err(BuildError::OutOfBounds(
                "the realm is not plain text of at most 128 characters",
            ));
        }
        Ok(self.finish())
    }

    pub(super) fn finish(self) -> JwtLayer {
        let realm = &self.realm;
        let missing = challenge(&format!("Bearer realm=\"{realm}\""));
        let invalid = challenge(&format!(
            "Bearer realm=\"{realm}\", error=\"invalid_token\""
        ));
        JwtLayer::with_reader(Reader(Arc::new(Shared {
            id: AuthenticatorId::unique(),
            verifier: self.verifier,
            claims: self.claims,
            cache: Cache::new(self.remembered),
            refusals: Refusals::new(missing, invalid),
        })))
    }
}

/// The value of `WWW-Authenticate`. The realm was checked by `build`.
fn challenge(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
}
