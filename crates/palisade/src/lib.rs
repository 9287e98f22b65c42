//! Security middleware for HTTP services in Rust: tower layers, alone or assembled in the right
//! order.
//!
//! A [`Shield`] is the whole stack in one value. It denies by default: a route without a rule gets
//! status 404, and a guard refuses if the result of an outer guard is missing.
//!
//! ```
//! use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
//! use palisade::{AllowedHosts, ApiKeyLayer, Policy, RateLimitLayer, Routes, Rule, Shield};
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
//!     .hosts(AllowedHosts::parse(["notes.example"])?)
//!     .protect(routes)?;
//! # let _ = app; Ok(()) }
//! ```
//!
//! # Where to find what
//!
//! The names at the root are those that most applications need. Each module has the rest of its
//! subject:
//!
//! | module | holds | feature |
//! |---|---|---|
//! | [`shield`] | the whole stack: [`Shield`], its builder, its errors and warnings | |
//! | `config` | the stack from a TOML file | `config` |
//! | `server` | TLS, timeouts, connection limits, replacement while serving | `server` |
//! | [`api_key`] | API keys: schemes, grants, stores | |
//! | `jwt` | JSON Web Tokens: verifiers, issuers, keys of issuers | `jwt` |
//! | [`rate_limit`] | rates, policies, stores of limits, concurrency | |
//! | [`sanitize`] | text fields of requests | |
//! | `inspect` | firewall rules for requests | `inspect` |
//! | [`audit`] | the audit trail: sinks, keys, verification | |
//! | [`transport`] | client address, hosts, HTTPS, security headers | |
//! | [`audit_events`] | changes of keys and ends of sessions, for the trail | |
//! | [`core`](mod@core) | what all layers share: guards, contexts, refusals, clocks | |
//! | `session` | sessions of browsers, writes from other origins | `session` |
//! | `metrics` | counters and histograms | `metrics` |
//! | `logging` | a log that cannot hold up the service | `logging` |
//! | `testing` | helpers for the tests of layers and services | `testing` |
//!
//! Each module of a layer is a crate of its own, `palisade-audit` for example. A layer works alone in any
//! `ServiceBuilder`.
//!
//! # Where to start
//!
//! - [`Shield::builder`]: the stack, part by part. The order of the calls does not matter.
//! - `Routes` (feature `axum`): handlers with their rules.
//! - [`Rules`]: rules for a router that was built before.
//! - [`ShieldBuildError`]: what is checked before the first request.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod shield;
pub mod audit_events;
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "key-admin")]
pub mod key_admin;
#[cfg(feature = "axum")]
mod webroot;
#[cfg(feature = "axum")]
mod routes;
mod rules;
pub mod diagnostics;

#[doc(inline)]
pub use palisade_api_key as api_key;
#[doc(inline)]
pub use palisade_audit as audit;
#[doc(inline)]
pub use palisade_core as core;
#[cfg(feature = "testing")]
#[doc(inline)]
pub use palisade_core::testing;
#[cfg(feature = "inspect")]
#[doc(inline)]
pub use palisade_inspect as inspect;
#[cfg(feature = "jwt")]
#[doc(inline)]
pub use palisade_jwt as jwt;
#[doc(inline)]
pub use palisade_rate_limit as rate_limit;
#[doc(inline)]
pub use palisade_sanitize as sanitize;
#[doc(inline)]
pub use palisade_transport as transport;

// The common case: at most twenty names, which a test counts.
pub use palisade_api_key::ApiKeyLayer;
pub use palisade_audit::{AuditLayer, FileSink};
#[cfg(feature = "axum")]
pub use palisade_core::ClientIp;
pub use palisade_core::{Principal, Rule};
#[cfg(feature = "jwt")]
pub use palisade_jwt::JwtLayer;
pub use palisade_rate_limit::{Policy, RateLimitLayer};
pub use palisade_sanitize::SanitizeLayer;
pub use palisade_transport::{
    AllowedHosts, ClientInfoLayer, HeadersLayer, HttpsLayer, TrustedProxies,
};

pub use self::rules::Rules;
pub use self::shield::{Shield, ShieldBuildError};
#[cfg(feature = "axum")]
pub use self::{routes::Routes, shield::ProtectedRouter};

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
        client_certificates = "how-to/client-certificates.md",
        existing = "how-to/existing.md",
        fleet = "how-to/fleet.md",
        grpc = "how-to/grpc.md",
        guard = "how-to/guard.md",
        keys = "how-to/keys.md",
        layers = "how-to/layers.md",
        limits = "how-to/limits.md",
        observe = "how-to/observe.md",
        providers = "how-to/providers.md",
        resource_server = "how-to/resource-server.md",
        rollout = "how-to/rollout.md",
        testing = "how-to/testing.md",
        text = "how-to/text.md",
        tokens = "how-to/tokens.md",
        acme = "deploy/acme.md",
        axum_login = "coming-from/axum-login.md",
        jwt_authorizer = "coming-from/jwt-authorizer.md",
        tower_governor = "coming-from/tower-governor.md",
        tower_http = "coming-from/tower-http.md",
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
