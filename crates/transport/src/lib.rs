//! Who asks, for which host, and over what: the part of Palisade that stands next to the wire.
//!
//! Four layers, outermost first, and a server by feature:
//!
//! | layer | does |
//! |---|---|
//! | [`HeadersLayer`] | security headers on every answer, refusals included; HSTS over TLS only |
//! | [`ClientInfoLayer`] | the client's address, scheme and host, behind trusted proxies or without |
//! | [`HostLayer`] | 421 for foreign hosts, 400 for missing, doubled and malformed ones |
//! | [`HttpsLayer`] | 308 for pages, 403 for APIs that are asked in clear |
//! | module `server` | TLS, HTTP/1 and HTTP/2, deadlines and caps, graceful end |
//!
//! As it is mostly used, for an API that nothing stands in front of:
//!
//! ```
//! use palisade_transport::{AllowedHosts, ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), palisade_transport::ConfigError> {
//! let layers = ServiceBuilder::new()
//!     .layer(HeadersLayer::api())
//!     .layer(ClientInfoLayer::direct())
//!     .layer(HostLayer::new(AllowedHosts::parse(["tts.example.com"])?))
//!     .layer(HttpsLayer::refuse());
//! # let _ = layers.service(palisade_core::testing::Empty200::default());
//! # Ok(()) }
//! ```
//!
//! Behind nginx, with pages that browsers may look for in clear:
//!
//! ```
//! use palisade_transport::{
//!     AllowedHosts, ClientInfoLayer, ContentSecurityPolicy, ForwardedHeader, HeadersLayer,
//!     HostLayer, Hsts, HttpsLayer, TrustedProxies,
//! };
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), palisade_transport::ConfigError> {
//! let hosts = AllowedHosts::parse(["tts.example.com", "*.tts.example.com"])?;
//! let page = ContentSecurityPolicy::same_origin().blob_media();
//! let layers = ServiceBuilder::new()
//!     .layer(HeadersLayer::browser(&page).hsts(Hsts::two_years().include_subdomains()))
//!     .layer(ClientInfoLayer::behind(
//!         TrustedProxies::parse("10.0.0.0/8")?,
//!         ForwardedHeader::XForwardedFor,
//!     ))
//!     .layer(HostLayer::new(hosts.clone()).except_path("/health")?)
//!     .layer(HttpsLayer::redirect_within(hosts, 443).page("/")?.page("/docs/*")?);
//! # let _ = layers.service(palisade_core::testing::Empty200::default());
//! # Ok(()) }
//! ```
//!
//! Inside a `Shield` the four run in one machine, in this order.

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
    headers::{ContentSecurityPolicy, ContentSource, HeadersLayer, Hsts},
    host::{AllowedHosts, HostLayer},
    https::HttpsLayer,
};
