//! Sessions of browsers, and refusal of writes from other origins.
//!
//! | type | does |
//! |---|---|
//! | [`Sessions`] | opens, renews, lists and ends sessions, for handlers |
//! | [`SessionLayer`] | proves the principal by the cookie of a session |
//! | [`CrossOriginLayer`] | refuses writes from other origins, for services without these sessions too |
//!
//! A session is a random token of 256 bits in a `__Host-` cookie that scripts cannot read. The store has
//! its digest alone, so what is read from the store opens nothing. A session ends by age, by rest, by
//! signing out (one, all, or all others), with the credential that opened it, and with the right of its principal
//! ([`PrincipalCheck`]). It opens no other session.
//!
//! # Examples
//!
//! A handler signs in, another one signs out:
//!
//! ```
//! use http::{HeaderValue, request::Parts};
//! use palisade_core::Principal;
//! use palisade_session::{CurrentSession, SessionError, Sessions};
//!
//! /// Returns the `Set-Cookie` of a user who has shown the right password.
//! async fn signed_in(sessions: &Sessions, head: &Parts, user: &str) -> Result<HeaderValue, SessionError> {
//!     let principal = Principal::builder("user", user).scopes(["notes:read"]).build();
//!     Ok(sessions.sign_in(&head.headers, &head.extensions, principal).await?.set_cookie())
//! }
//!
//! /// Returns the `Set-Cookie` that removes the cookie.
//! async fn sign_out(sessions: &Sessions, current: &CurrentSession) -> Result<HeaderValue, SessionError> {
//!     sessions.end(current).await?;
//!     Ok(sessions.clear_cookie())
//! }
//! ```
//!
//! The handler that signs in is public, so it has no session to protect it. Put [`CrossOriginLayer`] around
//! it: otherwise a page of another site could sign the user in as somebody else.
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `axum` | [`CurrentSession`] as an extractor | off |
//! | `redis` | `RedisSessionStore`, which all processes of a fleet share | off |
//! | `redis-tls` | TLS to that server (`rediss://`) | off |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod layer;
mod cross_origin;
mod authenticator;
mod sessions;
mod check;
mod current;
mod store;
mod refusals;
mod error;
mod record;
mod removed;
mod cookie;
mod origin;
mod token;

#[cfg(feature = "redis")]
pub use self::store::{RedisSessionStore, RedisSessionStoreBuildError, RedisSessionStoreBuilder};
pub use self::{
    check::{CheckError, CheckReply, PrincipalCheck},
    cross_origin::{CrossOriginBuildError, CrossOriginLayer, CrossOriginLayerBuilder},
    current::CurrentSession,
    error::SessionError,
    layer::{SessionLayer, SessionLayerBuilder},
    record::{SessionInfo, SessionOwner, SessionRecord},
    sessions::{
        EndedBy, OpenedSession, Sessions, SessionsBuildError, SessionsBuilder, SessionsEnded,
    },
    store::{MemorySessionStore, MemorySessionStoreBuilder, SessionStore, StoreReply},
    token::{SessionDigest, SessionId},
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
