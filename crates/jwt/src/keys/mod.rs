//! Keys: made from a secret, a PEM file or a JWK set, judged once, and bound to one algorithm.

mod jwk;
mod key;
mod material;
mod reader;
mod roca;
mod set;
mod source;

#[cfg(feature = "mint")]
pub(crate) use self::material::translate;
#[cfg(feature = "jwks-url")]
pub(crate) use self::source::Source;
pub(crate) use self::{key::LONGEST_KID, source::Landing};
pub use self::{
    key::VerifyingKey,
    reader::JwksReader,
    set::{KeySet, SkippedKey},
    source::{Keys, LiveKeys},
};
