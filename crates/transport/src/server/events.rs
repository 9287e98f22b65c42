//! Reports refused, closed and failed connections, without one log line for each.
//!
//! All parts of the server call `Events::note`. The log and the observer get the first event at
//! once and later ones as a count, so that a client cannot fill the log.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_internal::log_limit::LogLimit;
use tokio::time::Instant;

/// Shortest time between two reports of one kind and network.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often the server looks for counts that are due.
pub(super) const REPORT_CHECK: Duration = Duration::from_secs(10);

/// Most pairs of kind and network that are counted separately. Others are counted by kind
/// alone.
const MAX_PAIRS: usize = 1024;

/// What happened to a connection.
///
/// [`as_str`](Self::as_str) gives the name for records and metrics. [`ServerStats::count`]
/// gives the number of events of one kind.
///
/// [`ServerStats::count`]: super::ServerStats::count
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ConnectionEventKind {
    /// Refused: its address has as many connections as
    /// [`connections_per_address`](super::Limits::connections_per_address) allows.
    AddressLimit,
    /// The client refused the certificate of the server.
    CertificateRefused,
    /// Closed while idle, because the server was full and a new connection came.
    ClosedForRoom,
    /// Closed: more HTTP/2 control frames than
    /// [`control_frames`](super::Limits::control_frames) allows.
    ControlFrameFlood,
    /// The TLS handshake failed, or the client left during it.
    HandshakeFailed,
    /// The TLS handshake took longer than
    /// [`handshake_timeout`](super::Limits::handshake_timeout).
    HandshakeTimeout,
    /// The head of a request took longer than
    /// [`header_timeout`](super::Limits::header_timeout), or no request came at all.
    HeaderTimeout,
    /// A request is not valid HTTP, or its head is too large. The server itself responds with
    /// 400, 414 or 431.
    MalformedRequest,
    /// The client violated HTTP/2 or TLS; the connection was closed.
    ProtocolError,
    /// The body of a request stopped or came too slowly: see
    /// [`body_timeout`](super::Limits::body_timeout).
    RequestBodyTimeout,
    /// Closed: more HTTP/2 stream resets than [`resets`](super::Limits::resets) allows.
    ResetFlood,
    /// A response was not read, or too slowly: see
    /// [`write_timeout`](super::Limits::write_timeout).
    ResponseTimeout,
    /// Refused: the server has as many connections as
    /// [`connections`](super::Limits::connections) allows, and none of them is idle.
    ServerLimit,
}

impl ConnectionEventKind {
    /// Every kind, in alphabetical order.
    pub const ALL: [Self; 13] = [
        Self::AddressLimit,
        Self::CertificateRefused,
        Self::ClosedForRoom,
        Self::ControlFrameFlood,
        Self::HandshakeFailed,
        Self::HandshakeTimeout,
        Self::HeaderTimeout,
        Self::MalformedRequest,
        Self::ProtocolError,
        Self::RequestBodyTimeout,
        Self::ResetFlood,
        Self::ResponseTimeout,
        Self::ServerLimit,
    ];

    /// Returns the name for audit records and metric labels, such as `reset_flood`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressLimit => "address_limit",
            Self::CertificateRefused => "certificate_refused",
            Self::ClosedForRoom => "closed_for_room",
            Self::ControlFrameFlood => "control_frame_flood",
            Self::HandshakeFailed => "handshake_failed",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HeaderTimeout => "header_timeout",
            Self::MalformedRequest => "malformed_request",
            Self::ProtocolError => "protocol_error",
            Self::RequestBodyTimeout => "request_body_timeout",
            Self::ResetFlood => "reset_flood",
            Self::ResponseTimeout => "response_timeout",
            Self::ServerLimit => "server_limit",
        }
    }

    /// Returns whether other clients are or may be affected. Such events are logged as
    /// warnings.
    const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::AddressLimit
                | Self::ClosedForRoom
                | Self::ControlFrameFlood
                | Self::ResetFlood
                | Self::ServerLimit
        )
    }
}

/// Events of one kind from one network, as reported to an observer.
///
/// The first event is reported at once. Those that follow are counted, and reported together
/// once per minute. [`Server::on_connection_event`](super::Server::on_connection_event)
/// registers an observer.
///
/// At most 1,024 pairs of kind and network are counted separately. If there are more, the
/// others share one event per kind, without a network. So an observer is called at most about
/// 1,040 times per minute. Counts that are left are reported when the server stops.
///
/// ```
/// use palisade_transport::server::{ConnectionEvent, Server};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("127.0.0.1:0".parse()?)?.on_connection_event(
///     |event: &ConnectionEvent| {
///         let network = event.network.map_or("many".to_owned(), |network| network.to_string());
///         println!("{} from {network}: {}", event.kind.as_str(), event.count);
///     },
/// );
/// # drop(server);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ConnectionEvent {
    /// What happened.
    pub kind: ConnectionEventKind,
    /// The network of the peer. `None` if too many networks are being counted.
    ///
    /// Behind a proxy it is the network of the proxy: the client is not known before a request
    /// is read.
    pub network: Option<ClientNetwork>,
    /// The number of events: 1 in the first report, then those since the last report.
    ///
    /// The counts of all reports add up to the number of events.
    pub count: u64,
    /// The time in which they happened; zero in the first report.
    pub interval: Duration,
}

/// The network of a peer: a /24 of IPv4, or a /64 of IPv6. Displays as `203.0.113.0/24`.
///
/// Events are counted by network, since an attacker often has many addresses in one.
///
/// ```
/// use palisade_transport::server::ClientNetwork;
///
/// let network = ClientNetwork::of("203.0.113.7".parse().unwrap());
/// assert_eq!(network.to_string(), "203.0.113.0/24");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// Returns the network of an address. An IPv4 address in IPv6 notation counts as IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) & (u32::MAX << 8)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64)).into(),
        })
    }

    /// Returns the first address of the network.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }

    /// Returns the length of the prefix: 24 or 64.
    #[must_use]
    pub fn prefix_length(self) -> u8 {
        if self.0.is_ipv4() { 24 } else { 64 }
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.prefix_length())
    }
}

pub(super) type Observer = Arc<dyn Fn(&ConnectionEvent) + Send + Sync>;

/// Counts the events of a server, logs them, and reports them to its observer.
pub(super) struct Events {
    observer: Option<Observer>,
    start: Instant,
    /// All events since the start, by kind.
    counts: [Counter; ConnectionEventKind::ALL.len()],
    /// Events that were not yet reported to the observer. Empty without an observer.
    pairs: Mutex<HashMap<Pair, Held>>,
}

type Pair = (ConnectionEventKind, Option<ClientNetwork>);

/// What was counted since the last report.
#[derive(Debug)]
struct Held {
    count: u64,
    since: Instant,
}

/// The events of one kind, and the limit of their log lines.
struct Counter {
    count: AtomicU64,
    log: LogLimit,
}

impl Events {
    /// Starts with all counts at 0.
    pub(super) fn new(observer: Option<Observer>) -> Arc<Self> {
        Arc::new(Self {
            observer,
            start: Instant::now(),
            counts: ConnectionEventKind::ALL.map(|_| Counter {
                count: AtomicU64::new(0),
                log: LogLimit::per_minute(),
            }),
            pairs: Mutex::default(),
        })
    }

    /// Counts an event, logs it if the limit allows, and reports it if it is the first.
    pub(super) fn note(&self, kind: ConnectionEventKind, peer: IpAddr) {
        let network = ClientNetwork::of(peer);
        if let Some(counter) = self.counter(kind) {
            counter.count.fetch_add(1, Ordering::Relaxed);
            if let Some(held_back) = counter.log.admit(self.start.elapsed()) {
                log(kind, network, held_back);
            }
        }
        let Some(observer) = &self.observer else {
            return;
        };
        if let Some(network) = self.begin_or_count(kind, network) {
            observer(&ConnectionEvent {
                kind,
                network,
                count: 1,
                interval: Duration::ZERO,
            });
        }
    }

    /// Counts an event that follows another. For a first one, returns the network to report.
    fn begin_or_count(
        &self,
        kind: ConnectionEventKind,
        network: ClientNetwork,
    ) -> Option<Option<ClientNetwork>> {
        let mut pairs = self.lock();
        let known = pairs.contains_key(&(kind, Some(network)));
        let network = (known || pairs.len() < MAX_PAIRS).then_some(network);
        if let Some(held) = pairs.get_mut(&(kind, network)) {
            held.count += 1;
            return None;
        }
        let since = Instant::now();
        pairs.insert((kind, network), Held { count: 0, since });
        Some(network)
    }

    /// Reports what was counted for at least a minute, and removes pairs without events since.
    pub(super) fn report_due(&self) {
        let now = Instant::now();
        self.report(|held| now.duration_since(held.since) >= INTERVAL);
    }

    /// Reports everything that was counted. Called when the server stops.
    pub(super) fn report_all(&self) {
        self.report(|_| true);
    }

    /// Reports the entries that are due. The observer runs without the lock.
    fn report(&self, is_due: impl Fn(&Held) -> bool) {
        let Some(observer) = &self.observer else {
            return;
        };
        let now = Instant::now();
        let mut due = Vec::new();
        self.lock().retain(|(kind, network), held| {
            if !is_due(held) {
                return true;
            }
            if held.count == 0 {
                return false;
            }
            due.push(ConnectionEvent {
                kind: *kind,
                network: *network,
                count: std::mem::take(&mut held.count),
                interval: now.duration_since(held.since),
            });
            held.since = now;
            true
        });
        due.iter().for_each(|event| observer(event));
    }

    /// Reports what is due, every 10 seconds, until the future is dropped.
    pub(super) async fn keep_reporting(&self) {
        let mut checks = tokio::time::interval(REPORT_CHECK);
        loop {
            checks.tick().await;
            self.report_due();
        }
    }

    /// Returns the number of events of a kind since the start.
    pub(super) fn count(&self, kind: ConnectionEventKind) -> u64 {
        self.counter(kind)
            .map_or(0, |counter| counter.count.load(Ordering::Relaxed))
    }

    /// Returns the counter of a kind.
    fn counter(&self, kind: ConnectionEventKind) -> Option<&Counter> {
        self.counts.get(kind as usize)
    }

    /// Every change of the table is one step, so a panic elsewhere cannot leave it
    /// inconsistent.
    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, Held>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Writes one log line: a warning if other clients may be affected, else a debug line.
fn log(kind: ConnectionEventKind, network: ClientNetwork, held_back: u64) {
    let kind_name = kind.as_str();
    if kind.is_warning() {
        tracing::warn!(kind = kind_name, %network, held_back, "a connection was refused or closed");
    } else {
        tracing::debug!(kind = kind_name, %network, held_back, "a connection failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: ConnectionEventKind = ConnectionEventKind::ResetFlood;

    fn recording() -> (Arc<Events>, Arc<Mutex<Vec<ConnectionEvent>>>) {
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let recorder = Arc::clone(&seen);
        let observer = move |event: &ConnectionEvent| recorder.lock().unwrap().push(*event);
        (Events::new(Some(Arc::new(observer))), seen)
    }

    fn address(network: u16) -> IpAddr {
        let [high, low] = network.to_be_bytes();
        [10, high, low, 1].into()
    }

    #[tokio::test(start_paused = true)]
    async fn many_events_of_one_network_are_one_report_and_a_count_each_minute() {
        let (events, seen) = recording();
        for last in 0..200 {
            events.note(KIND, [10, 0, 0, last].into());
        }
        events.report_due();
        assert_eq!(seen.lock().unwrap().len(), 1, "the first is told at once");
        tokio::time::advance(INTERVAL).await;
        events.report_due();
        events.report_due();
        let told: Vec<_> = seen
            .lock()
            .unwrap()
            .iter()
            .map(|event| event.count)
            .collect();
        assert_eq!(told, [1, 199]);
        assert_eq!(events.count(KIND), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn networks_without_end_fill_no_memory_and_are_still_counted() {
        let (events, seen) = recording();
        for network in 0..10_000 {
            events.note(KIND, address(network));
        }
        assert_eq!(events.lock().len(), MAX_PAIRS + 1);
        events.report_all();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(|event| event.count).sum::<u64>(), 10_000);
        assert!(seen.len() <= MAX_PAIRS + 2, "{}", seen.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_was_quiet_for_a_minute_is_forgotten() {
        let (events, _) = recording();
        events.note(KIND, address(1));
        tokio::time::advance(INTERVAL).await;
        events.report_due();
        assert!(events.lock().is_empty());
    }

    #[test]
    fn networks_are_a_24_of_ipv4_and_a_64_of_ipv6() {
        for (address, network) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ] {
            let found = ClientNetwork::of(address.parse().unwrap());
            assert_eq!(found.to_string(), network);
        }
    }

    #[test]
    fn every_kind_has_a_counter_and_a_name_of_its_own() {
        for (place, kind) in ConnectionEventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind:?}");
        }
        let mut names = ConnectionEventKind::ALL.map(ConnectionEventKind::as_str);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
