//! Reports refused, closed and failed connections, without one log line for each.
//!
//! All parts of the server call `Events::note`. The log and the observer get the first event at
//! once and later ones as a count, so that a client cannot fill the log.
//!
//! # Bounds
//!
//! Counters per kind never fill. Pairs of kind and network are bounded; what does not fit is counted
//! by kind alone, so that no event is lost. The observer runs without any lock.

mod event;
mod kind;
mod network;

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_internal::log_limit::LogLimit;
use tokio::time::Instant;

pub use self::{event::ConnectionEvent, kind::ConnectionEventKind, network::ClientNetwork};

/// Shortest time between two reports of one kind and network.
///
/// A network that attacks for an hour is 60 lines in the audit trail, however many connections it
/// opens.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often the server looks for counts that are due.
pub(crate) const REPORT_CHECK: Duration = Duration::from_secs(10);

/// Most pairs of kind and network that are counted separately. Others are counted by kind
/// alone.
const MAX_PAIRS: usize = 1024;

pub(crate) type Observer = Arc<dyn Fn(&ConnectionEvent) + Send + Sync>;

/// Counts the events of a server, logs them, and reports them to its observer.
///
/// | to | first event of a pair | later ones |
/// |---|---|---|
/// | `ServerStats` | counted | counted |
/// | log | a line, if the limit of the kind allows | in `held_back` of a later line |
/// | observer | at once, with count 1 | together, once a minute |
pub(crate) struct Events {
    observer: Option<Observer>,
    start: Instant,
    /// All events since the start, by kind.
    counts: [Counter; ConnectionEventKind::ALL.len()],
    /// Events that were not yet reported to the observer. Empty without an observer.
    pairs: Mutex<HashMap<Pair, PendingCount>>,
}

type Pair = (ConnectionEventKind, Option<ClientNetwork>);

/// What was counted since the last report.
#[derive(Debug)]
struct PendingCount {
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
    pub(crate) fn new(observer: Option<Observer>) -> Arc<Self> {
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
    pub(crate) fn record(&self, kind: ConnectionEventKind, peer: IpAddr) {
        let network = ClientNetwork::of(peer);
        if let Some(counter) = self.counter(kind) {
            counter.count.fetch_add(1, Ordering::Relaxed);
            if let Some(held_back) = counter.log.admit(self.start.elapsed()) {
                log_event(kind, network, held_back);
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
    ///
    /// If the table is full, a new network is counted in the entry of its kind without a network. So
    /// the entries that are there stay exact, and the sum of all reports is the number of events.
    fn begin_or_count(
        &self,
        kind: ConnectionEventKind,
        network: ClientNetwork,
    ) -> Option<Option<ClientNetwork>> {
        let mut pairs = self.lock();
        let known = pairs.contains_key(&(kind, Some(network)));
        let network = (known || pairs.len() < MAX_PAIRS).then_some(network);
        if let Some(pending) = pairs.get_mut(&(kind, network)) {
            pending.count += 1;
            return None;
        }
        let since = Instant::now();
        pairs.insert((kind, network), PendingCount { count: 0, since });
        Some(network)
    }

    /// Reports what was counted for at least a minute, and removes pairs without events since.
    pub(crate) fn report_due(&self) {
        let now = Instant::now();
        self.report(|pending| now.duration_since(pending.since) >= INTERVAL);
    }

    /// Reports everything that was counted. Called when the server stops.
    pub(crate) fn report_all(&self) {
        self.report(|_| true);
    }

    /// Reports the entries that are due. The observer runs without the lock.
    fn report(&self, is_due: impl Fn(&PendingCount) -> bool) {
        let Some(observer) = &self.observer else {
            return;
        };
        let now = Instant::now();
        let mut due = Vec::new();
        self.lock().retain(|(kind, network), pending| {
            if !is_due(pending) {
                return true;
            }
            if pending.count == 0 {
                return false;
            }
            due.push(ConnectionEvent {
                kind: *kind,
                network: *network,
                count: std::mem::take(&mut pending.count),
                interval: now.duration_since(pending.since),
            });
            pending.since = now;
            true
        });
        due.iter().for_each(|event| observer(event));
    }

    /// Reports what is due, every 10 seconds, until the future is dropped.
    pub(crate) async fn keep_reporting(&self) {
        let mut checks = tokio::time::interval(REPORT_CHECK);
        loop {
            checks.tick().await;
            self.report_due();
        }
    }

    /// Returns the number of events of a kind since the start.
    pub(crate) fn count(&self, kind: ConnectionEventKind) -> u64 {
        self.counter(kind)
            .map_or(0, |counter| counter.count.load(Ordering::Relaxed))
    }

    /// Returns the counter of a kind.
    fn counter(&self, kind: ConnectionEventKind) -> Option<&Counter> {
        self.counts.get(kind as usize)
    }

    /// Every change of the table is one step, so a panic elsewhere cannot leave it
    /// inconsistent.
    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, PendingCount>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Writes one log line: a warning if other clients may be affected, else a debug line.
fn log_event(kind: ConnectionEventKind, network: ClientNetwork, held_back: u64) {
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
            events.record(KIND, [10, 0, 0, last].into());
        }
        events.report_due();
        assert_eq!(
            seen.lock().unwrap().len(),
            1,
            "the first is reported at once"
        );
        tokio::time::advance(INTERVAL).await;
        events.report_due();
        events.report_due();
        let counts: Vec<_> = seen
            .lock()
            .unwrap()
            .iter()
            .map(|event| event.count)
            .collect();
        assert_eq!(counts, [1, 199]);
        assert_eq!(events.count(KIND), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn networks_without_end_fill_no_memory_and_are_still_counted() {
        let (events, seen) = recording();
        for network in 0..10_000 {
            events.record(KIND, address(network));
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
        events.record(KIND, address(1));
        tokio::time::advance(INTERVAL).await;
        events.report_due();
        assert!(events.lock().is_empty());
    }
}
