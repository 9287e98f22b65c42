//! Finished sound files, so that a client can ask for a part of one that it has asked for before.
//!
//! Off unless the settings give it memory. A file is found again by a digest of who asked, the words and every setting, so no
//! client can learn what another one had spoken. The file that was not used for the longest time makes space for a new one.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::synthesis::{Unspeakable, Utterance, Words};

/// Finished sound files, within a number of bytes.
pub(crate) struct SoundCache {
    state: Mutex<State>,
    max_bytes: usize,
}

/// A finished file.
#[derive(Clone, Debug)]
pub(crate) struct FinishedSound {
    pub(crate) file: Bytes,
    pub(crate) content_type: String,
    /// How long it sounds, as it is written in a header.
    pub(crate) seconds: http::HeaderValue,
    /// A strong entity tag, in its quotation marks.
    pub(crate) etag: String,
}

/// The digest by which a file is found.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct SoundKey([u8; 32]);

#[derive(Default)]
struct State {
    entries: HashMap<SoundKey, Entry>,
    bytes: usize,
    /// Counts uses: the least is the one longest ago.
    uses: u64,
}

struct Entry {
    sound: FinishedSound,
    used: u64,
}

impl SoundKey {
    /// Makes the key of a file: `who` is the client, `settings` what is not part of the utterance (voice, format, rate).
    pub(crate) fn new(who: &[&str], settings: &[&str], utterance: &Utterance) -> Self {
        let (kind, words) = match &utterance.words {
            Words::Plain(words) => ("plain", words),
            Words::Ssml(words) => ("ssml", words),
        };
        let unspeakable = match utterance.unspeakable {
            Unspeakable::Refuse => "refuse",
            Unspeakable::Skip => "skip",
            Unspeakable::Spell => "spell",
        };
        let mut digest = Sha256::new();
        let own = [kind, words, &utterance.emotion, unspeakable];
        for part in who.iter().chain(settings).chain(&own) {
            // With its length before it, so that no two lists of parts are alike.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        digest.update(utterance.speed.to_bits().to_le_bytes());
        Self(digest.finalize().into())
    }
}

impl FinishedSound {
    /// Takes a file over; its tag is a digest of its bytes.
    pub(crate) fn new(file: Bytes, content_type: String, seconds: http::HeaderValue) -> Self {
        let digest: [u8; 32] = Sha256::digest(&file).into();
        let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
        Self {
            etag: format!("\"{}\"", hex.collect::<String>()),
            file,
            content_type,
            seconds,
        }
    }
}

impl SoundCache {
    /// Makes a cache for so many bytes of files; none for zero.
    pub(crate) fn new(max_bytes: usize) -> Option<Self> {
        (max_bytes > 0).then(|| Self {
            state: Mutex::default(),
            max_bytes,
        })
    }

    /// Finds a file.
    pub(crate) fn find(&self, key: &SoundKey) -> Option<FinishedSound> {
        let mut state = self.lock();
        state.uses += 1;
        let used = state.uses;
        let entry = state.entries.get_mut(key)?;
        entry.used = used;
        Some(entry.sound.clone())
    }

    /// Keeps a file, if it is not larger than the whole cache.
    pub(crate) fn insert(&self, key: SoundKey, sound: FinishedSound) {
        let length = sound.file.len();
        if length > self.max_bytes {
            return;
        }
        let mut state = self.lock();
        state.remove(&key);
        while state.bytes + length > self.max_bytes && state.remove_oldest() {}
        state.uses += 1;
        state.bytes += length;
        let used = state.uses;
        state.entries.insert(key, Entry { sound, used });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, key: &SoundKey) -> bool {
        let removed = self.entries.remove(key);
        let length = removed.as_ref().map_or(0, |entry| entry.sound.file.len());
        self.bytes = self.bytes.saturating_sub(length);
        removed.is_some()
    }

    fn remove_oldest(&mut self) -> bool {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
        let oldest = oldest.map(|(key, _)| *key);
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;

    fn utterance(words: Words) -> Utterance {
        Utterance {
            words,
            emotion: "neutral".into(),
            speed: 1.0,
            unspeakable: Unspeakable::Refuse,
            longest: Duration::from_secs(1),
        }
    }

    fn key(who: &str, text: &str) -> SoundKey {
        SoundKey::new(&[who], &["wav"], &utterance(Words::Plain(text.into())))
    }

    fn sound(length: usize) -> FinishedSound {
        let file = Bytes::from(vec![length as u8; length]);
        FinishedSound::new(file, "audio/wav".into(), HeaderValue::from_static("1"))
    }

    #[test]
    fn the_key_tells_clients_words_and_settings_apart() {
        let mut faster = utterance(Words::Plain("x".into()));
        faster.speed = 1.5;
        let others = [
            key("b", "x"),
            key("a", "y"),
            SoundKey::new(&["a"], &["mp3"], &utterance(Words::Plain("x".into()))),
            SoundKey::new(&["a"], &["wav"], &utterance(Words::Ssml("x".into()))),
            SoundKey::new(&["aw"], &["av"], &utterance(Words::Plain("x".into()))),
            SoundKey::new(&["a"], &["wav"], &faster),
        ];
        assert!(others.iter().all(|other| *other != key("a", "x")));
        assert_eq!(key("a", "x"), key("a", "x"));
    }

    #[test]
    fn the_file_used_longest_ago_makes_space() {
        let cache = SoundCache::new(100).unwrap();
        cache.insert(key("a", "1"), sound(40));
        cache.insert(key("a", "2"), sound(40));
        assert!(cache.find(&key("a", "1")).is_some());
        cache.insert(key("a", "3"), sound(40));
        assert!(cache.find(&key("a", "2")).is_none());
        assert_eq!(cache.find(&key("a", "1")).unwrap().file.len(), 40);
        // One that is larger than all of it is not kept, and drives nothing out.
        cache.insert(key("a", "4"), sound(101));
        assert!(cache.find(&key("a", "3")).is_some());
        // The same key again counts once.
        for _ in 0..10 {
            cache.insert(key("a", "3"), sound(50));
        }
        assert!(cache.find(&key("a", "1")).is_some());
        assert_eq!(cache.lock().bytes, 90);
    }

    #[test]
    fn without_memory_there_is_no_cache() {
        assert!(SoundCache::new(0).is_none());
    }
}
