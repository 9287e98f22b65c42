//! Client address, host allow-list, HTTPS redirect, security headers and a hardened TLS server.
//!
//! Four layers, outermost first: [`HeadersLayer`], [`ClientInfoLayer`], [`HostLayer`], [`HttpsLayer`].
mod client;
mod error;
mod headers;
mod host;
mod https;
mod path;
#[cfg(feature = "server")]
pub mod server;

pub use self::{
    client::{ClientInfoLayer, ForwardedHeader, TrustedProxies},
    error::ConfigError,
    headers::{ContentSecurityPolicy, HeadersLayer, HostSource, Hsts, Inline, Source},
    host::{AllowedHosts, HostLayer},
    https::HttpsLayer,
};
