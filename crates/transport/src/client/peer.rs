//! Finds out who is at the other end, whichever server it is.

use http::Extensions;
use palisade_core::Peer;

/// Returns the peer that a server left with the request.
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

    // `axum::serve` speaks no TLS.
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
