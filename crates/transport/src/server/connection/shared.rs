//! What all connections of a server share: limits, settings of both protocols, counters.

use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;

use crate::{
    client_address::TrustedProxies,
    server::{
        connection::own_response::OwnResponses, deadlines::StreamExecutor, events::Events,
        limits::Limits, stats::Stats,
    },
    tls::Acceptor,
};

/// What all connections of a server share.
pub(crate) struct Shared {
    /// Settings of HTTP/1.
    pub(crate) http1: http1::Builder,
    /// Settings of HTTP/2.
    pub(crate) http2: http2::Builder<StreamExecutor>,
    pub(crate) limits: Arc<Limits>,
    /// `None` if the server does not use TLS.
    pub(crate) tls: Option<Acceptor>,
    /// Whether HTTP/2 is accepted without TLS.
    pub(crate) http2_in_clear: bool,
    pub(crate) own_responses: Arc<OwnResponses>,
    pub(crate) events: Arc<Events>,
    pub(crate) stats: Arc<Stats>,
    /// Peers without limits per address and of frames.
    pub(crate) proxies: TrustedProxies,
    /// Peers whose connections begin with a PROXY header.
    pub(crate) proxy_protocol: TrustedProxies,
}

/// Builds the HTTP/1 settings.
pub(crate) fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // `Activity` times heads from their first byte: hyper would count idle time as well.
        .header_read_timeout(None)
        .max_header_size(limits.header_bytes as usize)
        .max_buf_size((limits.header_bytes as usize).max(64 * 1024));
    builder
}

/// Builds the HTTP/2 settings. `FrameWatch` enforces stricter limits; these apply to proxies.
pub(crate) fn http2(limits: &Arc<Limits>) -> http2::Builder<StreamExecutor> {
    let mut builder = http2::Builder::new(StreamExecutor {
        limits: Arc::clone(limits),
    });
    // The limits of `FrameWatch` are reached first. These are for proxies, and for resets that are
    // not written yet; h2 writes a line to the log for each connection that reaches one.
    let resets = limits.resets.burst as usize;
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        // Beyond its limit h2 sends 431 without any header. The server responds first.
        .max_header_list_size(limits.header_bytes.saturating_mul(2))
        // Streams that are opened only to be reset cost work but no slot (CVE-2023-44487).
        .max_pending_accept_reset_streams(resets.saturating_mul(2).max(20))
        .max_local_error_reset_streams(resets.saturating_mul(2).max(256))
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_frame_size(16 * 1024)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(limits.idle / 2)
        .keep_alive_timeout(limits.header);
    builder
}
