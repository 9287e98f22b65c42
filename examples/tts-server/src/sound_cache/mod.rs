//! Finished sound files, so that a client can ask for a part of one that it has asked for before.
//!
//! Off unless the settings give it memory. A file is found again by a digest of who asked, the words and every setting, so no
//! client can learn what another one had spoken. The client that holds the most makes space for a new file: of its own files
//! the one that was not used for the longest time. No file is kept longer than its age allows.

mod key;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use palisade::core::SharedClock;
use sha2::{Digest, Sha256};

use self::key::ClientKey;
pub(crate) use self::key::SoundKey;

/// How long a file is kept. Its key may be revoked meanwhile, and then no one can ask for it.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// What a file counts besides its bytes, for its places in the tables.
const OVERHEAD: usize = 512;

/// Finished sound files, within a number of bytes.
pub(crate) struct SoundCache {
    state: Mutex<State>,
    max_bytes: usize,
    clock: SharedClock,
}

/// A finished file.
#[derive(Clone, Debug)]
pub(crate) struct FinishedSound {
    pub(crate) file: Bytes,
    pub(crate) content_type: String,
    /// How long it sounds.
    pub(crate) sounds: Duration,
    /// The same, as it is written in a header.
    pub(crate) seconds: http::HeaderValue,
    /// A strong entity tag, in its quotation marks.
    pub(crate) etag: String,
}

#[derive(Default)]
struct State {
    entries: HashMap<SoundKey, Entry>,
    clients: HashMap<ClientKey, Share>,
    /// The bytes of each client: the last has the most.
    sizes: BTreeSet<(usize, ClientKey)>,
    /// By when they were made, the oldest first.
    ages: BTreeSet<(Duration, SoundKey)>,
    bytes: usize,
    /// Counts uses: the least is the one longest ago.
    uses: u64,
}

struct Entry {
    sound: FinishedSound,
    made: Duration,
    used: u64,
}

/// The files of one client, by their last use.
#[derive(Default)]
struct Share {
    bytes: usize,
    by_use: BTreeMap<u64, SoundKey>,
}

impl FinishedSound {
    /// Takes a file over; its tag is a digest of its bytes.
    pub(crate) fn new(
        file: Bytes,
        content_type: String,
        sounds: Duration,
        seconds: http::HeaderValue,
    ) -> Self {
        let digest: [u8; 32] = Sha256::digest(&file).into();
        let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
        Self {
            etag: format!("\"{}\"", hex.collect::<String>()),
            file,
            content_type,
            sounds,
            seconds,
        }
    }

    /// Returns how many bytes of the cache it takes.
    fn weight(&self) -> usize {
        self.file.len().saturating_add(OVERHEAD)
    }
}

impl SoundCache {
    /// Makes a cache for so many bytes of files; none for zero.
    pub(crate) fn new(max_bytes: usize, clock: SharedClock) -> Option<Self> {
        (max_bytes > 0).then(|| Self {
            state: Mutex::default(),
            max_bytes,
            clock,
        })
    }

    /// Finds a file.
    pub(crate) fn find(&self, key: &SoundKey) -> Option<FinishedSound> {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        state.remove_expired(now);
        state.touch(key)
    }

    /// Keeps a file, if it is not larger than the whole cache.
    pub(crate) fn insert(&self, key: SoundKey, sound: FinishedSound) {
        let weight = sound.weight();
        if weight > self.max_bytes {
            return;
        }
        let now = self.clock.monotonic();
        let mut state = self.lock();
        state.remove_expired(now);
        state.remove(&key);
        while state.bytes + weight > self.max_bytes && state.make_space(&key.client, weight) {}
        state.add(key, sound, now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Finds a file, and notes that it was used.
    fn touch(&mut self, key: &SoundKey) -> Option<FinishedSound> {
        let entry = self.entries.get_mut(key)?;
        let share = self.clients.get_mut(&key.client)?;
        self.uses += 1;
        share.by_use.remove(&entry.used);
        entry.used = self.uses;
        share.by_use.insert(self.uses, *key);
        Some(entry.sound.clone())
    }

    fn add(&mut self, key: SoundKey, sound: FinishedSound, made: Duration) {
        self.uses += 1;
        let used = self.uses;
        let weight = sound.weight();
        self.bytes += weight;
        let share = self.clients.entry(key.client).or_default();
        self.sizes.remove(&(share.bytes, key.client));
        share.bytes += weight;
        share.by_use.insert(used, key);
        self.sizes.insert((share.bytes, key.client));
        self.ages.insert((made, key));
        self.entries.insert(key, Entry { sound, made, used });
    }

    fn remove(&mut self, key: &SoundKey) -> bool {
        let Some(entry) = self.entries.remove(key) else {
            return false;
        };
        let weight = entry.sound.weight();
        self.bytes = self.bytes.saturating_sub(weight);
        self.ages.remove(&(entry.made, *key));
        if let Some(share) = self.clients.get_mut(&key.client) {
            self.sizes.remove(&(share.bytes, key.client));
            share.bytes = share.bytes.saturating_sub(weight);
            share.by_use.remove(&entry.used);
            if share.by_use.is_empty() {
                self.clients.remove(&key.client);
            } else {
                self.sizes.insert((share.bytes, key.client));
            }
        }
        true
    }

    fn remove_expired(&mut self, now: Duration) {
        while let Some((made, key)) = self.ages.first().copied() {
            if now.saturating_sub(made) < MAX_AGE {
                break;
            }
            self.remove(&key);
        }
    }

    /// Removes a file of the client that would have the most with `weight` more for `newcomer`.
    fn make_space(&mut self, newcomer: &ClientKey, weight: usize) -> bool {
        let own = self.clients.get(newcomer).map(|share| share.bytes);
        let Some((most, largest)) = self.sizes.last().copied() else {
            return false;
        };
        let from = match own {
            Some(own) if own.saturating_add(weight) >= most => *newcomer,
            _ => largest,
        };
        let oldest = self.clients.get(&from);
        let oldest = oldest.and_then(|share| share.by_use.first_key_value());
        let oldest = oldest.map(|(_, key)| *key);
        oldest.is_some_and(|key| self.remove(&key))
    }
}

impl fmt::Debug for SoundCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundCache")
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::HeaderValue;
    use palisade::core::{ManualClock, Principal};
    use proptest::prelude::*;

    use super::*;
    use crate::synthesis::{Unspeakable, Utterance, Words};

    pub(super) fn utterance(words: Words) -> Utterance {
        Utterance {
            words,
            emotion: "neutral".into(),
            speed: 1.0,
            unspeakable: Unspeakable::Refuse,
            longest: Duration::from_secs(1),
        }
    }

    pub(super) fn who(id: &str) -> Principal {
        Principal::builder("api_key", id).build()
    }

    fn key(id: &str, text: &str) -> SoundKey {
        SoundKey::new(&who(id), &["wav"], &utterance(Words::Plain(text.into())))
    }

    /// A file that takes so many bytes of a cache.
    fn sound(weight: usize) -> FinishedSound {
        let file = Bytes::from(vec![0; weight - OVERHEAD]);
        let seconds = HeaderValue::from_static("1");
        FinishedSound::new(file, "audio/wav".into(), Duration::from_secs(1), seconds)
    }

    fn cache(max_bytes: usize) -> (ManualClock, SoundCache) {
        let clock = ManualClock::new(Duration::from_secs(1_000));
        let cache = SoundCache::new(max_bytes, clock.shared()).unwrap();
        (clock, cache)
    }

    #[test]
    fn the_file_used_longest_ago_makes_space() {
        let (_, cache) = cache(10_000);
        cache.insert(key("a", "1"), sound(4_000));
        cache.insert(key("a", "2"), sound(4_000));
        assert!(cache.find(&key("a", "1")).is_some());
        cache.insert(key("a", "3"), sound(4_000));
        assert!(cache.find(&key("a", "2")).is_none());
        assert!(cache.find(&key("a", "1")).is_some());
        // One that is larger than all of it is not kept, and drives nothing out.
        cache.insert(key("a", "4"), sound(10_001));
        assert!(cache.find(&key("a", "3")).is_some());
        // The same key again counts once.
        for _ in 0..10 {
            cache.insert(key("a", "3"), sound(5_000));
        }
        assert!(cache.find(&key("a", "1")).is_some());
        assert_eq!(cache.lock().bytes, 9_000);
    }

    #[test]
    fn a_client_drives_out_its_own_files_and_not_those_of_a_smaller_one() {
        let (_, cache) = cache(10_000);
        cache.insert(key("small", "1"), sound(2_000));
        for text in 0..100 {
            cache.insert(key("large", &text.to_string()), sound(2_000));
        }
        assert!(cache.find(&key("small", "1")).is_some());
        // Who has little gets space from who has much.
        cache.insert(key("third", "1"), sound(3_000));
        for (id, text, expected) in [
            ("small", "1", true),
            ("third", "1", true),
            ("large", "96", false),
            ("large", "97", false),
            ("large", "98", true),
            ("large", "99", true),
        ] {
            assert_eq!(
                cache.find(&key(id, text)).is_some(),
                expected,
                "{id} {text}"
            );
        }
    }

    #[test]
    fn many_small_files_count_what_they_take_in_the_tables() {
        let (_, cache) = cache(OVERHEAD * 10);
        for text in 0..1_000 {
            cache.insert(key("a", &text.to_string()), sound(OVERHEAD));
        }
        assert_eq!(cache.lock().entries.len(), 10);
    }

    #[test]
    fn a_file_is_not_kept_longer_than_its_age_also_when_it_is_used() {
        let (clock, cache) = cache(10_000);
        cache.insert(key("a", "1"), sound(1_000));
        clock.advance(MAX_AGE - Duration::from_secs(1));
        assert!(cache.find(&key("a", "1")).is_some());
        clock.advance(Duration::from_secs(1));
        // A question of another client is enough.
        assert!(cache.find(&key("b", "1")).is_none());
        assert!(cache.lock().entries.is_empty());
        assert_eq!(cache.lock().bytes, 0);
    }

    #[test]
    fn without_memory_there_is_no_cache() {
        let clock = ManualClock::new(Duration::ZERO);
        assert!(SoundCache::new(0, clock.shared()).is_none());
    }

    proptest! {
        #[test]
        fn the_tables_agree_and_the_bytes_have_a_limit(
            steps in prop::collection::vec((0_usize..4, 0_usize..8, OVERHEAD..6_000, 0_u64..600), 0..60),
        ) {
            let (clock, cache) = cache(10_000);
            for (client, text, weight, wait) in steps {
                let key = key(&client.to_string(), &text.to_string());
                match weight % 3 {
                    0 => drop(cache.find(&key)),
                    _ => cache.insert(key, sound(weight)),
                }
                clock.advance(Duration::from_secs(wait));
                let state = cache.lock();
                let total: usize = state.entries.values().map(|entry| entry.sound.weight()).sum();
                prop_assert!(total <= 10_000);
                prop_assert_eq!(total, state.bytes);
                prop_assert_eq!(total, state.clients.values().map(|share| share.bytes).sum::<usize>());
                prop_assert_eq!(state.sizes.len(), state.clients.len());
                prop_assert_eq!(state.ages.len(), state.entries.len());
                let used: usize = state.clients.values().map(|share| share.by_use.len()).sum();
                prop_assert_eq!(used, state.entries.len());
            }
        }
    }
}
