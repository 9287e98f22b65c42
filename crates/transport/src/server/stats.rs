//! Counters of a server, for metrics.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use crate::server::{
    events::{ConnectionEventKind, Events},
    slots::Slots,
};

/// Counters of a server, readable while it runs and afterwards. Cheap to clone.
///
/// [`Server::stats`](crate::server::Server::stats) returns it. All counters start at 0 and never
/// decrease, except [`open`](Self::open).
///
/// | metric | counts |
/// |---|---|
/// | [`accepted`](Self::accepted) | connections that got a slot |
/// | [`failed_handshakes`](Self::failed_handshakes) | TLS handshakes that failed |
/// | [`refused_address`](Self::refused_address) | refusals by the limit per address |
/// | [`refused_full`](Self::refused_full) | refusals by the limit in total |
/// | [`timed_out`](Self::timed_out) | slow clients |
/// | [`count`](Self::count) | any [`ConnectionEventKind`] |
///
/// # Examples
///
/// ```
/// use palisade_transport::server::Server;
///
/// let server = Server::builder().listen("127.0.0.1:0".parse()?).build()?;
/// let stats = server.stats();
/// // Scraped by a metrics exporter, while the server runs in another task:
/// let text = format!(
///     "connections_open {}\nconnections_total {}\nhandshakes_failed_total {}\n",
///     stats.open(), stats.accepted(), stats.failed_handshakes(),
/// );
/// assert!(text.starts_with("connections_open 0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerStats {
    pub(crate) stats: Arc<Stats>,
}

/// The counters that clones share.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    accepted: AtomicU64,
    /// Set when the server begins to serve.
    serving: OnceLock<(Arc<Events>, Arc<Slots>)>,
}

impl Stats {
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// The server begins to serve, with these counters.
    pub(crate) fn begin(&self, events: Arc<Events>, slots: Arc<Slots>) {
        // A server begins once: `serve` consumes it.
        let _ = self.serving.set((events, slots));
    }
}

impl ServerStats {
    /// Returns how many connections were accepted. Refused ones are not counted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.stats.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many connections are open now, upgraded ones included.
    #[must_use]
    pub fn open(&self) -> usize {
        self.stats
            .serving
            .get()
            .map_or(0, |(_, slots)| slots.open())
    }

    /// Returns how often an event of this kind happened.
    ///
    /// 0 before the server runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::{ConnectionEventKind, Server};
    ///
    /// let stats = Server::builder().listen("127.0.0.1:0".parse()?).build()?.stats();
    /// for kind in ConnectionEventKind::ALL {
    ///     println!("{}: {}", kind.as_str(), stats.count(kind));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn count(&self, kind: ConnectionEventKind) -> u64 {
        self.stats
            .serving
            .get()
            .map_or(0, |(events, _)| events.count(kind))
    }

    /// Returns how many TLS handshakes failed, timed out, or ended because the client refused
    /// the certificate.
    #[must_use]
    pub fn failed_handshakes(&self) -> u64 {
        self.sum_of_kinds([
            ConnectionEventKind::CertificateRefused,
            ConnectionEventKind::HandshakeFailed,
            ConnectionEventKind::HandshakeTimeout,
        ])
    }

    /// Returns how many connections were refused because the server was full and none was idle.
    #[must_use]
    pub fn refused_full(&self) -> u64 {
        self.count(ConnectionEventKind::ServerLimit)
    }

    /// Returns how many connections were refused because their address had too many.
    #[must_use]
    pub fn refused_address(&self) -> u64 {
        self.count(ConnectionEventKind::AddressLimit)
    }

    /// Returns how many requests and connections ended because the client sent or read too
    /// slowly.
    #[must_use]
    pub fn timed_out(&self) -> u64 {
        self.sum_of_kinds([
            ConnectionEventKind::HeaderTimeout,
            ConnectionEventKind::RequestBodyTimeout,
            ConnectionEventKind::ResponseTimeout,
        ])
    }

    fn sum_of_kinds<const N: usize>(&self, kinds: [ConnectionEventKind; N]) -> u64 {
        kinds.into_iter().map(|kind| self.count(kind)).sum()
    }
}
