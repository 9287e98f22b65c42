//! Keys: read from a secret, a PEM file or a JWK set, checked once, and bound to one algorithm.
//!
//! `key` and `set` are what a verifier uses; `source` says where they come from. `reader`,
//! `document` and `jwk` read JWK sets. `material` does the cryptography, `roca` finds RSA keys of a
//! broken generator.

mod document;
mod jwk;
mod key;
mod material;
pub(crate) mod pem;
mod reader;
mod roca;
mod set;
mod source;

#[cfg(feature = "mint")]
pub(crate) use self::material::translate;
pub(crate) use self::{
    key::LONGEST_KID,
    source::{Landing, Source},
};
pub use self::{
    key::VerifyingKey,
    reader::JwksReader,
    set::{KeySet, SkippedKey},
    source::{Keys, LiveKeys},
};
