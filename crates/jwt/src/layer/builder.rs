//! Says which claims a principal is made of.

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

const MOST_REMEMBERED: usize = 1_000_000;
const LONGEST_REALM: usize = 128;

/// Collects what a [`JwtLayer`] reads of a token.
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtLayerBuilder {
    verifier: Verifier,
    claims: ClaimMap,
    remembered: usize,
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

    /// Reads the principal's name from another claim than `sub`. It must be unique and stable: an e-mail address is neither.
    pub fn subject_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.subject = claim.into();
        self
    }

    /// Reads the principal's owner from a claim.
    pub fn tenant_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.tenant = Some(claim.into());
        self
    }

    /// Reads the principal's tier from a claim.
    pub fn tier_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.tier = Some(claim.into());
        self
    }

    /// Passes a claim on to handlers as an attribute of the principal: text as it is, anything else as JSON. At most 16.
    pub fn attribute(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.attributes.push(claim.into());
        self
    }

    /// Sets how many verified tokens are remembered: 4096; 0 verifies each token each time.
    pub fn remembered_tokens(mut self, number: usize) -> Self {
        self.remembered = number;
        self
    }

    /// Sets the realm of the challenge (`api`).
    pub fn realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Finishes the layer.
    ///
    /// # Errors
    ///
    /// [`BuildError::OutOfBounds`] if there are too many attributes or remembered tokens, or the realm is not plain text.
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

fn challenge(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
}
