//! The decision about a token: its claims, or the reason for the refusal.
//!
//! `builder` says which tokens are valid, `issuer` whose, and `rules` what else they need. `verify` decides, and `cache` remembers
//! verified tokens for the layer.

mod builder;
mod issuer;
mod verify;
mod rules;
pub(crate) mod cache;

pub use self::{builder::VerifierBuilder, issuer::Issuer, verify::Verifier};
pub(crate) use self::{
    rules::TokenRules,
    verify::{CheckedByCaller, VerifiedToken},
};
