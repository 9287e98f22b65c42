//! The choices of a layer: which claims a principal is made of, the cache and the realm.

use std::sync::Arc;

use palisade_core::{AuthenticateLayer, AuthenticatorId};

use super::{
    JwtLayer,
    authenticator::TokenAuthenticator,
    refusals::Refusals,
    shared::{ClaimsCheck, Shared},
};
use crate::{
    claims::Claims,
    dpop::DpopProofs,
    error::JwtBuildError,
    layer::principal::{ClaimMap, MOST_ATTRIBUTES},
    revocation::RevocationList,
    verifier::{Verifier, cache::TokenCache},
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
/// | [`own_limits_claim`](Self::own_limits_claim) | none: a principal has the amounts of its tier |
/// | [`attribute`](Self::attribute) | none |
/// | [`scope_implies`](Self::scope_implies) | none: scopes include no others |
/// | [`remembered_tokens`](Self::remembered_tokens) | 4096 |
/// | [`realm`](Self::realm) | `api` |
/// | [`dpop`](Self::dpop) | none: tokens that are bound to a key are refused |
/// | [`revocation_list`](Self::revocation_list) | none |
/// | [`check`](Self::check) | none |
/// | [`optional`](Self::optional) | a request without a token is refused |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
///
/// ```
/// use palisade_jwt::{Algorithm, Issuer, JwtLayer, Verifier};
/// # use palisade_jwt::mint::SigningKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
/// let issuer = Issuer::new("https://login.example", "tts", key);
/// let layer = JwtLayer::builder(Verifier::builder().issuer(issuer).build()?)
///     .tenant_claim("org_id")
///     .tier_claim("/account/plan")
///     .attribute("preferred_language")
///     .realm("speech")
///     .optional()
///     .build()?;
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
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
    /// Says which genuine tokens are revoked.
    revocation: Option<Arc<dyn RevocationList>>,
    /// Checks proofs of possession.
    dpop: Option<DpopProofs>,
    /// The application's condition on genuine tokens.
    check: Option<ClaimsCheck>,
    /// Whether a request without a token passes as a guest.
    optional: bool,
    /// Whether refusals are recorded and not enforced.
    shadow: bool,
}

impl JwtLayerBuilder {
    pub(super) fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            claims: ClaimMap::default(),
            remembered: 4096,
            realm: "api".into(),
            revocation: None,
            dpop: None,
            check: None,
            optional: false,
            shadow: false,
        }
    }

    /// Sets the claim that the principal's id is read from. Default: `sub`.
    ///
    /// It must be unique and stable; an e-mail address is neither. A token without it, or with a
    /// value over 256 bytes, is refused. An issuer may have another claim: [`Issuer::subject_claim`](crate::Issuer::subject_claim).
    pub fn subject_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.subject = Some(claim.into());
        self
    }

    /// Sets the claim that the principal's owner (tenant, account) is read from. Default: none.
    ///
    /// A token without the claim has no owner. A token in which it is not text is refused. An issuer may
    /// have another claim: [`Issuer::tenant_claim`](crate::Issuer::tenant_claim).
    pub fn tenant_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.tenant = Some(claim.into());
        self
    }

    /// Sets the claim that the principal's tier is read from. Default: none.
    ///
    /// Rate limits may differ by tier. A token in which the claim is not text is refused. An issuer may have
    /// another claim: [`Issuer::tier_claim`](crate::Issuer::tier_claim).
    pub fn tier_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.tier = Some(claim.into());
        self
    }

    /// Sets the claim that the principal's own amounts for rate limits are read from, by its name or a JSON pointer
    /// (RFC 6901).
    /// Default: none.
    ///
    /// The claim is an object of at most eight names of limits and whole numbers: `{"speak": 500}`. A lower amount always
    /// applies, a higher one only as far as the policy allows
    /// (`Policy::own_amounts_up_to` of the rate limits). A token with another value is refused: an amount that is left
    /// out could be a restriction.
    ///
    /// An issuer may have another claim: [`Issuer::own_limits_claim`](crate::Issuer::own_limits_claim).
    pub fn own_limits_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.claims.names.own_limits = Some(claim.into());
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

    /// Lets a broader scope include narrower ones: a token with `files:write` then also has
    /// `files:read`. Default: scopes include no others (RFC 6749 section 3.3).
    ///
    /// It also works through others, in any order of the calls. A name that is no scope is an error
    /// of [`build`](Self::build).
    ///
    /// ```
    /// # use palisade_jwt::{JwtBuildError, JwtLayer, Verifier};
    /// # fn layer(verifier: Verifier) -> Result<JwtLayer, JwtBuildError> {
    /// let layer = JwtLayer::builder(verifier)
    ///     .scope_implies("files:admin", ["files:write"])
    ///     .scope_implies("files:write", ["files:read"])
    ///     .build()?;
    /// # Ok(layer)
    /// # }
    /// ```
    pub fn scope_implies<S: Into<Box<str>>>(
        mut self,
        broad: impl Into<Box<str>>,
        narrow: impl IntoIterator<Item = S>,
    ) -> Self {
        let narrow = narrow.into_iter().map(Into::into);
        self.claims.implied.add(broad.into(), narrow);
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

    /// Sets a condition on the claims of genuine tokens. If it returns `false`, the request is
    /// refused with 403 `token_not_allowed`.
    ///
    /// It is called for each request, also for a token from the cache, inside the request: it must
    /// not block. A later call adds another condition.
    ///
    /// Default: none. For a claim that must have one of some texts use
    /// [`Issuer::require_value`](crate::Issuer::require_value), which refuses with 401.
    ///
    /// ```
    /// # use palisade_jwt::{JwtBuildError, JwtLayer, Verifier};
    /// # fn layer(verifier: Verifier) -> Result<JwtLayer, JwtBuildError> {
    /// let layer = JwtLayer::builder(verifier)
    ///     .check(|claims| claims.text("/account/state") == Some("active"))
    ///     .build()?;
    /// # Ok(layer)
    /// # }
    /// ```
    pub fn check(mut self, check: impl Fn(&Claims) -> bool + Send + Sync + 'static) -> Self {
        let before = self.check.take();
        self.check = Some(ClaimsCheck::new(move |claims| {
            before.as_ref().is_none_or(|before| before.passes(claims)) && check(claims)
        }));
        self
    }

    /// Sets the list of tokens that are refused before they expire. Default: none, every token is
    /// valid until `exp`.
    ///
    /// It is checked for each request, also for a token from the cache. A revoked token is refused
    /// with 401. While the list is not known, every token is refused with 503.
    pub fn revocation_list(mut self, list: impl RevocationList) -> Self {
        self.revocation = Some(Arc::new(list));
        self
    }

    /// Accepts tokens that are bound to a key of the client, with a proof of possession (DPoP, RFC
    /// 9449): `Authorization: DPoP …`. Default: none, and such a token is refused.
    ///
    /// A bound token sent as a bearer token stays refused, also if it is in the cache. A token that
    /// is bound to no key is accepted as a bearer token, unless proofs are
    /// [required](crate::dpop::DpopProofsBuilder::require_proofs).
    pub fn dpop(mut self, proofs: DpopProofs) -> Self {
        self.dpop = Some(proofs);
        self
    }

    /// Lets requests without a token pass as guests. A token that is not valid is still refused.
    ///
    /// Default: a request without a token is refused with 401. In a list of an
    /// [`AuthenticateLayer`] this choice has no effect; configure that layer.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Records each refusal and lets the request pass. Default: refusals are enforced.
    ///
    /// Use it only while you introduce tokens: in this mode the layer protects nothing. In a list
    /// of an [`AuthenticateLayer`] this choice has no effect; configure that layer.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Returns whether this is the verifier that tokens are verified with.
    pub(crate) fn has_verifier(&self, verifier: &Verifier) -> bool {
        self.verifier.is_same(verifier)
    }

    /// Returns whether proofs are accepted.
    pub(crate) fn has_dpop(&self) -> bool {
        self.dpop.is_some()
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// * [`JwtBuildError::TooManyAttributes`], [`JwtBuildError::RememberedTokens`]: over the bounds.
    /// * [`JwtBuildError::Scope`]: a name of [`scope_implies`](Self::scope_implies) is no scope.
    /// * [`JwtBuildError::Realm`]: the realm has characters that are not allowed, or is too long.
    pub fn build(self) -> Result<JwtLayer, JwtBuildError> {
        if self.claims.attributes.len() > MOST_ATTRIBUTES {
            return Err(JwtBuildError::TooManyAttributes);
        }
        if self.remembered > MOST_REMEMBERED {
            return Err(JwtBuildError::RememberedTokens);
        }
        if let Some(scope) = self.claims.implied.malformed() {
            return Err(JwtBuildError::Scope(scope.into()));
        }
        let plain = |byte| matches!(byte, b' '..=b'~' if byte != b'"' && byte != b'\\');
        if self.realm.len() > LONGEST_REALM || !self.realm.bytes().all(plain) {
            return Err(JwtBuildError::Realm);
        }
        let (optional, shadow) = (self.optional, self.shadow);
        let authenticator = self.authenticator();
        let mut alone = AuthenticateLayer::builder().authenticator(authenticator.clone());
        if optional {
            alone = alone.optional();
        }
        if shadow {
            alone = alone.dangerously_only_shadow();
        }
        let alone = alone.build().map_err(JwtBuildError::Authenticate)?;
        Ok(JwtLayer {
            authenticator,
            alone,
        })
    }

    /// Builds what decides about tokens.
    pub(super) fn authenticator(self) -> TokenAuthenticator {
        if let Some(proofs) = &self.dpop {
            proofs.begin(self.verifier.now());
        }
        let realm = &self.realm;
        let bearer = format!("Bearer realm=\"{realm}\"");
        let refusals = match &self.dpop {
            None => Refusals::new(&bearer, None, false),
            Some(proofs) => {
                let algorithms = proofs.algorithm_names().join(" ");
                let dpop = format!("DPoP realm=\"{realm}\", algs=\"{algorithms}\"");
                Refusals::new(&bearer, Some(&dpop), proofs.are_required())
            }
        };
        TokenAuthenticator(Arc::new(Shared {
            id: AuthenticatorId::unique(),
            verifier: self.verifier,
            claims: self.claims,
            cache: TokenCache::new(self.remembered),
            refusals,
            dpop: self.dpop,
            revocation: self.revocation,
            check: self.check,
        }))
    }
}
