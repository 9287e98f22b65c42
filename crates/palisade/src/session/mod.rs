//! Sessions of browsers, and refusal of writes from other origins (feature `session`).
//!
//! All of the crate `palisade-session`, and what ends a session with the credential that opened it:
//!
//! | type | a session ends with |
//! |---|---|
//! | [`KeyCheck`] | its API key |
//! | `TokenCheck` (feature `jwt`) | its token, if that is revoked before it expires |
//! | [`CredentialCheck`] | either, for a service that accepts both |
//!
//! # Examples
//!
//! A page exchanges a key for a session, so that the key is not kept in the browser:
//!
//! ```
//! use palisade::api_key::{KeyScheme, MemoryKeyStore, Pepper};
//! use palisade::session::{KeyCheck, MemorySessionStore, SessionLayer, Sessions};
//! use palisade::{AllowedHosts, ApiKeyLayer, Rule, Rules, Shield};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (scheme, keys) = (KeyScheme::new(Pepper::generate()?), MemoryKeyStore::new());
//! let sessions = Sessions::new(MemorySessionStore::new());
//! let shield = Shield::builder()
//!     .hosts(AllowedHosts::parse(["notes.example"])?)
//!     .authenticate(ApiKeyLayer::new(scheme, keys.clone()))
//!     .authenticate(SessionLayer::builder(sessions.clone()).check(KeyCheck::new(keys)).build())
//!     .rules(Rules::new().post("/session", Rule::authenticated()).get("/notes", Rule::scope("notes:read")))
//!     .build()?;
//! # let _ = (shield, sessions); Ok(()) }
//! ```
//!
//! The handler of `POST /session` calls [`Sessions::sign_in`] with its `Principal`, which refuses a request that a
//! session authenticated: a session opens no other one.

mod credential_check;
#[cfg(feature = "jwt")]
mod token_check;
mod key_check;

#[doc(inline)]
pub use palisade_session::*;

#[cfg(feature = "jwt")]
pub use self::token_check::TokenCheck;
pub use self::{credential_check::CredentialCheck, key_check::KeyCheck};
