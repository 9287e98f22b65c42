//! Keeps the latest records in memory, for tests and for a page that shows the latest requests.
//!
//! The memory is bounded by a number of records. The oldest record is removed for a new one.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Sink;
use crate::record::{AuditEvent, RequestRecord};

/// The number of records that [`MemorySink::new`] keeps.
const DEFAULT_CAPACITY: usize = 1024;

/// Keeps the latest records in memory: 1024 by default. Clones share them.
///
/// For tests, and for a page that shows the latest requests. When it is full, the oldest record is
/// removed. It never refuses a request.
///
/// ```
/// use palisade_audit::{AuditEvent, AuditLayer, MemorySink, event_id};
///
/// let memory = MemorySink::with_capacity(2);
/// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
/// for _ in 0..3 {
///     layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED));
/// }
/// assert_eq!(memory.events().len(), 2);
/// assert!(memory.requests().is_empty());
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone)]
pub struct MemorySink(Arc<Inner>);

/// What all clones share.
struct Inner {
    /// The most records that are kept.
    capacity: usize,
    /// The records, oldest first.
    entries: Mutex<VecDeque<Entry>>,
}

/// A record.
#[derive(Clone)]
enum Entry {
    Event(Arc<AuditEvent>),
    Request(Arc<RequestRecord>),
}

impl MemorySink {
    /// Returns an empty sink with space for 1024 records.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// Returns an empty sink with space for this many records.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditEvent, AuditLayer, MemorySink};
    ///
    /// let memory = MemorySink::with_capacity(2);
    /// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
    /// for id in ["app.first", "app.second", "app.third"] {
    ///     layer.record(AuditEvent::new(id));
    /// }
    /// let ids: Vec<_> = memory.events().iter().map(|event| event.id()).collect();
    /// assert_eq!(ids, ["app.second", "app.third"]);
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    ///
    /// ```
    /// use palisade_audit::{AuditEvent, AuditLayer, MemorySink, event_id};
    ///
    /// let memory = MemorySink::with_capacity(1);
    /// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
    /// layer.record(AuditEvent::new(event_id::SERVICE_STARTED));
    /// layer.record(AuditEvent::new(event_id::SERVICE_STOPPING));
    /// // The older record is gone.
    /// assert_eq!(memory.lines().len(), 1);
    /// assert!(memory.lines()[0].contains("service.stopping"));
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            capacity,
            entries: Mutex::default(),
        }))
    }

    /// Returns the records of requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<RequestRecord>> {
        let requests = |entry: &Entry| match entry {
            Entry::Request(event) => Some(Arc::clone(event)),
            Entry::Event(_) => None,
        };
        self.lock().iter().filter_map(requests).collect()
    }

    /// Returns the events that are not requests, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<AuditEvent>> {
        let events = |entry: &Entry| match entry {
            Entry::Event(event) => Some(Arc::clone(event)),
            Entry::Request(_) => None,
        };
        self.lock().iter().filter_map(events).collect()
    }

    /// Returns requests and events as lines of JSON, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let entries: Vec<Entry> = self.lock().iter().cloned().collect();
        let line = |entry: &Entry| match entry {
            Entry::Event(event) => event.to_json(),
            Entry::Request(event) => event.to_json(),
        };
        entries.iter().map(line).collect()
    }

    /// Adds a record, and removes the oldest one if there is no space.
    fn push(&self, entry: Entry) {
        let mut entries = self.lock();
        entries.push_back(entry);
        if entries.len() > self.0.capacity {
            entries.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink")
            .field("capacity", &self.0.capacity)
            .field("entries", &self.lock().len())
            .finish()
    }
}

impl Sink for MemorySink {
    fn record_request(&self, event: &Arc<RequestRecord>) {
        self.push(Entry::Request(Arc::clone(event)));
    }

    fn record_event(&self, event: &Arc<AuditEvent>) {
        self.push(Entry::Event(Arc::clone(event)));
    }
}
