//! What the server said about ids a moment ago: bounded in number and in time.
//!
//! A record has a revision, which grows with each change. What this process has seen or written is never replaced
//! by something older: such a reply was late, or somebody put old bytes back.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{key::KeyId, record::KeyRecord};

/// What is known of an id: its record, or that there is none.
type Known = Option<Arc<KeyRecord>>;

/// Replies of the server. Ids without a record have places of their own, so that invented ones displace no key.
pub(super) struct KeyCache {
    replies: Arc<SeenReplies>,
    lifetime: Duration,
}

/// What the server said, which a store may take over from the one before.
pub(super) struct SeenReplies {
    found: Mutex<Replies>,
    unknown: Mutex<Replies>,
}

struct Replies {
    capacity: usize,
    by_id: HashMap<KeyId, Reply>,
    order: VecDeque<(KeyId, Duration)>,
}

struct Reply {
    /// Also of a reply that is not used any more: it has the time of last use.
    known: Known,
    /// The largest revision of this id that was seen. 0: there was no record.
    revision: u64,
    /// When the server was asked.
    asked: Duration,
    /// `false`: this process changed the record since, so the server must be asked.
    is_current: bool,
}

/// A reply is older than what this process has seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct OlderReply;

impl Replies {
    fn new(capacity: usize) -> Mutex<Self> {
        Mutex::new(Self {
            capacity,
            by_id: HashMap::new(),
            order: VecDeque::new(),
        })
    }

    fn put(&mut self, id: KeyId, reply: Reply) {
        self.order.push_back((id, reply.asked));
        self.by_id.insert(id, reply);
        self.remove_oldest();
    }

    fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.remove_oldest();
    }

    fn remove_oldest(&mut self) {
        // An entry of the order that was replaced or removed is dropped without effect.
        while self.by_id.len() > self.capacity || self.order.len() > self.capacity * 2 {
            let Some((oldest, asked)) = self.order.pop_front() else {
                break;
            };
            if self.by_id.get(&oldest).is_some_and(|it| it.asked == asked) {
                self.by_id.remove(&oldest);
            }
        }
    }
}

impl KeyCache {
    pub(super) fn new(capacity: usize, unknown: usize, lifetime: Duration) -> Self {
        let replies = Arc::new(SeenReplies {
            found: Replies::new(capacity),
            unknown: Replies::new(unknown),
        });
        Self { replies, lifetime }
    }

    /// Goes on with what another cache has seen, which goes on with what this one sees.
    pub(super) fn going_on(replies: Arc<SeenReplies>, capacity: usize, lifetime: Duration) -> Self {
        let mut found = lock(&replies.found);
        found.set_capacity(capacity);
        // Only the revisions stay. Records are asked for again, and their digests are renewed under other peppers.
        for reply in found.by_id.values_mut() {
            reply.known = None;
            reply.is_current = false;
        }
        drop(found);
        Self { replies, lifetime }
    }

    pub(super) fn replies(&self) -> Arc<SeenReplies> {
        Arc::clone(&self.replies)
    }

    /// Returns what is known. `None`: the server must be asked.
    pub(super) fn get(&self, id: KeyId, now: Duration) -> Option<Known> {
        let read = |replies: &Mutex<Replies>| {
            let replies = lock(replies);
            let reply = replies.by_id.get(&id)?;
            let is_fresh = now.saturating_sub(reply.asked) < self.lifetime;
            (reply.is_current && is_fresh).then(|| reply.known.clone())
        };
        read(&self.replies.found).or_else(|| read(&self.replies.unknown))
    }

    /// Keeps a record with its revision, which answers a question of the time `asked`. It keeps the time of last use
    /// of an older one.
    pub(super) fn put(
        &self,
        mut record: KeyRecord,
        revision: u64,
        asked: Duration,
    ) -> Result<Arc<KeyRecord>, OlderReply> {
        let id = record.id();
        lock(&self.replies.unknown).by_id.remove(&id);
        let mut found = lock(&self.replies.found);
        let mut latest = asked;
        if let Some(seen) = found.by_id.get(&id) {
            if revision < seen.revision {
                return Err(OlderReply);
            }
            if let Some(older) = &seen.known {
                record.used = older.used.clone();
            }
            latest = asked.max(seen.asked);
        }
        let record = Arc::new(record);
        let reply = Reply {
            known: Some(Arc::clone(&record)),
            revision,
            asked: latest,
            is_current: true,
        };
        found.put(id, reply);
        Ok(record)
    }

    /// Keeps that there is no record. `asked_again` is the time of a second question, after an [`OlderReply`]: this
    /// process knew a record, and the first reply may have been late.
    pub(super) fn put_none(
        &self,
        id: KeyId,
        asked: Duration,
        asked_again: bool,
    ) -> Result<(), OlderReply> {
        let none = |revision| Reply {
            known: None,
            revision,
            asked,
            is_current: true,
        };
        let mut found = lock(&self.replies.found);
        let Some(seen) = found.by_id.get(&id) else {
            drop(found);
            lock(&self.replies.unknown).put(id, none(0));
            return Ok(());
        };
        if !asked_again && (seen.known.is_some() || !seen.is_current) {
            return Err(OlderReply);
        }
        // It keeps the revision: a record that was removed does not come back as an older one.
        let reply = none(seen.revision);
        found.put(id, reply);
        Ok(())
    }

    /// Notes that this process changed a record, or could not: the next request asks the server, and no reply with a
    /// smaller revision counts.
    pub(super) fn outdate(&self, id: KeyId, revision: u64, now: Duration) {
        lock(&self.replies.unknown).by_id.remove(&id);
        let mut found = lock(&self.replies.found);
        if let Some(seen) = found.by_id.get_mut(&id) {
            seen.revision = seen.revision.max(revision);
            seen.is_current = false;
            return;
        }
        let reply = Reply {
            known: None,
            revision,
            asked: now,
            is_current: false,
        };
        found.put(id, reply);
    }
}

fn lock(replies: &Mutex<Replies>) -> std::sync::MutexGuard<'_, Replies> {
    replies.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, Grant, KeyScheme, Pepper};

    const SECOND: Duration = Duration::from_secs(1);

    fn record() -> KeyRecord {
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let minted = scheme.mint(Grant::new(Environment::Live), SECOND).unwrap();
        minted.record().clone()
    }

    #[test]
    fn a_reply_is_used_for_its_time_and_not_a_moment_longer() {
        let (cache, record) = (KeyCache::new(8, 8, SECOND), record());
        cache.put(record.clone(), 1, SECOND).unwrap();
        let moment = Duration::from_nanos(1);
        assert!(cache.get(record.id(), 2 * SECOND - moment).is_some());
        assert!(cache.get(record.id(), 2 * SECOND).is_none());
    }

    #[test]
    fn a_late_reply_replaces_nothing_that_this_process_wrote() {
        let (cache, record) = (KeyCache::new(8, 8, SECOND), record());
        let id = record.id();
        // A question of before the insertion, whose reply comes after it.
        cache.outdate(id, 1, SECOND);
        assert_eq!(cache.put_none(id, SECOND, false), Err(OlderReply));
        cache.put(record.clone(), 1, SECOND).unwrap();
        assert!(cache.get(id, SECOND).is_some());
        // The same with a revocation.
        cache.outdate(id, 2, SECOND);
        assert!(cache.get(id, SECOND).is_none(), "the server is asked");
        let late = cache.put(record.clone(), 1, SECOND);
        assert_eq!(late.unwrap_err(), OlderReply);
        assert!(cache.get(id, SECOND).is_none());
        cache
            .put(record.clone().revoked(SECOND), 2, SECOND)
            .unwrap();
        let known = cache.get(id, SECOND).unwrap().unwrap();
        assert!(known.revoked_at().is_some());
    }

    #[test]
    fn the_time_of_last_use_is_kept_over_a_change_of_this_process() {
        let (cache, record) = (KeyCache::new(8, 8, SECOND), record());
        let first = cache.put(record.clone(), 1, SECOND).unwrap();
        first.used.note_use(5 * SECOND);
        assert!(first.used.take_renewal());
        cache.outdate(record.id(), 2, SECOND);
        let second = cache.put(record, 2, SECOND).unwrap();
        assert_eq!(second.last_used(), Some(5 * SECOND));
        assert!(!second.used.take_renewal(), "once in this process");
    }

    #[test]
    fn a_record_that_was_removed_does_not_come_back_older() {
        let (cache, record) = (KeyCache::new(8, 8, SECOND), record());
        cache.put(record.clone(), 3, SECOND).unwrap();
        assert_eq!(cache.put_none(record.id(), SECOND, false), Err(OlderReply));
        cache.put_none(record.id(), SECOND, true).unwrap();
        assert!(matches!(cache.get(record.id(), SECOND), Some(None)));
        assert!(cache.put(record.clone(), 2, SECOND).is_err());
        assert!(cache.put(record, 3, SECOND).is_ok());
    }

    #[test]
    fn it_is_bounded_and_invented_ids_displace_no_key() {
        let (cache, record) = (KeyCache::new(2, 4, SECOND), record());
        cache.put(record.clone(), 1, SECOND).unwrap();
        for _ in 0..100 {
            let invented = KeyId::random().unwrap();
            cache.put_none(invented, SECOND, false).unwrap();
        }
        assert!(matches!(cache.get(record.id(), SECOND), Some(Some(_))));
        for _ in 0..100 {
            cache.outdate(record.id(), 1, SECOND);
            cache.put(record.clone(), 1, SECOND).unwrap();
            cache.outdate(KeyId::random().unwrap(), 1, SECOND);
        }
        for replies in [&cache.replies.found, &cache.replies.unknown] {
            let replies = lock(replies);
            assert!(replies.by_id.len() <= replies.capacity);
            assert!(replies.order.len() <= 2 * replies.capacity);
        }
    }
}
