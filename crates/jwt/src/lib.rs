//! Strict JSON Web Tokens: verification, JWKS, and the layer that asks for them.
//!
//! A token is refused unless everything about it is as it should be (RFC 8725, RFC 9068): the three parts, the
//! encoding, the header, the type, the issuer, the audience, the dates, the key, the signature. The algorithm belongs to
//! the key; what a token says of itself is only compared with it. Nothing a token carries is ever fetched.
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
//! Two issuers, one of them with a published key set; access tokens by RFC 9068 only; what handlers may know:
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
//! # Features
//!
//! * `jwks-url`: keys from an endpoint of the issuer (`JwksUrl`).
//! * `mint`: makes keys and signs tokens, for development and tests.
//!
//! # What it does not do
//!
//! It does not decrypt (five parts are refused), does not unpack nested tokens, and knows nothing of revocation before
//! `exp`: give tokens minutes, not days.

mod algorithm;
mod cache;
mod claims;
mod error;
mod header;
mod json;
#[cfg(feature = "jwks-url")]
mod jwks;
mod jwks_file;
mod keys;
mod layer;
#[cfg(feature = "mint")]
pub mod mint;
mod parts;
mod principal;
mod signature;
mod verifier;

#[cfg(feature = "jwks-url")]
pub use self::jwks::{JwksUrl, JwksUrlBuilder};
pub use self::{
    algorithm::Algorithm,
    claims::Claims,
    error::{BuildError, InvalidToken, KeyError},
    jwks_file::{JwksFile, JwksFileBuilder},
    keys::{JwksReader, KeySet, Keys, LiveKeys, SkippedKey, VerifyingKey},
    layer::{JwtLayer, JwtLayerBuilder},
    verifier::{Issuer, Verifier, VerifierBuilder},
};
