//! How HTTP is spoken: the settings of both protocols, made once.

use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::TlsAcceptor;

use super::{Limits, stats::Stats};

/// What all connections of a server share.
pub(super) struct Wiring {
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    pub(super) limits: Limits,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) http2_in_clear: bool,
    pub(super) stats: Arc<Stats>,
}

impl Wiring {
    pub(super) fn new(
        limits: Limits,
        tls: Option<TlsAcceptor>,
        http2_in_clear: bool,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            http1: http1(&limits),
            http2: http2(&limits),
            limits,
            tls,
            http2_in_clear,
            stats,
        }
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Heads are timed by `Activity`, from their first byte: hyper would count idle time as well.
        .header_read_timeout(None)
        .max_header_size(limits.header_bytes as usize)
        .max_buf_size((limits.header_bytes as usize).max(64 * 1024));
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        // Streams that are opened only to be reset cost work and no place (CVE-2023-44487).
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_frame_size(16 * 1024)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(limits.idle / 2)
        .keep_alive_timeout(limits.header);
    builder
}
