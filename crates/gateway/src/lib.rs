//! A reverse proxy with the whole stack of Palisade, for HTTP services in any language.
//!
//! `palisade gateway --upstream http://127.0.0.1:5000` is its command. [`Gateway`] is the same for
//! programs:
//!
//! ```no_run
//! use palisade_gateway::{Gateway, Settings};
//!
//! # async fn serve() -> Result<(), palisade_gateway::GatewayError> {
//! let settings = Settings::quick_start("http://127.0.0.1:5000").text_field("text").settings()?;
//! let mut gateway = Gateway::prepare(settings).await?;
//! print!("{}", gateway.greeting(true)?);
//! gateway.serve(std::future::pending()).await
//! # }
//! ```
//!
//! # The way of a request
//!
//! 1. The server of `palisade-transport`: TLS, timeouts, connection limits.
//! 2. [`palisade::Shield`]: client address, host, limits, credential, rule, clean text, audit record.
//! 3. [`Forward`]: refuses ambiguous paths, picks the upstream, writes the head again, and streams both
//!    bodies. With budgets, it reserves before what the request can cost, and settles afterwards what it
//!    used.
//!
//! # What the upstream gets
//!
//! - The same method, path, query and body. Length and framing are rewritten, so one request is
//!   one request.
//! - No credential: `Authorization`, `Proxy-Authorization` and `X-API-Key` are removed.
//! - `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `Forwarded` (RFC 7239) with the
//!   client that was decided, and `X-Request-Id`. Whatever the client sent under these names is
//!   removed, as are fields whose names have an underscore: CGI and WSGI cannot tell them from
//!   hyphens.
//! - `Host` with its own name, or that of the client (`host = "as-sent"`).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod server;
mod auth_endpoint;
mod settings;
mod presets;
mod first_start;
mod shadow_report;
mod traffic;
mod forward;
mod upstream;
mod client_fields;
mod body;
mod credential_watch;
mod budget;
mod limit_store;
mod mcp;
mod pattern;
mod collected_body;
mod json_text;
mod path;
mod problem;
mod records;
mod error;

pub use self::{
    auth_endpoint::{AuthEndpoint, AuthReloader},
    body::UpstreamBody,
    error::{GatewayError, GatewayErrorKind},
    first_start::DataFolder,
    forward::Forward,
    presets::Preset,
    server::{Gateway, GatewayBuilder, Reloader, ask_admin, explain, status_page},
    settings::{QuickStart, Settings},
    shadow_report::ShadowReport,
    upstream::{Upstreams, UpstreamsBuilder},
};
