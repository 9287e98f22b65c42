//! Events in memory, for tests and for a page that shows the latest.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Sink;
use crate::Event;

const DEFAULT_CAPACITY: usize = 1024;

/// Keeps the latest events, 1024 of them by default. Clones share them.
///
/// ```
/// use palisade_audit::{AuditLayer, MemorySink};
///
/// let memory = MemorySink::new();
/// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
/// assert!(memory.events().is_empty());
/// # let _ = layer;
/// # Ok::<(), palisade_audit::AuditError>(())
/// ```
#[derive(Clone)]
pub struct MemorySink(Arc<Inner>);

struct Inner {
    capacity: usize,
    events: Mutex<VecDeque<Arc<Event>>>,
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
            events: Mutex::default(),
        }))
    }

    /// Returns the events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.lock().iter().cloned().collect()
    }

    /// Returns the events as lines of JSON, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.events().iter().map(|event| event.to_json()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
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
            .field("events", &self.lock().len())
            .finish()
    }
}

impl Sink for MemorySink {
    fn end(&self, event: &Arc<Event>) {
        let mut events = self.lock();
        events.push_back(Arc::clone(event));
        if events.len() > self.0.capacity {
            events.pop_front();
        }
    }
}
