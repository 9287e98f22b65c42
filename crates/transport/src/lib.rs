//! Client address, host allow-list, HTTPS, security headers, and a hardened TLS server.
//!
//! Layers, outermost first, and a server (feature `server`):
//!
//! | layer | does |
//! |---|---|
//! | [`HeadersLayer`] | adds security headers to every response, refusals included |
//! | [`ClientInfoLayer`] | finds the client's address, scheme and host, with or without proxies |
//! | [`HostLayer`] | refuses hosts that are not served (421) or not valid (400) |
//! | [`HttpsLayer`] | redirects pages that are requested in clear (308), refuses APIs (403) |
//! | [`ClientCertificateLayer`] | says which certificate of a client is which principal |
//! | module `server` | TLS, HTTP/1 and HTTP/2, timeouts, limits, graceful shutdown |
//!
//! Settings are checked while the layers are built: a mistake is a [`TransportBuildError`] for the
//! operator, before the first request. Settings that weaken security have names that begin with
//! `dangerously_`.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `acme` | certificates from an authority, such as Let's Encrypt (RFC 8555); includes `server` |
//! | `axum` | reads the peer address from axum's `ConnectInfo`; `CspNonce` is an extractor |
//! | `server` | the module `server`, with rustls, hyper and tokio |
//! | `tonic` | reads the peer address from tonic's connection info |
//!
//! # Examples
//!
//! An API without a proxy in front of it:
//!
//! ```
//! use palisade_transport::{AllowedHosts, ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), palisade_transport::TransportBuildError> {
//! let layers = ServiceBuilder::new()
//!     .layer(HeadersLayer::api())
//!     .layer(ClientInfoLayer::direct())
//!     .layer(HostLayer::new(AllowedHosts::parse(["tts.example.com"])?))
//!     .layer(HttpsLayer::new());
//! # let _ = layers.service(palisade_core::testing::EmptyOk::default());
//! # Ok(()) }
//! ```
//!
//! Behind nginx, with pages that browsers may request in clear:
//!
//! ```
//! use palisade_transport::{
//!     AllowedHosts, ClientInfoLayer, ContentSecurityPolicy, ForwardedHeader, HeadersLayer,
//!     HostLayer, Hsts, HttpsLayer, TrustedProxies,
//! };
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), palisade_transport::TransportBuildError> {
//! let hosts = AllowedHosts::parse(["tts.example.com", "*.tts.example.com"])?;
//! let page = ContentSecurityPolicy::same_origin().blob_media();
//! let layers = ServiceBuilder::new()
//!     .layer(
//!         HeadersLayer::builder()
//!             .browser(&page)
//!             .hsts(Hsts::two_years().include_subdomains())
//!             .build(),
//!     )
//!     .layer(ClientInfoLayer::behind(
//!         TrustedProxies::parse("10.0.0.0/8")?,
//!         ForwardedHeader::XForwardedFor,
//!     ))
//!     .layer(HostLayer::builder(hosts.clone()).except_path("/health").build()?)
//!     .layer(
//!         HttpsLayer::builder()
//!             .redirect_within(hosts, 443)
//!             .page("/")
//!             .page("/docs/*")
//!             .build()?,
//!     );
//! # let _ = layers.service(palisade_core::testing::EmptyOk::default());
//! # Ok(()) }
//! ```
//!
//! A `Shield` of the `palisade` crate runs the four in this order.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
mod tls;
mod client_certificate;
mod headers;
mod https;
mod client_address;
mod host;
mod path;
mod error;

pub use self::{
    client_address::{ClientInfoLayer, ClientInfoLayerBuilder, ForwardedHeader, TrustedProxies},
    client_certificate::{
        CertificateGrant, ClientCertificateBuildError, ClientCertificateLayer,
        ClientCertificateLayerBuilder,
    },
    error::TransportBuildError,
    headers::{
        ContentSecurityPolicy, ContentSource, CspNonce, HeadersLayer, HeadersLayerBuilder, Hsts,
    },
    host::{AllowedHosts, HostLayer, HostLayerBuilder},
    https::{HttpsLayer, HttpsLayerBuilder},
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
