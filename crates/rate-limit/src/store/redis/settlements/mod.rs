//! A bounded queue of settlements and penalties for the server, merged by bucket.
//!
//! Requests push without waiting. A background task takes batches and reports the outcome of each.
//! When the queue is full, `push` returns false: the caller counts the loss, logs it once a minute,
//! and treats it strictly. There are two queues, so that penalties never wait behind settlements.

mod pending_units;
mod queue_key;

use std::{
    collections::VecDeque,
    hash::RandomState,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::{HashMap, hash_map};
use tokio::sync::Notify;

pub(crate) use self::pending_units::PendingUnits;
pub(super) use self::queue_key::QueueKey;
use super::{connection::DeliveryOutcome, status_changes::StatusChanges};
use crate::{policy::Limit, store::BucketKey};

/// The memory of a queued bucket in bytes: its entry and its position in the order, each twice,
/// because both containers double when they grow.
const BYTES_PER_BUCKET: usize = 2 * (size_of::<(QueueKey, QueuedBucket)>() + size_of::<QueueKey>());

/// Settlements that wait for the server, added up for each bucket.
///
/// Penalties, settlements and what a node admitted alone have a queue each, so that penalties never wait behind
/// the others. A queue is bounded by the number of its buckets: settlements of a bucket that waits already take no
/// further memory.
pub(super) struct SettlementQueue {
    /// The most buckets.
    capacity: usize,
    /// What waits, under one lock.
    pending: Mutex<Pending>,
    /// Wakes the task that sends.
    changed: Notify,
    /// Announces that nothing waits any more.
    emptied: StatusChanges,
}

/// The content of a queue.
#[derive(Default)]
struct Pending {
    /// The settlements of each bucket that has some.
    buckets: HashMap<QueueKey, QueuedBucket, RandomState>,
    /// Buckets with something to send, the oldest first.
    order: VecDeque<QueueKey>,
    /// Settlements that wait or are being sent, for the gauge.
    settlements: u64,
    /// The store is stopped: nothing more is taken.
    closed: bool,
}

/// The settlements of one bucket: those that wait, and those that are being sent.
struct QueuedBucket {
    /// Needed to send: it has the price of the units.
    limit: Arc<Limit>,
    /// What came since the last delivery.
    waiting: PendingUnits,
    /// What is being sent. Added to what waits if the delivery fails.
    sent: PendingUnits,
    /// Whether the bucket is in the order already.
    queued: bool,
    /// The bucket was reset by an operator: what was charged before is not sent any more.
    forgotten: bool,
}

/// The settlements of one bucket, ready to be sent.
pub(super) struct QueuedSettlement {
    /// The bucket in the queue, to say how the delivery ended.
    pub(super) name: QueueKey,
    /// The limit with the price of the units.
    pub(super) limit: Arc<Limit>,
    /// The units to charge and to refund.
    pub(super) amount: PendingUnits,
}

/// Settlements that are lost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Undelivered {
    /// Charges that the server will never know of.
    pub(super) charges: u32,
    /// Refunds that the client does not get back.
    pub(super) refunds: u32,
}

impl SettlementQueue {
    /// Makes a queue with this memory in bytes.
    pub(super) fn with_memory(bytes: usize, emptied: StatusChanges) -> Self {
        Self {
            capacity: (bytes / BYTES_PER_BUCKET).max(1),
            pending: Mutex::default(),
            changed: Notify::new(),
            emptied,
        }
    }

    /// Makes a queue for this number of buckets.
    pub(super) fn with_buckets(buckets: usize, emptied: StatusChanges) -> Self {
        Self::with_memory(buckets.saturating_mul(BYTES_PER_BUCKET), emptied)
    }

    /// Adds units that only this node knows of, or takes back some that still wait.
    ///
    /// In contrast to [`push`](Self::push) the difference is what counts: what is taken back was
    /// added here before. What was sent already stays charged. Returns `false` if there is no space.
    pub(super) fn push_net(&self, limit: &Arc<Limit>, bucket: BucketKey, units: i64) -> bool {
        if units > 0 {
            return self.push(limit, bucket, units);
        }
        let mut pending = self.lock();
        if let Some(entry) = pending.buckets.get_mut(&QueueKey::of(limit, bucket)) {
            let waiting = &mut entry.waiting;
            waiting.charge = waiting.charge.saturating_sub(units.unsigned_abs());
        }
        true
    }

    /// Adds a settlement, unless there is no space for another bucket.
    ///
    /// Refunds may fill three quarters of the queue, because the loss of a charge does more harm.
    pub(super) fn push(&self, limit: &Arc<Limit>, bucket: BucketKey, units: i64) -> bool {
        let capacity = match units < 0 {
            true => self.capacity - self.capacity / 4,
            false => self.capacity,
        };
        let mut pending = self.lock();
        let full = pending.buckets.len() >= capacity;
        let name = QueueKey::of(limit, bucket);
        let Pending {
            buckets,
            order,
            settlements,
            ..
        } = &mut *pending;
        let entry = match buckets.entry(name) {
            hash_map::Entry::Vacant(_) if full => return false,
            hash_map::Entry::Vacant(place) => place.insert(QueuedBucket::new(limit)),
            hash_map::Entry::Occupied(place) => place.into_mut(),
        };
        let amount = PendingUnits::of(units);
        entry.waiting.merge(amount);
        *settlements += amount.settlements();
        if !std::mem::replace(&mut entry.queued, true) {
            order.push_back(name);
        }
        drop(pending);
        self.changed.notify_one();
        true
    }

    /// Returns how many settlements have not arrived yet.
    pub(super) fn settlements(&self) -> u64 {
        self.lock().settlements
    }

    /// Tells whether anything of a bucket has not been delivered, under any limit of this name.
    pub(super) fn is_pending(&self, limit: &Arc<Limit>, bucket: BucketKey) -> bool {
        self.lock()
            .buckets
            .contains_key(&QueueKey::of(limit, bucket).bucket_name())
    }

    /// Removes what waits for a bucket under any limit of its name (of a tier, of an override, or from before a
    /// reload), and what is being sent if it would have to be sent again.
    ///
    /// Called when an operator resets a bucket: a charge from before must not come back afterwards. Looks at all
    /// buckets, which an operator can wait for.
    pub(super) fn forget(&self, limit: &Arc<Limit>, bucket: BucketKey) {
        let name = QueueKey::of(limit, bucket).bucket_name();
        let mut pending = self.lock();
        let mut dropped = 0;
        for (key, entry) in &mut pending.buckets {
            if key.bucket_name() == name {
                dropped += std::mem::take(&mut entry.waiting).settlements();
                entry.forgotten = !entry.sent.is_empty();
            }
        }
        self.subtract(&mut pending.settlements, dropped);
    }

    /// Waits until there is something to send. Returns false when the queue is closed.
    pub(super) async fn wait(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            {
                let pending = self.lock();
                if pending.closed {
                    return false;
                }
                if !pending.order.is_empty() {
                    return true;
                }
            }
            changed.await;
        }
    }

    /// Closes the queue, which ends its background task.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Takes the oldest buckets to be sent, at most this number. [`finish`](Self::finish) must follow for each.
    ///
    /// What is added to a bucket meanwhile waits for the next batch, so that one bucket is never sent twice at
    /// the same time.
    pub(super) fn take(&self, most: usize) -> Vec<QueuedSettlement> {
        let mut pending = self.lock();
        let Pending { buckets, order, .. } = &mut *pending;
        let mut batch = Vec::with_capacity(most.min(order.len()));
        while batch.len() < most
            && let Some(name) = order.pop_front()
        {
            let hash_map::Entry::Occupied(mut place) = buckets.entry(name) else {
                continue;
            };
            let entry = place.get_mut();
            entry.queued = false;
            if entry.waiting.is_empty() {
                if entry.sent.is_empty() {
                    place.remove();
                }
                continue;
            }
            entry.sent = std::mem::take(&mut entry.waiting);
            batch.push(QueuedSettlement {
                name,
                limit: Arc::clone(&entry.limit),
                amount: entry.sent,
            });
        }
        batch
    }

    /// Records the outcome of a bucket's settlements, keeps what must be sent again, and returns
    /// what is lost.
    ///
    /// [`PendingUnits::to_send_again`] has the rule.
    pub(super) fn finish(&self, name: &QueueKey, delivery: DeliveryOutcome) -> Undelivered {
        let mut pending = self.lock();
        let Pending {
            buckets,
            order,
            settlements,
            ..
        } = &mut *pending;
        let hash_map::Entry::Occupied(mut place) = buckets.entry(*name) else {
            return Undelivered::default();
        };
        let entry = place.get_mut();
        let sent = std::mem::take(&mut entry.sent);
        let forgotten = std::mem::take(&mut entry.forgotten);
        let again = match forgotten {
            true => PendingUnits::default(),
            false => sent.to_send_again(delivery),
        };
        entry.waiting.merge(again);
        let over = sent.settlements().saturating_sub(again.settlements());
        self.subtract(settlements, over);
        if entry.waiting.is_empty() {
            // A name that is still in the order is skipped there.
            place.remove();
        } else if !std::mem::replace(&mut entry.queued, true) {
            order.push_back(*name);
        }
        if forgotten || delivery == DeliveryOutcome::Done {
            return Undelivered::default();
        }
        Undelivered {
            charges: sent.charges.saturating_sub(again.charges),
            refunds: sent.refunds.saturating_sub(again.refunds),
        }
    }

    /// Subtracts settlements that are over, and announces that none is left.
    fn subtract(&self, settlements: &mut u64, over: u64) {
        *settlements = settlements.saturating_sub(over);
        if *settlements == 0 {
            self.emptied.announce();
        }
    }

    /// Locks the queue, also after a panic in another thread.
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueuedBucket {
    /// Begins with nothing to send.
    fn new(limit: &Arc<Limit>) -> Self {
        Self {
            limit: Arc::clone(limit),
            waiting: PendingUnits::default(),
            sent: PendingUnits::default(),
            queued: false,
            forgotten: false,
        }
    }
}

#[cfg(test)]
mod tests;
