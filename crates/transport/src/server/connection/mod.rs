//! One connection, from the handshake to its end.
//!
//! Each connection runs in its own task. Failures end that connection alone, and are reported
//! as a `ConnectionEventKind`.

mod drive;
mod service;
mod shared;
mod http_socket;
mod sent_body;
mod received_body;
mod own_response;
mod socket;
mod handshake;
mod stream;

use std::{error::Error, io, net::SocketAddr, sync::Arc};

use http::{Request, Response};
use http_body::Body;
use hyper_util::rt::TokioIo;
use palisade_core::{Peer, Scheme};
use tokio::{net::TcpStream, sync::watch};
use tower_service::Service;

pub use self::received_body::{ReceiveError, ReceivedBody};
use self::{
    drive::{End, drive, stopped},
    handshake::{Protocol, open},
    http_socket::{HttpSocket, SocketReceiver},
    service::OnConnection,
    socket::Socket,
    stream::Stream,
};
pub(crate) use self::{
    own_response::OwnResponses,
    shared::{Shared, http1, http2},
};
use crate::server::{
    budgets::{Flood, FrameWatch},
    deadlines::{Activity, Missed},
    events::ConnectionEventKind,
    slots::Slot,
};

/// Error codes of HTTP/2 (RFC 9113, section 7).
const NO_ERROR: u32 = 0x0;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// A connection that was accepted and has a slot.
pub(crate) struct Accepted {
    pub(crate) socket: TcpStream,
    pub(crate) address: SocketAddr,
    /// Whether the peer is a trusted proxy, which has no limit of frames.
    pub(crate) is_proxy: bool,
    pub(crate) activity: Arc<Activity>,
    pub(crate) slot: Slot,
}

/// Serves one connection until it ends, is closed, or the server stops.
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
    let activity = accepted.activity;
    // Without this, small responses wait for an acknowledgement of the client.
    let _ = accepted.socket.set_nodelay(true);
    let opened = tokio::select! {
        opened = open(&shared, accepted.socket) => opened,
        () = activity.closed() => return,
        () = stopped(&mut stop) => return,
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(kind) => return activity.report(kind),
    };
    let protocol = opened.protocol;
    activity.begin_http(protocol == Protocol::Http1);
    let service = OnConnection {
        service,
        peer: Peer::new(accepted.address, scheme(&opened.stream)),
        activity: Arc::clone(&activity),
        limits: Arc::clone(&shared.limits),
        own_responses: Arc::clone(&shared.own_responses),
    };
    let frames =
        (protocol == Protocol::Http2).then(|| FrameWatch::new(&shared.limits, accepted.is_proxy));
    let socket = Socket::new(opened.stream, Arc::clone(&activity), frames, accepted.slot);
    let own_responses = Arc::clone(&shared.own_responses);
    let (socket, back) = HttpSocket::new(socket, opened.read_ahead, own_responses);
    let socket = TokioIo::new(socket);
    let end = match protocol {
        Protocol::Http1 => {
            let connection = shared
                .http1
                .serve_connection(socket, service)
                .with_upgrades();
            drive(connection, &activity, &shared.limits, &mut stop).await
        }
        Protocol::Http2 => {
            let connection = shared.http2.serve_connection(socket, service);
            drive(connection, &activity, &shared.limits, &mut stop).await
        }
    };
    finish(end, back, &activity, &mut stop).await;
}

/// Reports why the connection ended, and closes it so that the client can read the last
/// response.
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
        () = stopped(stop), if !is_still_sending => {}
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

/// Returns the scheme of a socket.
fn scheme(stream: &Stream) -> Scheme {
    match stream {
        Stream::Plain(_) => Scheme::Http,
        Stream::Tls(_) => Scheme::Https,
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
