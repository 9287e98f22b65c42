//! The HTTP client that a server of an upstream is reached with.
//!
//! Each server has its own, so connections of one are never used for another, whatever the `Host` of a
//! request says. HTTP/1.1 has a connection for each request at a time, HTTP/2 one for all that were given to this client.
//!
//! An unused connection that the server closed is noticed before it is used, or the request is sent again
//! by the library, provided nothing of it was written.
//!
//! | limit | value | at the limit |
//! |---|---|---|
//! | unused connections to one server | 64 | others are closed |
//! | time of an unused connection | 15 s | it is closed |
//! | head of a response over HTTP/1.1 | 64 KiB | 502 `upstream_failed` |
//! | bytes of one response that the client has not read | 256 KiB | the upstream waits with this response alone |
//! | ping on a silent HTTP/2 connection | every 20 s | the connection is closed without a reply |
//!
//! The window of an HTTP/2 connection is the largest that there is. A client that reads slowly holds the window of its own
//! stream alone: with a window for all, one such client would stop the responses of everyone.
//!
//! `Host` is never added by the library: the gateway writes it (RFC 9112 section 3.2).

use std::{fmt, time::Duration};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, Error},
    rt::{TokioExecutor, TokioTimer},
};

use super::connect::Connector;
use crate::body::SentBody;

/// How long an unused connection is kept. Less than what common servers keep theirs.
///
/// A server that closes first could close while a request is on its way (RFC 9112 section 9.3.1).
const IDLE: Duration = Duration::from_secs(15);
/// The most unused connections to one server.
///
/// Enough for a service of a few hundred requests a second, and few enough for its limit of
/// descriptors.
const IDLE_CONNECTIONS: usize = 64;
/// How often a silent HTTP/2 connection is asked whether it is still there.
///
/// RFC 9113 section 6.7. A firewall that forgets a connection is noticed before a request is lost on
/// it.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// The window of a response over HTTP/2 (RFC 9113 section 6.9): what the upstream may send and the client has not read.
///
/// With 20 ms to the upstream, 12 MB a second. So many bytes are kept in memory for each client that does not read.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The window of a whole connection: the largest one, so that only that of each response counts.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// The most bytes of a response head.
const HEAD_BYTES: usize = 64 * 1024;

/// Sends requests and reuses connections. Clones share them.
///
/// It holds the pool, so two upstreams with the same address have separate connections.
#[derive(Clone)]
pub(crate) struct Client(legacy::Client<Connector, SentBody>);

impl Client {
    /// Makes a client for one address, which keeps unused connections.
    ///
    /// With HTTP/2 it is spoken from the first byte (prior knowledge, RFC 9113 section 3.3), or as TLS
    /// agreed by ALPN.
    pub(crate) fn new(connector: Connector, is_http2: bool) -> Self {
        Self::with_idle_connections(IDLE_CONNECTIONS, connector, is_http2)
    }

    /// Makes a client that opens a connection for each request, and closes it with the response. For
    /// requests that ask to switch protocols: if the server does not, no one knows what it does next.
    pub(crate) fn without_reuse(connector: Connector) -> Self {
        Self::with_idle_connections(0, connector, false)
    }

    /// The two constructors differ only in the number of unused connections and in the version.
    fn with_idle_connections(
        idle_connections: usize,
        connector: Connector,
        is_http2: bool,
    ) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle_connections)
            .set_host(false)
            .http1_max_buf_size(HEAD_BYTES)
            .http2_only(is_http2)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .build(connector);
        Self(client)
    }

    /// Sends a request. Dropping the future ends the request at the upstream too.
    ///
    /// It returns at the head of the response; the body follows as a stream.
    ///
    /// # Errors
    ///
    /// No connection, a connection that broke, or a head that is no HTTP. The request has no bound on
    /// time here: the caller has one.
    pub(crate) async fn send(
        &self,
        request: Request<SentBody>,
    ) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
