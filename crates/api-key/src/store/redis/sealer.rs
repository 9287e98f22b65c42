//! Seals records, so that no one who writes to the server can change one, or put it under another id.
//!
//! A seal cannot tell that bytes are the newest. So it covers a revision, which grows with each change, and a process
//! refuses a smaller one than it has seen.

use hmac::{Hmac, KeyInit, Mac};
use palisade_core::Secret;
use palisade_internal::secret_strength::is_strong_key;
use sha2::Sha256;

use crate::{
    key::KeyId,
    record::KeyRecord,
    store::file::{read_record, write_record},
};

/// Keeps the uses of the key apart.
const PURPOSE: &[u8] = b"palisade api key record 1\0";
const FINGERPRINT: &[u8] = b"palisade api key seal key 1\0";
/// Bytes of a seal.
const SEAL: usize = 32;
/// Bytes of a revision.
const REVISION: usize = 8;

pub(super) struct Sealer(Hmac<Sha256>);

/// A record as it is in the server.
pub(super) struct Opened {
    pub(super) record: KeyRecord,
    /// 1 for a new record.
    pub(super) revision: u64,
}

impl Sealer {
    /// `None` if the key is too short, or can be guessed.
    pub(super) fn new(key: &Secret) -> Option<Self> {
        let key = Some(key.expose()).filter(|key| is_strong_key(key))?;
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// Returns a digest that only the same key has.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(FINGERPRINT);
        mac.finalize().into_bytes().into()
    }

    /// `None`: a time of the record cannot be written.
    pub(super) fn seal(&self, record: &KeyRecord, revision: u64) -> Option<Vec<u8>> {
        let text = write_record(record)?;
        let sealed = [&revision.to_be_bytes()[..], text.as_bytes()].concat();
        let seal = self.seal_of(record.id(), &sealed).finalize().into_bytes();
        Some([&seal[..], &sealed].concat())
    }

    /// `None`: the seal is not that of this key and this id.
    pub(super) fn open(&self, id: KeyId, sealed: &[u8]) -> Option<Opened> {
        let (seal, sealed) = sealed.split_at_checked(SEAL)?;
        self.seal_of(id, sealed).verify_slice(seal).ok()?;
        let (revision, text) = sealed.split_first_chunk::<REVISION>()?;
        let record = read_record(str::from_utf8(text).ok()?)?;
        (record.id() == id).then_some(Opened {
            record,
            revision: u64::from_be_bytes(*revision),
        })
    }

    fn seal_of(&self, id: KeyId, sealed: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(PURPOSE);
        mac.update(id.as_str().as_bytes());
        mac.update(sealed);
        mac
    }
}

/// Returns whether two records are the same to a store.
pub(super) fn is_same(one: &KeyRecord, other: &KeyRecord) -> bool {
    match (write_record(one), write_record(other)) {
        (Some(one), Some(other)) => one.as_bytes() == other.as_bytes(),
        _ => false,
    }
}
