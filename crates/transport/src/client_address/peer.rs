//! Finds the address of the peer that a server stored in the request.
//!
//! Order: [`Peer`], then axum's `ConnectInfo` and tonic's types, if those features are on.
//! `None` makes the layer refuse with 500.

use http::Extensions;
use palisade_core::Peer;

/// Returns the peer of the connection, or `None` if no server stored it.
pub(super) fn of(extensions: &Extensions) -> Option<Peer> {
    let ours = extensions.get().copied();
    ours.or_else(|| axum(extensions))
        .or_else(|| tonic(extensions))
}

#[cfg(feature = "axum")]
fn axum(extensions: &Extensions) -> Option<Peer> {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;
    use palisade_core::Scheme;

    // `axum::serve` does not use TLS.
    let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(Peer::new(*address, Scheme::Http))
}

#[cfg(feature = "tonic")]
fn tonic(extensions: &Extensions) -> Option<Peer> {
    use palisade_core::Scheme;
    use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

    // Over TLS tonic leaves both; the one that says so comes first.
    if let Some(tls) = extensions.get::<TlsConnectInfo<TcpConnectInfo>>() {
        let address = tls.get_ref().remote_addr()?;
        return Some(Peer::new(address, Scheme::Https));
    }
    let address = extensions.get::<TcpConnectInfo>()?.remote_addr()?;
    Some(Peer::new(address, Scheme::Http))
}

#[cfg(not(feature = "axum"))]
fn axum(_: &Extensions) -> Option<Peer> {
    None
}

#[cfg(not(feature = "tonic"))]
fn tonic(_: &Extensions) -> Option<Peer> {
    None
}
