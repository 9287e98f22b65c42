//! Keys: made from a secret, a PEM file or a JWK set, judged once, and bound to one algorithm.

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
