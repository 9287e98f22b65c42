//! API keys for HTTP services: minting, stores that hold digests only, rotation, scopes, and a
//! layer that authenticates requests by key.
//!
//! A key reads `psk_live_<id>_<secret>_<checksum>`: a prefix that secret scanners find, the
//! environment, a public id to look it up by, 256 random bits, and a checksum that tells a typo
//! from a wrong key without asking anyone. A store keeps HMAC-SHA-256 of the key under a [`Pepper`]
//! that is kept elsewhere. There is no way to put a key itself into one.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use palisade_api_key::{ApiKeyLayer, Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
//! use palisade_core::{Clock, SecurityContext, SystemClock};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let scheme = KeyScheme::new(Pepper::generate()?);
//! let now = SystemClock::default().unix_time();
//! let minted = scheme.mint(Grant::new(Environment::Live).scopes(["tts:speak"]), now)?;
//! let store = MemoryKeyStore::new();
//! store.insert(minted.record().clone())?;
//!
//! let service = ServiceBuilder::new()
//!     .layer(ApiKeyLayer::new(scheme, store))
//!     .service_fn(|request: Request<String>| async move {
//!         let cx = SecurityContext::of(request.extensions()).expect("made by the layer");
//!         assert!(cx.principal().is_some_and(|who| who.has_scope("tts:speak")));
//!         Ok::<_, std::convert::Infallible>(Response::new(String::new()))
//!     });
//!
//! let request = Request::get("/").header("x-api-key", minted.key()).body(String::new())?;
//! assert_eq!(service.clone().oneshot(request).await?.status(), StatusCode::OK);
//!
//! let request = Request::get("/").header("x-api-key", "psk_live_guess").body(String::new())?;
//! assert_eq!(service.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Keys in a file that is watched, another prefix, test keys too, beside another kind of
//! credential:
//!
//! ```no_run
//! use palisade_api_key::{ApiKeyLayer, Environment, FileKeyStore, KeyFormat, KeyScheme, Pepper};
//! use palisade_core::AuthenticateLayer;
//!
//! let pepper = Pepper::read_file("/etc/tts/pepper")?;
//! let scheme = KeyScheme::with_format(KeyFormat::with_prefix("acme")?, pepper);
//! let keys = ApiKeyLayer::builder(scheme, FileKeyStore::open("/etc/tts/keys.toml")?)
//!     .environments([Environment::Live, Environment::Test])
//!     .realm("speech")
//!     .build()?;
//! let layer = AuthenticateLayer::builder().authenticator(keys).optional().build()?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a refused key looks like
//!
//! Absent, malformed, unknown, wrong, of another environment, not yet valid, expired, rotated out,
//! revoked, or used from the wrong network: 401 `unauthenticated` with the same body and fields,
//! made once when the layer was built. Only the audit trail has the reason ([`KeyFailure`]). The
//! digest is computed before the store is asked, and an unknown id is compared with a decoy, so
//! that the response time does not reveal the reason either.
//!
//! # How soon a change counts
//!
//! In a [`MemoryKeyStore`] and through [`FileKeyStore::update`]: with the next request, also on a
//! connection that is kept alive. In a file that another program changed: within a second. While
//! the file cannot be read, older keys stay in force for 15 minutes at most; then every request
//! with a key is refused with 503.
//!
//! # Which type do I need
//!
//! | task | type |
//! |---|---|
//! | protect a service | [`ApiKeyLayer`], or [`ApiKeyLayerBuilder`] for other choices |
//! | make or rotate a key | [`KeyScheme::mint`], [`KeyScheme::rotate`] with a [`Grant`] |
//! | keep keys in a file | [`FileKeyStore`] with a [`Pepper`] from [`Pepper::read_or_create_file`] |
//! | keep keys in Redis, for a fleet | `RedisKeyStore` (feature `redis`) |
//! | keep keys in a database | implement [`KeyStore`]; store [`KeyDigest::to_text`] |
//! | revoke a key | [`KeyTable::revoke`] inside `update` of the store |
//! | replace the pepper while keys are in use | [`KeyScheme::also_accept`] |
//! | accept keys of another system | [`KeyScheme::dangerously_import_sha256`] |
//!
//! # Limits
//!
//! * A prefix has 2 to 16 lower-case letters and digits. Default: `psk`.
//! * A key has at most 64 scopes and 64 networks.
//! * A note, an owner, a tier and each scope have 1 to 128 bytes.
//! * Metadata has at most 16 values of 1 to 256 bytes.
//! * A pepper has at least 32 bytes. It must be the same on every server that shares a store.
//! * Times have whole seconds and end with the year 9999.
//!
//! # What the server must keep
//!
//! Back up the pepper. Without it no stored digest can be matched, and every key must be minted
//! again. To replace it, accept both for a while ([`KeyScheme::also_accept`]). Store it apart from the digests: a thief needs both to test a guess.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod layer;
mod store;
mod scheme;
mod record;
mod key;
mod network;
mod error;

#[cfg(feature = "redis")]
pub use self::store::{
    RedisKeyError, RedisKeyStore, RedisKeyStoreBuildError, RedisKeyStoreBuilder, SeenRecords,
};
pub use self::{
    error::{MalformedKey, NoEntropy},
    key::{
        Environment, InvalidEnvironment, InvalidKeyId, InvalidPrefix, KeyDigest, KeyFormat, KeyId,
        ParsedKey, Pepper, PresentedKey, WeakPepper,
    },
    layer::{ApiKeyBuildError, ApiKeyLayer, ApiKeyLayerBuilder},
    network::{InvalidNetwork, Network},
    record::{
        DigestRenewal, Grant, InvalidGrant, InvalidTimestamp, KeyFailure, KeyRecord, Timestamp,
    },
    scheme::{KeyScheme, MintError, MintedKey, PepperRingError},
    store::{
        FileKeyStore, FileKeyStoreBuilder, KeyEvent, KeyEventKind, KeyFileError, KeyFileProblem,
        KeyFileReport, KeyStore, KeyTable, MemoryKeyStore, StoreUnavailable, TableError,
    },
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
