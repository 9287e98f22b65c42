//! Events in memory, for tests and for a page that shows the latest.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Sink;
use crate::{AuditEvent, RequestRecord};

const DEFAULT_CAPACITY: usize = 1024;

/// Keeps the latest events, 1024 of them by default. Clones share them.
///
/// ```
/// use palisade_audit::{AuditLayer, MemorySink};
///
/// let memory = MemorySink::new();
/// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
/// assert!(memory.requests().is_empty());
/// # let _ = layer;
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone)]
pub struct MemorySink(Arc<Inner>);

struct Inner {
    capacity: usize,
    entries: Mutex<VecDeque<Entry>>,
}

#[derive(Clone)]
enum Entry {
    Event(Arc<AuditEvent>),
    Request(Arc<RequestRecord>),
}

impl MemorySink {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// Makes an empty one that keeps so many events.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            capacity,
            entries: Mutex::default(),
        }))
    }

    /// Returns the requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<RequestRecord>> {
        let requests = |entry: &Entry| match entry {
            Entry::Request(event) => Some(Arc::clone(event)),
            Entry::Event(_) => None,
        };
        self.lock().iter().filter_map(requests).collect()
    }

    /// Returns the events that are no request, oldest first.
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
