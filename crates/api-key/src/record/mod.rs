//! What a store keeps of a key, and the decision whether the key is valid.
//!
//! `record` is the stored key with its checks, `grant` what it allows, `failure` why it is refused.

mod record;
mod accessors;
mod failure;
mod grant;
mod last_used;
mod timestamp;

pub(crate) use self::record::KIND;
pub use self::{
    failure::KeyFailure,
    grant::{Grant, InvalidGrant},
    record::KeyRecord,
    timestamp::{InvalidTimestamp, Timestamp},
};
