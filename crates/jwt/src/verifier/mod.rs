//! The decision about a token: its claims, or the reason for the refusal.
//!
//! `builder` says which tokens are valid, `issuer` whose, and `rules` what else they need. `verify` decides, and `cache` remembers
//! verified tokens for the layer, found by their `token_hash`.

mod builder;
mod issuer;
mod verify;
mod rules;
pub(crate) mod cache;
mod token_hash;

pub use self::{builder::VerifierBuilder, issuer::Issuer, verify::Verifier};
pub(crate) use self::{
    rules::TokenRules,
    verify::{CheckedByCaller, VerifiedToken},
};
