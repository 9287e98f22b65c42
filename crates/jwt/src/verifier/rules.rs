//! What this service requires of the tokens of one issuer, beyond its name and keys.

use std::time::Duration;

use crate::{
    algorithm::Algorithm,
    claims::{ClaimPath, PrincipalNames, RequiredClaim, ScopeSources},
};

/// The default of [`Issuer::max_lifetime`](crate::Issuer::max_lifetime): the longest default of the
/// large providers.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);

/// The requirements for tokens of one issuer. The methods of [`Issuer`](crate::Issuer) document
/// them.
#[derive(Clone, Debug)]
pub(crate) struct TokenRules {
    /// Whether ID tokens and event tokens are accepted.
    pub(crate) accept_id_tokens: bool,
    /// Whether a token without `typ` is accepted.
    pub(crate) accept_untyped: bool,
    /// The accepted algorithms; `None` for those of the keys.
    pub(crate) algorithms: Option<Box<[Algorithm]>>,
    /// The claim that is compared with the audiences; `None` for `aud`.
    pub(crate) audience_claim: Option<ClaimPath>,
    /// Whether `cnf` is accepted without a check.
    pub(crate) ignore_confirmation: bool,
    /// Whether `jku`, `jwk`, `x5c` and `x5u` in the header are ignored. They are never used.
    pub(crate) ignore_embedded_keys: bool,
    /// From `iat` to `exp`.
    pub(crate) max_lifetime: Duration,
    /// Claims that the principal is made of, in place of those of the layer.
    pub(crate) names: PrincipalNames,
    /// Whether a claim that is `null` counts as absent.
    pub(crate) null_is_absent: bool,
    /// Claims besides `iss`, the audience and `exp`.
    pub(crate) required: Vec<RequiredClaim>,
    /// Which claims grant scopes.
    pub(crate) scopes: ScopeSources,
    /// The accepted values of `typ`; `None` for those of the verifier.
    pub(crate) types: Option<Box<[Box<str>]>>,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            accept_id_tokens: false,
            accept_untyped: false,
            algorithms: None,
            audience_claim: None,
            ignore_confirmation: false,
            ignore_embedded_keys: false,
            max_lifetime: MAX_LIFETIME,
            names: PrincipalNames::default(),
            null_is_absent: false,
            required: Vec::new(),
            scopes: ScopeSources::default(),
            types: None,
        }
    }
}
