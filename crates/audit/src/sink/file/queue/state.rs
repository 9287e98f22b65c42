//! The state that the lock of the queue protects.
//!
//! [`State`] has the records that wait, the callers that wait for a sync, and the counters from
//! which metrics and `lost` records are made.

use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::group_commit::GroupCommit;
use crate::{
    chain::Anchor,
    error::SinkUnavailable,
    record::{AuditEvent, RecordType, RequestRecord},
    sink::repeats::RepeatTable,
};

/// Everything that requests, writer thread and watchdog share.
#[derive(Debug)]
pub(super) struct State {
    /// Records that the writer has not taken yet, in the order in which they came.
    pub(super) items: VecDeque<QueuedRecord>,
    /// Records that the writer has encoded, for requests to free: see [`Queue::give_back`].
    ///
    /// [`Queue::give_back`]: super::Queue::give_back
    pub(super) encoded: Vec<Arc<RequestRecord>>,
    /// Callers that wait until their records are safe.
    pub(super) sync_requests: Vec<SyncRequest>,
    /// Space, in records, that is reserved for requests that have started. Used in fail-closed mode
    /// only.
    pub(super) reserved: usize,
    /// The number of the next sync request; it equals how many were made.
    pub(super) sync_requests_made: u64,
    /// Losses since the writer last took them.
    pub(super) losses: Losses,
    /// Losses that were handed to the writer already.
    pub(super) lost_before: u64,
    /// The last attempt to write failed, or a response waited too long. Heads are then refused at
    /// once.
    pub(super) failing: bool,
    /// Sync requests below this number missed their deadline. `failing` ends when they have
    /// succeeded.
    pub(super) late_below: u64,
    /// Counts repeated refusals and connection events.
    pub(super) folds: RepeatTable,
    /// Records and events that were dropped since the start, for the metrics.
    pub(super) lost_total: u64,
    /// Requests that were refused since the start, for the metrics.
    pub(super) turned_away_total: u64,
    /// When everything written was last safe, on the monotonic clock.
    pub(super) synced_at: Duration,
    /// When the last checkpoint was made, on the monotonic clock. `None` without checkpoints.
    pub(super) checkpoint_at: Option<Duration>,
    /// The disk is nearly full, and the operator chose to refuse requests before it is.
    pub(super) refuse_all: bool,
    /// When the current write or sync began, on the monotonic clock. `None` between attempts.
    pub(super) writing_since: Option<Duration>,
    /// How long the last write or sync took.
    pub(super) last_attempt: Duration,
    /// How long the writer waits for more callers before a sync.
    pub(super) group: GroupCommit,
    /// Whether it was logged that the disk does not respond.
    pub(super) hanging: bool,
    /// A close was asked for; the writer has not finished yet.
    pub(super) closing: bool,
    /// The writer has ended. Nothing is taken any more.
    pub(super) closed: bool,
    /// The result of the close, returned to each later call of it.
    pub(super) end: Result<(), SinkUnavailable>,
    /// The last record that is safe on the disk.
    pub(super) safe: Anchor,
    /// What the writer thread does, which decides whether it must be woken.
    pub(super) sleep: WriterState,
}

impl State {
    /// Returns the state of a queue that is open, empty and not failing.
    pub(super) fn new(folds: RepeatTable) -> Self {
        Self {
            folds,
            lost_total: 0,
            turned_away_total: 0,
            synced_at: Duration::ZERO,
            checkpoint_at: None,
            refuse_all: false,
            items: VecDeque::new(),
            encoded: Vec::new(),
            sync_requests: Vec::new(),
            reserved: 0,
            sync_requests_made: 0,
            losses: Losses::default(),
            lost_before: 0,
            failing: false,
            late_below: 0,
            writing_since: None,
            last_attempt: Duration::ZERO,
            group: GroupCommit::default(),
            hanging: false,
            closing: false,
            closed: false,
            end: Ok(()),
            safe: Anchor::GENESIS,
            sleep: WriterState::Awake,
        }
    }
}

/// A record that waits for the writer. It is encoded on the writer thread, not by the request.
#[derive(Debug)]
pub(in crate::sink::file) enum QueuedRecord {
    /// An event that is not a request.
    Event(Arc<AuditEvent>),
    /// A request, and which of its records this is.
    Request(Arc<RequestRecord>, RecordType),
}

/// A caller that waits until everything that was taken before is safe on the disk.
#[derive(Debug)]
pub(super) struct SyncRequest {
    /// Its number. The writer answers all numbers below [`Batch::below`](super::Batch::below).
    pub(super) number: u64,
    /// When the wait ends with an error, on the monotonic clock. `None` for a flush or a close.
    pub(super) deadline: Option<Duration>,
    /// Receives the result. If the caller is gone, the result is dropped.
    pub(super) response: oneshot::Sender<Result<(), SinkUnavailable>>,
}

/// Counts of requests and events that have no record.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::sink::file) struct Losses {
    /// Events that are not requests.
    pub(in crate::sink::file) events: u64,
    /// Requests that were served without a record.
    pub(in crate::sink::file) dropped: u64,
    /// Requests that were refused because no record could be kept.
    pub(in crate::sink::file) turned_away: u64,
}

/// What the writer thread does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum WriterState {
    /// It works, and looks for more records by itself.
    #[default]
    Awake,
    /// It sleeps for a moment, until those who may come wait too: see [`GroupCommit`].
    Collecting,
    /// It sleeps a few milliseconds, so that the next write has more records.
    Gathering,
    /// It sleeps until a record comes or a time limit ends.
    Idle,
}

impl State {
    /// Returns the used space in records: waiting ones and reserved ones.
    pub(super) fn used(&self) -> usize {
        self.items.len().saturating_add(self.reserved)
    }

    /// Returns whether the sink can take records that a response waits for.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable::Closed`] after the end, [`SinkUnavailable::Failing`] while writing fails.
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

    /// Adds a record of a request, whether or not there is space. The caller has checked that.
    pub(super) fn push(&mut self, event: &Arc<RequestRecord>, form: RecordType) {
        self.items
            .push_back(QueuedRecord::Request(Arc::clone(event), form));
    }

    /// Takes up to two records that were encoded, for the caller to free after the lock.
    pub(super) fn take_encoded(&mut self) -> [Option<Arc<RequestRecord>>; 2] {
        [self.encoded.pop(), self.encoded.pop()]
    }

    /// Returns whether a caller waits: the writer must not gather records first.
    pub(super) fn is_urgent(&self) -> bool {
        self.closing || !self.sync_requests.is_empty()
    }

    /// Returns whether there is nothing to write.
    pub(super) fn is_still(&self) -> bool {
        self.items.is_empty() && self.losses == Losses::default()
    }

    /// Takes the sync requests that are complete now.
    pub(super) fn take_sync_requests(
        &mut self,
        belongs: impl Fn(&SyncRequest) -> bool,
    ) -> Vec<SyncRequest> {
        let (taken, left) = self.sync_requests.drain(..).partition(belongs);
        self.sync_requests = left;
        taken
    }

    /// Takes the losses since the last call and adds them to the totals.
    pub(super) fn take_losses(&mut self) -> Losses {
        let losses = mem::take(&mut self.losses);
        self.lost_total += losses.dropped + losses.events;
        self.turned_away_total += losses.turned_away;
        self.lost_before += losses.dropped + losses.turned_away + losses.events;
        losses
    }
}
