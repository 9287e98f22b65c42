//! Strict JSON Web Tokens: verification, JWKS, and a layer that authenticates requests by token.
//!
//! A token is refused unless every part of it passes its check (RFC 8725, RFC 9068): the three
//! parts, the encoding, the header, the type, the issuer, the audience, the dates, the key, the
//! signature. The algorithm belongs to the key; the `alg` of a token is only compared with it. No
//! URL in a token is ever fetched.
//!
//! # Defaults
//!
//! ```
//! use palisade_core::Secret;
//! use palisade_jwt::{Algorithm, Issuer, JwtLayer, Verifier, VerifyingKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = Secret::new(*b"an example of thirty-two bytes!!");
//! let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?;
//! let issuer = Issuer::new("https://login.example", "https://tts.example", key);
//! let layer = JwtLayer::new(Verifier::builder().issuer(issuer).build()?);
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! # Customised
//!
//! Two issuers, one of them with a published key set; access tokens by RFC 9068 only; what handlers
//! may know:
//!
//! ```
//! use std::time::Duration;
//! use palisade_jwt::{Algorithm, Issuer, JwtLayer, KeySet, Verifier};
//! # use palisade_jwt::mint::SigningKey;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = SigningKey::generate(Algorithm::Es256)?.with_kid("2026-11");
//! # let jwks = format!(r#"{{"keys":[{}]}}"#, key.public_jwk().ok_or("public")?);
//! # let partner_key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
//! let staff = Issuer::new("https://login.example", "https://tts.example", KeySet::from_jwks(&jwks)?);
//! let partner = Issuer::new("https://id.partner.example", "tts", partner_key);
//! let verifier = Verifier::builder()
//!     .issuer(staff.label("staff"))
//!     .issuer(partner.label("partner"))
//!     .only_access_tokens()
//!     .leeway(Duration::from_secs(5))
//!     .build()?;
//! let layer = JwtLayer::builder(verifier)
//!     .tenant_claim("org_id")
//!     .tier_claim("plan")
//!     .attribute("preferred_language")
//!     .build()?;
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! # Which type do I need
//!
//! | task | type |
//! |---|---|
//! | protect a service of OAuth or MCP clients in one call | [`resource_server::ResourceServer`] |
//! | protect a service | [`JwtLayer`], or [`JwtLayerBuilder`] to read more claims |
//! | verify one token in code | [`Verifier::verify`] |
//! | one fixed key | [`VerifyingKey::from_pem`], [`VerifyingKey::from_secret`] |
//! | accept the tokens of Auth0, Entra, Keycloak, … | [`providers`] |
//! | a key set in a file | [`JwksFile`] |
//! | end tokens before they expire | [`revocation::RevokedTokens`], [`revocation::RevokedTokensFile`] |
//! | accept tokens that are bound to a key of the client (DPoP) | [`dpop::DpopProofs`] |
//! | tokens that only the issuer can read (RFC 7662) | `introspection::TokenIntrospection` |
//! | keys that the program replaces | [`LiveKeys`] |
//!
//! # Default bounds
//!
//! | what | default | change it with |
//! |---|---|---|
//! | clock difference | 30 seconds | [`VerifierBuilder::leeway`] |
//! | `iat` to `exp` | 24 hours | [`Issuer::max_lifetime`] |
//! | length of a token | 8 KiB | [`VerifierBuilder::longest_token`] |
//! | `typ` | `JWT`, `at+jwt` | [`VerifierBuilder::types`] |
//! | remembered tokens | 4096 | [`JwtLayerBuilder::remembered_tokens`] |
//!
//! # What a refused token looks like
//!
//! The response is 401 with `WWW-Authenticate: Bearer … error="invalid_token"` (RFC 6750 section
//! 3), the same for every reason. The reason ([`InvalidToken`]) is written to the audit trail only.
//! If the keys of the issuer are not available, the response is 503 with `Retry-After`.
//!
//! # Features
//!
//! * `jwks-url`: keys from an endpoint of the issuer, by its address or by discovery (`JwksUrl`), and
//!   introspection of opaque tokens.
//! * `mint`: makes keys and signs tokens, for development and tests.
//!
//! # What it does not do
//!
//! It does not decrypt (five parts are refused) or unpack nested tokens. Without a
//! [`revocation`] list a token is valid until `exp`: issue tokens that expire after minutes, not
//! days.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod resource_server;
#[cfg(feature = "jwks-url")]
pub mod introspection;
mod layer;
pub mod dpop;
pub mod revocation;
pub mod providers;
mod verifier;
mod claims;
mod jwks;
#[cfg(feature = "mint")]
pub mod mint;
mod keys;
mod token;
mod error;
mod algorithm;

#[cfg(feature = "jwks-url")]
pub use self::jwks::{IssuerMetadata, IssuerReport, JwksUrl, JwksUrlBuilder};
pub use self::{
    algorithm::Algorithm,
    claims::Claims,
    error::{DpopFault, InvalidToken, JwtBuildError, KeyError},
    jwks::{IssuerKeys, JwksFile, JwksFileBuilder, LiveKeys},
    keys::{JwksReader, KeySet, SkippedKey, VerifyingKey},
    layer::{JwtLayer, JwtLayerBuilder},
    verifier::{Issuer, Verifier, VerifierBuilder},
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
