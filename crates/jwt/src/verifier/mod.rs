//! The decision about a token: its claims, or the reason for the refusal.
//!
//! `builder` says which tokens are valid, `issuer` whose. `verify` decides, and `cache` remembers
//! verified tokens for the layer.

mod builder;
mod issuer;
mod verify;
pub(crate) mod cache;

pub(crate) use self::verify::VerifiedToken;
pub use self::{builder::VerifierBuilder, issuer::Issuer, verify::Verifier};
