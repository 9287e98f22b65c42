//! What a store keeps of a key, and the decision whether the key is valid.
//!
//! `key_record` is the stored key with its checks, `state` what operators decided about it, `rotation` which secrets it had, `grant` what it allows, `failure` why it is refused. `renewal`
//! replaces a digest under another pepper.

mod renewal;
mod key_record;
mod accessors;
mod state;
mod rotation;
mod failure;
mod grant;
mod last_used;
mod timestamp;

pub(crate) use self::key_record::KIND;
pub use self::{
    failure::KeyFailure,
    grant::{Grant, InvalidGrant},
    key_record::KeyRecord,
    renewal::DigestRenewal,
    timestamp::{InvalidTimestamp, Timestamp},
};
