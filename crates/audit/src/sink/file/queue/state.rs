//! What the queue's lock protects.

use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    chain::Anchor,
    error::SinkUnavailable,
    record::{AuditEvent, RecordType, RequestRecord},
    sink::repeats::RepeatTable,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) items: VecDeque<QueuedRecord>,
    pub(super) asks: Vec<SyncRequest>,
    /// Room that is promised to requests that have begun.
    pub(super) reserved: usize,
    /// Asks ever made.
    pub(super) asked: u64,
    pub(super) losses: Losses,
    /// Losses that were handed to the writer already.
    pub(super) lost_before: u64,
    pub(super) failing: bool,
    /// Asks below this number were late: only a later success ends `failing`.
    pub(super) late_below: u64,
    pub(super) folds: RepeatTable,
    pub(super) lost_total: u64,
    pub(super) turned_away_total: u64,
    /// When everything that was written was safe, and when the last checkpoint was made, on the
    /// monotonic clock.
    pub(super) synced_at: Duration,
    pub(super) checkpoint_at: Option<Duration>,
    /// The disk is nearly full, and requests are to be refused before it is.
    pub(super) refuse_all: bool,
    /// Since when the writer is in a write or a sync, on the monotonic clock.
    pub(super) writing_since: Option<Duration>,
    /// It was logged that the disk hangs.
    pub(super) hanging: bool,
    pub(super) closing: bool,
    pub(super) closed: bool,
    pub(super) end: Result<(), SinkUnavailable>,
    pub(super) safe: Anchor,
    pub(super) sleep: WriterState,
}

impl State {
    pub(super) fn new(folds: RepeatTable) -> Self {
        Self {
            folds,
            lost_total: 0,
            turned_away_total: 0,
            synced_at: Duration::ZERO,
            checkpoint_at: None,
            refuse_all: false,
            items: VecDeque::new(),
            asks: Vec::new(),
            reserved: 0,
            asked: 0,
            losses: Losses::default(),
            lost_before: 0,
            failing: false,
            late_below: 0,
            writing_since: None,
            hanging: false,
            closing: false,
            closed: false,
            end: Ok(()),
            safe: Anchor::GENESIS,
            sleep: WriterState::Awake,
        }
    }
}

/// A record to be.
#[derive(Debug)]
pub(in crate::sink::file) enum QueuedRecord {
    Event(Arc<AuditEvent>),
    Request(Arc<RequestRecord>, RecordType),
}

/// A caller that waits until everything that was taken before is safe.
#[derive(Debug)]
pub(super) struct SyncRequest {
    pub(super) number: u64,
    pub(super) deadline: Option<Duration>,
    pub(super) answer: oneshot::Sender<Result<(), SinkUnavailable>>,
}

/// Requests without a record.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::sink::file) struct Losses {
    /// Events that are not requests.
    pub(in crate::sink::file) events: u64,
    /// They were served.
    pub(in crate::sink::file) dropped: u64,
    /// They were refused, because no record could be kept.
    pub(in crate::sink::file) turned_away: u64,
}

/// What the writer does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum WriterState {
    #[default]
    Awake,
    /// Sleeps for a moment, so that the next write is worth it.
    Gathering,
    /// Sleeps until there is something.
    Idle,
}

impl State {
    pub(super) fn used(&self) -> usize {
        self.items.len().saturating_add(self.reserved)
    }

    pub(super) fn ready(&self) -> Result<(), SinkUnavailable> {
        match self {
            Self { closed: true, .. } => Err(SinkUnavailable::Closed),
            Self { failing: true, .. } => Err(SinkUnavailable::Failing),
            _ => Ok(()),
        }
    }

    /// Releases reserved space. Returns whether there was any.
    pub(super) fn release(&mut self, records: usize) -> bool {
        let enough = self.reserved >= records;
        self.reserved = self.reserved.saturating_sub(records);
        enough
    }

    pub(super) fn push(&mut self, event: &Arc<RequestRecord>, form: RecordType) {
        self.items
            .push_back(QueuedRecord::Request(Arc::clone(event), form));
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.closing || !self.asks.is_empty()
    }

    /// Returns whether there is nothing to write.
    pub(super) fn is_still(&self) -> bool {
        self.items.is_empty() && self.losses == Losses::default()
    }

    /// Takes the sync requests that are complete now.
    pub(super) fn take_asks(&mut self, belongs: impl Fn(&SyncRequest) -> bool) -> Vec<SyncRequest> {
        let (taken, left) = self.asks.drain(..).partition(belongs);
        self.asks = left;
        taken
    }

    pub(super) fn take_losses(&mut self) -> Losses {
        let losses = mem::take(&mut self.losses);
        self.lost_total += losses.dropped + losses.events;
        self.turned_away_total += losses.turned_away;
        self.lost_before += losses.dropped + losses.turned_away + losses.events;
        losses
    }
}
