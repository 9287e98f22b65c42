//! Security middleware for HTTP services in Rust: tower layers, alone or assembled in the right
//! order.
//!
//! A [`Shield`] is the whole stack in one value. It denies by default: a route without a rule gets
//! status 404, and a guard refuses if the result of an outer guard is missing.
//!
//! ```
//! use palisade::{ApiKeyLayer, Grant, KeyScheme, MemoryKeyStore, Environment, Pepper};
//! use palisade::{Policy, RateLimitLayer, Routes, Rule, Shield};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scheme = KeyScheme::new(Pepper::generate()?);
//! let minted = scheme.mint(Grant::new(Environment::Live).scopes(["notes:read"]), std::time::Duration::ZERO)?;
//! let keys = MemoryKeyStore::new();
//! keys.insert(minted.record().clone())?;
//!
//! let routes = Routes::new()
//!     .get("/health", Rule::public(), async || "ok")
//!     .get("/notes", Rule::scope("notes:read"), async || "Buy bread.");
//!
//! let app = Shield::builder()
//!     .authenticate(ApiKeyLayer::new(scheme, keys))
//!     .limit_clients(RateLimitLayer::by_client().policy(Policy::named("client").rate("60/minute")?).build()?)
//!     .hosts(palisade::AllowedHosts::parse(["notes.example"])?)
//!     .protect(routes)?;
//! # let _ = app; Ok(()) }
//! ```
//!
//! A single layer works in any `ServiceBuilder`; see the crates that are re-exported here.
//!
//! Where to start:
//!
//! - [`Shield::builder`]: the stack, part by part. The order of the calls does not matter.
//! - `Routes` (feature `axum`): handlers with their rules.
//! - [`ShieldError`]: what is checked before the first request.
//! - `config::Config` (feature `config`): the stack from a TOML file.
//! - `server::Server` (feature `server`): TLS, timeouts and connection limits.
//! - `Verifier` (feature `jwt`): JSON Web Tokens.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "server")]
mod connection_events;
#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "server")]
mod reload;
#[cfg(feature = "axum")]
mod routes;
mod shield;
#[cfg(feature = "axum")]
mod webroot;

pub use palisade_api_key::*;
pub use palisade_audit::{
    AcknowledgeError, Anchor, AuditBuildError, AuditEvent, AuditGate, AuditHandle, AuditKey,
    AuditLayer, AuditLayerBuilder, CheckpointKey, CheckpointPublicKey, DetachedSink, FileSink,
    FileSinkBuilder, LowSpaceAction, MemorySink, Sink, SinkPolicy, TracingSink, VerifyOptions,
    VerifyReport, event_id, verify, verify_file,
};
pub use palisade_core::*;
pub use palisade_rate_limit::{
    ChargeWhen, ConcurrencyLayer, ConcurrencyLayerBuilder, FailureMode, HeaderStyle, Key,
    LimitStore, MemoryStore, Policy, Rate, RateError, RateLimitBuildError, RateLimitLayer,
    RateLimitLayerBuilder, Unit as CostUnit,
};
#[cfg(feature = "redis")]
pub use palisade_rate_limit::{RedisStore, RedisStoreBuildError, RedisStoreBuilder};
pub use palisade_sanitize::{
    Action, Class, Field, Fields, ModelFamily, Normalization, OverLength, Refused, SanitizeLayer,
    SanitizeLayerBuilder, Sanitizer, SanitizerBuilder, TemplateTokens, TextRule, Whitespace,
    skeleton,
};
pub use palisade_transport::*;

#[cfg(feature = "metrics")]
pub use self::metrics::MetricsLayer;
pub use self::shield::{Protected, Shield, ShieldBuilder, ShieldError, ShieldLayer, Warning};
#[cfg(feature = "server")]
pub use self::{connection_events::record_connections, reload::Reloadable};
#[cfg(feature = "axum")]
pub use self::{routes::Routes, shield::axum::ProtectedRouter};

/// JSON Web Tokens.
#[cfg(feature = "jwt")]
pub use palisade_jwt as jwt;
#[cfg(feature = "jwt")]
pub use palisade_jwt::{JwtLayer, Verifier};

// The Rust examples of the book, compiled and run as documentation tests.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($page:ident = $path:literal),+ $(,)?) => {
            $(
                #[doc = include_str!(concat!("../../../docs/src/", $path))]
                mod $page {}
            )+
        };
    }

    pages! {
        tutorial = "tutorial.md",
        audit = "how-to/audit.md",
        browsers = "how-to/browsers.md",
        fleet = "how-to/fleet.md",
        grpc = "how-to/grpc.md",
        guard = "how-to/guard.md",
        keys = "how-to/keys.md",
        layers = "how-to/layers.md",
        limits = "how-to/limits.md",
        observe = "how-to/observe.md",
        rollout = "how-to/rollout.md",
        text = "how-to/text.md",
        tokens = "how-to/tokens.md",
        direct = "deploy/direct.md",
        load_balancer = "deploy/load-balancer.md",
        nginx = "deploy/nginx.md",
        configuration = "reference/configuration.md",
    }
}

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
