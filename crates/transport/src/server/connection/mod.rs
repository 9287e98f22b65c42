//! One connection, from the handshake to its end.
//!
//! Each connection runs in its own task. Failures end that connection alone, and are reported
//! as a `ConnectionEventKind`.
//!
//! The phases of a connection:
//!
//! | phase | ends with | deadline |
//! |---|---|---|
//! | PROXY header, from configured peers | the address of the client | `Limits::proxy_header_timeout` |
//! | TLS handshake | the version of HTTP, by ALPN | `Limits::handshake_timeout` |
//! | without TLS: first bytes | the version of HTTP, if HTTP/2 is allowed | `Limits::header_timeout` |
//! | requests | the client, an error, a deadline, or the end of the server | see `deadlines` |
//! | drain | the client has read the last response | 1 s and 256 KiB |
//!
//! `run` is the task. Each file here is one part of it, from the task down to the socket:
//!
//! - `drive` polls the connection of hyper and checks its deadlines;
//! - `lifetime` is when it has to stop, whatever it does;
//! - `service` gives requests to the application;
//! - `received_body` and `sent_body` are the bodies of both directions;
//! - `http_socket` is what hyper reads and writes; it counts bytes and frames;
//! - `request_framing` refuses requests of HTTP/1 with two lengths, and bare LF in trailers;
//! - `own_response` completes the responses that hyper sends by itself;
//! - `socket` and `stream` are what is left when HTTP is over.

mod drive;
mod lifetime;
mod service;
mod shared;
mod http_socket;
mod sent_body;
mod received_body;
mod own_response;
mod request_framing;
mod socket;
mod handshake;
mod stream;

use std::{error::Error, io, net::SocketAddr, sync::Arc};

use http::{Request, Response};
use http_body::Body;
use hyper_util::rt::TokioIo;
use palisade_core::{Peer, Scheme};
use tokio::sync::watch;
use tower_service::Service;

pub use self::received_body::{ReceiveError, ReceivedBody};
pub(crate) use self::{
    drive::wait_for_stop,
    own_response::OwnResponses,
    shared::{Shared, http1, http2},
};
use self::{
    drive::{End, drive},
    handshake::{Opened, Protocol, open},
    http_socket::{HttpSocket, SocketReceiver},
    lifetime::Lifetime,
    service::OnConnection,
    socket::Socket,
    stream::Stream,
};
use crate::{
    server::{
        budgets::{Flood, FrameWatch},
        deadlines::{Activity, Missed},
        events::ConnectionEventKind,
        listener::RawStream,
        proxy_protocol::{self, NoHeader, ProxyHeader},
        slots::Slot,
    },
    tls::Acceptor,
};

/// Error codes of HTTP/2 (RFC 9113, section 7).
///
/// The server is closing the connection, and nothing is wrong.
const NO_ERROR: u32 = 0x0;
/// The client sends more frames than the server is willing to handle.
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// A connection that was accepted and has a slot.
pub(crate) struct Accepted {
    /// A TCP or Unix stream, before TLS.
    pub(crate) socket: RawStream,
    /// The address of the client: that of the peer, or that of its PROXY header.
    pub(crate) address: SocketAddr,
    /// Whether it is a trusted proxy, which has no limit of frames.
    pub(crate) is_proxy: bool,
    /// Whether the connection begins with a PROXY header.
    pub(crate) expects_header: bool,
    /// What the deadlines look at: bytes, requests, and whose turn it is.
    pub(crate) activity: Arc<Activity>,
    /// Its place among all connections, which is free again when it is dropped.
    pub(crate) slot: Slot,
}

/// Serves one connection until it ends, is closed, or the server stops.
///
/// It never fails: what went wrong is reported as an event. Requests that are being served when the
/// server stops may finish until the grace period ends.
pub(crate) async fn run<S, B>(
    shared: Arc<Shared>,
    accepted: Accepted,
    service: S,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let activity = Arc::clone(&accepted.activity);
    let begun = tokio::select! {
        begun = begin(&shared, accepted) => begun,
        () = activity.closed() => return,
        () = wait_for_stop(&mut stop) => return,
    };
    let begun = match begun {
        Ok(Some(begun)) => begun,
        Ok(None) => return,
        Err(kind) => return activity.report(kind),
    };
    let opened = begun.opened;
    let protocol = opened.protocol;
    activity.begin_http(protocol == Protocol::Http1);
    let lifetime = Lifetime::new(
        activity.end_of_life(&shared.limits),
        opened.client_certificate.as_ref(),
        shared.tls.as_ref().and_then(Acceptor::client_clock),
    );
    let service = OnConnection {
        service,
        peer: begun.peer,
        proxy_header: begun.header,
        client_certificate: opened.client_certificate,
        activity: Arc::clone(&activity),
        limits: Arc::clone(&shared.limits),
        own_responses: Arc::clone(&shared.own_responses),
    };
    let frames =
        (protocol == Protocol::Http2).then(|| FrameWatch::new(&shared.limits, begun.is_proxy));
    let socket = Socket::new(opened.stream, Arc::clone(&activity), frames, begun.slot);
    let own_responses = Arc::clone(&shared.own_responses);
    let (socket, back) = HttpSocket::new(socket, own_responses);
    let socket = TokioIo::new(socket);
    let end = match protocol {
        Protocol::Http1 => {
            let connection = shared
                .http1
                .serve_connection(socket, service)
                .with_upgrades();
            drive(connection, &activity, &shared.limits, &lifetime, &mut stop).await
        }
        Protocol::Http2 => {
            let connection = shared.http2.serve_connection(socket, service);
            drive(connection, &activity, &shared.limits, &lifetime, &mut stop).await
        }
    };
    finish(end, back, &activity, &mut stop).await;
}

/// A connection whose client is known, before its first request.
struct Begun {
    /// The stream after the TLS handshake, and the version of HTTP.
    opened: Opened,
    /// Address and scheme, for the extensions of each request.
    peer: Peer,
    is_proxy: bool,
    /// `None` unless the peer is configured to send one.
    header: Option<ProxyHeader>,
    slot: Slot,
}

/// Reads the PROXY header, if the peer sends one, and does the TLS handshake. The error is the
/// event to report. `None` if the handshake was all: see [`open`].
async fn begin(
    shared: &Shared,
    mut accepted: Accepted,
) -> Result<Option<Begun>, ConnectionEventKind> {
    accepted.socket.send_at_once();
    accepted.socket.limit_unsent();
    let header = match accepted.expects_header {
        true => Some(read_proxy_header(shared, &mut accepted).await?),
        false => None,
    };
    let Some(opened) = open(shared, accepted.socket).await? else {
        return Ok(None);
    };
    Ok(Some(Begun {
        peer: Peer::new(
            accepted.address,
            client_scheme(&opened.stream, header.as_ref()),
        )
        .with_tls(opened.stream.tls_version()),
        is_proxy: accepted.is_proxy,
        slot: accepted.slot,
        opened,
        header,
    }))
}

/// Reads a PROXY header, and counts the connection for the client that it names.
///
/// # Errors
///
/// `ProxyHeaderTimeout`, `ProxyHeaderInvalid`, `HandshakeFailed` for a connection that broke, or
/// `AddressLimit` for a client with too many connections.
async fn read_proxy_header(
    shared: &Shared,
    accepted: &mut Accepted,
) -> Result<ProxyHeader, ConnectionEventKind> {
    let header = proxy_protocol::read(&mut accepted.socket, shared.limits.proxy_header).await;
    let header = header.map_err(|error| match error {
        NoHeader::Broken => ConnectionEventKind::HandshakeFailed,
        NoHeader::Invalid(error) => {
            tracing::debug!(%error, "a connection was closed");
            ConnectionEventKind::ProxyHeaderInvalid
        }
        NoHeader::Timeout => ConnectionEventKind::ProxyHeaderTimeout,
    })?;
    // Without an address the proxy itself is the client, and has no limit per address.
    if let Some(source) = header.source() {
        accepted.address = source;
        accepted.activity.set_client(source.ip());
        accepted.is_proxy = shared.proxies.contains(source.ip());
        if !accepted.is_proxy {
            let counted = accepted.slot.count_for(source.ip());
            counted.map_err(|_| ConnectionEventKind::AddressLimit)?;
        }
    }
    Ok(header)
}

/// Reports why the connection ended, and closes it so that the client can read the last
/// response.
///
/// A connection that is closed while the client still sends would be reset, and the client might lose
/// the last response (RFC 9112, section 9.6). So the rest is read for a short time.
async fn finish(
    end: End,
    back: SocketReceiver,
    activity: &Activity,
    stop: &mut watch::Receiver<bool>,
) {
    // The connection is gone, so the socket is back, unless it was upgraded and lives on elsewhere.
    let Ok(mut socket) = back.await else { return };
    if let Some(flood) = socket.flood() {
        activity.report(kind_of_flood(flood));
        socket.send_goaway(ENHANCE_YOUR_CALM).await;
        return socket.drain().await;
    }
    let is_failed = match end {
        End::Closed => return socket.send_goaway(NO_ERROR).await,
        End::TimedOut(Missed::Head) => return activity.report(ConnectionEventKind::HeaderTimeout),
        End::TimedOut(Missed::Response) => {
            return activity.report(ConnectionEventKind::ResponseTimeout);
        }
        End::TimedOut(Missed::Request) => return,
        End::Failed(error) => {
            if is_violation(&error, activity) {
                activity.report(ConnectionEventKind::ProtocolError);
            }
            true
        }
        End::Finished => false,
    };
    let is_still_sending = is_failed || activity.has_left_unread();
    tokio::select! {
        () = socket.drain() => {}
        // A stopping server waits only for those who may still be sending.
        () = wait_for_stop(stop), if !is_still_sending => {}
    }
}

/// Returns the event for a flood of frames.
fn kind_of_flood(flood: Flood) -> ConnectionEventKind {
    match flood {
        Flood::ControlFrames => ConnectionEventKind::ControlFrameFlood,
        Flood::Resets => ConnectionEventKind::ResetFlood,
        Flood::UnreadResponses => ConnectionEventKind::ResponseTimeout,
    }
}

/// Returns the scheme that the client used: towards this server, or towards its proxy.
///
/// A proxy that ended TLS says so in its PROXY header, so that `https` rules hold behind it.
fn client_scheme(stream: &Stream, header: Option<&ProxyHeader>) -> Scheme {
    match stream {
        Stream::Plain(_) if !header.is_some_and(ProxyHeader::is_tls) => Scheme::Http,
        _ => Scheme::Https,
    }
}

/// Returns whether the client broke the protocol, rather than the connection.
///
/// What HTTP/1 cannot parse was reported already, with the response to it.
fn is_violation(error: &hyper::Error, activity: &Activity) -> bool {
    let is_http1 = activity.is_http1();
    let is_silence = error.is_incomplete_message() || error.is_timeout();
    // HTTP/1 fails in the body of the request, where the handler learns of it.
    !(is_silence || error.is_user() || is_http1 || is_broken(error))
}

/// Returns whether the socket failed.
///
/// `InvalidData` is what hyper reports for bytes that it cannot parse; it is not a broken socket.
fn is_broken(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() != io::ErrorKind::InvalidData;
        }
        source = error.source();
    }
    false
}
