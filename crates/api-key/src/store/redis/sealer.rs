//! Seals records, so that nobody who writes to the server can change one, or put it under another id.

use hmac::{Hmac, KeyInit, Mac};
use palisade_core::Secret;
use sha2::Sha256;

use crate::{
    key::KeyId,
    record::KeyRecord,
    store::file::{read_record, write_record},
};

/// Keeps the uses of the key apart.
const PURPOSE: &[u8] = b"palisade api key record 1\0";
/// The fewest bytes of the key.
const SHORTEST_KEY: usize = 16;
/// Bytes of a seal.
const SEAL: usize = 32;

pub(super) struct Sealer(Hmac<Sha256>);

impl Sealer {
    /// `None` if the key is too short.
    pub(super) fn new(key: &Secret) -> Option<Self> {
        let key = Some(key.expose()).filter(|key| key.len() >= SHORTEST_KEY)?;
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// `None`: a time of the record cannot be written.
    pub(super) fn seal(&self, record: &KeyRecord) -> Option<Vec<u8>> {
        let text = write_record(record)?;
        let seal = self.seal_of(record.id(), text.as_bytes());
        let mut sealed = seal.finalize().into_bytes().to_vec();
        sealed.extend(text.into_bytes());
        Some(sealed)
    }

    /// `None`: the seal is not that of this key and this id.
    pub(super) fn open(&self, id: KeyId, sealed: &[u8]) -> Option<KeyRecord> {
        let (seal, text) = sealed.split_at_checked(SEAL)?;
        self.seal_of(id, text).verify_slice(seal).ok()?;
        let record = read_record(str::from_utf8(text).ok()?)?;
        (record.id() == id).then_some(record)
    }

    fn seal_of(&self, id: KeyId, text: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(PURPOSE);
        mac.update(id.as_str().as_bytes());
        mac.update(text);
        mac
    }
}
