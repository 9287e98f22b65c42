//! What the server said about ids a moment ago: bounded in number and in time.

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
    found: Mutex<Replies>,
    unknown: Mutex<Replies>,
    lifetime: Duration,
}

struct Replies {
    capacity: usize,
    /// With the time at which the server was asked.
    by_id: HashMap<KeyId, (Known, Duration)>,
    order: VecDeque<(KeyId, Duration)>,
}

impl Replies {
    fn new(capacity: usize) -> Mutex<Self> {
        Mutex::new(Self {
            capacity,
            by_id: HashMap::new(),
            order: VecDeque::new(),
        })
    }

    fn put(&mut self, id: KeyId, known: Known, asked: Duration) {
        self.order.push_back((id, asked));
        self.by_id.insert(id, (known, asked));
        // An entry of the order that was replaced or removed is dropped without effect.
        while self.by_id.len() > self.capacity || self.order.len() > self.capacity * 2 {
            let Some((oldest, asked)) = self.order.pop_front() else {
                break;
            };
            if self.by_id.get(&oldest).is_some_and(|(_, at)| *at == asked) {
                self.by_id.remove(&oldest);
            }
        }
    }
}

impl KeyCache {
    pub(super) fn new(capacity: usize, unknown: usize, lifetime: Duration) -> Self {
        Self {
            found: Replies::new(capacity),
            unknown: Replies::new(unknown),
            lifetime,
        }
    }

    /// Returns what is known. `None`: the server must be asked.
    pub(super) fn get(&self, id: KeyId, now: Duration) -> Option<Known> {
        let read = |replies: &Mutex<Replies>| {
            let replies = lock(replies);
            let (known, asked) = replies.by_id.get(&id)?;
            let is_fresh = now.saturating_sub(*asked) < self.lifetime;
            is_fresh.then(|| known.clone())
        };
        read(&self.found).or_else(|| read(&self.unknown))
    }

    /// Keeps a reply to a question of the time `asked`. A record keeps the time of last use of an older one.
    pub(super) fn put(&self, id: KeyId, record: Option<KeyRecord>, asked: Duration) -> Known {
        let Some(mut record) = record else {
            lock(&self.found).by_id.remove(&id);
            lock(&self.unknown).put(id, None, asked);
            return None;
        };
        lock(&self.unknown).by_id.remove(&id);
        let mut found = lock(&self.found);
        if let Some((Some(older), _)) = found.by_id.get(&id) {
            record.used = older.used.clone();
        }
        let record = Arc::new(record);
        found.put(id, Some(Arc::clone(&record)), asked);
        Some(record)
    }

    /// Forgets an id: the next request asks the server.
    pub(super) fn forget(&self, id: KeyId) {
        lock(&self.found).by_id.remove(&id);
        lock(&self.unknown).by_id.remove(&id);
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
        cache.put(record.id(), Some(record.clone()), SECOND);
        let moment = Duration::from_nanos(1);
        assert!(cache.get(record.id(), 2 * SECOND - moment).is_some());
        assert!(cache.get(record.id(), 2 * SECOND).is_none());
    }

    #[test]
    fn it_is_bounded_and_invented_ids_displace_no_key() {
        let (cache, record) = (KeyCache::new(2, 4, SECOND), record());
        cache.put(record.id(), Some(record.clone()), SECOND);
        for _ in 0..100 {
            cache.put(KeyId::random().unwrap(), None, SECOND);
        }
        assert!(matches!(cache.get(record.id(), SECOND), Some(Some(_))));
        for replies in [&cache.found, &cache.unknown] {
            let replies = lock(replies);
            assert!(replies.by_id.len() <= replies.capacity);
            assert!(replies.order.len() <= 2 * replies.capacity);
        }
        cache.put(record.id(), None, SECOND);
        assert!(
            matches!(cache.get(record.id(), SECOND), Some(None)),
            "it was removed"
        );
        cache.forget(record.id());
        assert!(cache.get(record.id(), SECOND).is_none());
    }
}
