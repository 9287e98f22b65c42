//! Tokens of a resource that only the issuer can read: which they are, and who is asked about them.

use palisade_core::Credential;

#[cfg(feature = "jwks-url")]
use super::{ResourceServerBuildError, uri::ResourceUri};
#[cfg(feature = "jwks-url")]
use crate::introspection::{TokenIntrospection, TokenIntrospectionBuilder};

/// Tells whether only the issuer can read a token: a bearer token without a dot.
pub(super) fn is_opaque(credential: &Credential) -> bool {
    let is_bearer = |scheme: &str| scheme.eq_ignore_ascii_case("bearer");
    credential.scheme().is_some_and(is_bearer) && !credential.as_bytes().contains(&b'.')
}

/// Gives introspection the audience of the resource, and builds it.
///
/// # Errors
///
/// It has an audience of its own, or proofs of possession are required, or a choice of it is refused.
#[cfg(feature = "jwks-url")]
pub(super) fn build_introspection(
    mut introspection: TokenIntrospectionBuilder,
    uri: &ResourceUri,
    accept_other_audiences: bool,
    requires_proofs: bool,
) -> Result<TokenIntrospection, ResourceServerBuildError> {
    // The issuer is not asked for a proof, so such a token would be a bearer token.
    if requires_proofs {
        return Err(ResourceServerBuildError::IntrospectionWithRequiredProofs);
    }
    match (introspection.has_audience(), accept_other_audiences) {
        (true, false) => return Err(ResourceServerBuildError::IntrospectionAudience),
        (true, true) => {}
        (false, _) => {
            for audience in uri.audiences() {
                introspection = introspection.audience(audience);
            }
        }
    }
    Ok(introspection.build()?)
}
