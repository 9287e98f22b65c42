//! A key as text, and what is computed from it: parsing, its public id, its digest.
//!
//! `format` writes and parses keys, `imported` are those of other systems, `id` and `environment` are their public parts. `pepper` and
//! `digest` compute what a store keeps; `presented` is a key of a request.

mod format;
mod presented;
mod imported;
mod pepper;
mod digest;
mod id;
mod environment;
mod base62;

pub use self::{
    digest::KeyDigest,
    environment::{Environment, InvalidEnvironment},
    format::{InvalidPrefix, KeyFormat, ParsedKey},
    id::{InvalidKeyId, KeyId},
    pepper::{Pepper, WeakPepper},
    presented::PresentedKey,
};
pub(crate) use self::{
    digest::SchemeName, environment::AcceptedEnvironments, imported::ImportedKey,
};
