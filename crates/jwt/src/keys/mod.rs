//! Keys: read from a secret, a PEM file or a JWK set, checked once, and bound to one algorithm.
//!
//! `set` and `key` are what a verifier uses. `jwks_reader`, `jwk_set_document` and `jwk` read JWK
//! sets, `pem` finds sections of a PEM text. `material` does the cryptography, and `roca` finds RSA
//! keys of a broken generator.

mod set;
mod jwks_reader;
mod jwk_set_document;
mod jwk;
mod key;
pub(crate) mod pem;
mod material;
mod thumbprint;
mod roca;

#[cfg(feature = "mint")]
pub(crate) use self::material::translate;
pub(crate) use self::{jwk::read_public as read_public_jwk, thumbprint::thumbprint};
pub use self::{
    jwks_reader::JwksReader,
    key::VerifyingKey,
    set::{KeySet, SkippedKey},
};
