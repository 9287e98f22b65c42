//! Keys of other systems, of which only SHA-256 is known.
//!
//! Such a key has no id in it, so the id of its record is computed from the SHA-256. The store keeps a
//! digest of the SHA-256 under the pepper, as it does of every key.

use sha2::{Digest as _, Sha256};

use crate::key::KeyId;

/// Names the purpose of the id, so that nothing else makes the same bytes. It never changes: ids of stored
/// records depend on it.
const ID: &[u8] = b"palisade imported key id, version 1\0";
/// In bytes. A shorter text can be guessed; a longer one is no key.
const SHORTEST: usize = 16;
const LONGEST: usize = 512;

/// SHA-256 of a key that another system made.
#[derive(Clone, Copy)]
pub(crate) struct ImportedKey([u8; 32]);

impl ImportedKey {
    pub(crate) const fn from_sha256(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Reads a presented text. `None` if it is too short or too long, or has other characters than visible
    /// ASCII.
    pub(crate) fn of_text(text: &[u8]) -> Option<Self> {
        let fits = (SHORTEST..=LONGEST).contains(&text.len());
        let is_visible = text.iter().all(u8::is_ascii_graphic);
        (fits && is_visible).then(|| Self(Sha256::digest(text).into()))
    }

    /// Returns what the digest of the store is computed of.
    pub(crate) const fn sha256(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the id of the record.
    pub(crate) fn id(&self) -> KeyId {
        let hash = Sha256::new()
            .chain_update(ID)
            .chain_update(self.0)
            .finalize();
        KeyId::from_hash(&hash.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::base62;

    #[test]
    fn the_id_of_a_key_stays_the_same_for_ever() {
        let key = ImportedKey::of_text(b"sk-0123456789abcdefghij").unwrap();
        assert_eq!(key.id(), ImportedKey::from_sha256(*key.sha256()).id());
        assert!(base62::all_digits(key.id().as_str().as_bytes()));
        let other = ImportedKey::of_text(b"sk-0123456789abcdefghik").unwrap();
        assert_ne!(key.id(), other.id());
    }

    #[test]
    fn what_can_be_guessed_or_is_no_key_is_not_read() {
        for text in [
            b"".as_slice(),
            b"short-key-of-15",
            b"a key with spaces in it",
            b"0123456789abcdef\n",
            &[b'a'; 513],
            "schl\u{fc}ssel-0123456789".as_bytes(),
        ] {
            assert!(ImportedKey::of_text(text).is_none(), "{text:?}");
        }
        assert!(ImportedKey::of_text(&[b'a'; 16]).is_some());
        assert!(ImportedKey::of_text(&[b'a'; 512]).is_some());
    }
}
