//! A session as text for a store outside this process, sealed: no one who writes to the store can change it, or
//! put it under another digest.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use palisade_core::{OwnLimits, Principal, Secret};
use palisade_internal::{hex, secret_strength::is_strong_key};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    record::{SessionOwner, SessionRecord},
    token::SessionDigest,
};

/// Keeps the uses of the key apart.
const RECORD: &[u8] = b"palisade-session record 1\0";
const LAST_USE: &[u8] = b"palisade-session last use 1\0";
const OWNER: &[u8] = b"palisade-session owner 1\0";
/// Bytes of a seal.
const SEAL: usize = 32;

/// Seals records, and names owners by a keyed hash.
pub(super) struct Sealer {
    mac: Hmac<Sha256>,
    /// The kinds of principals. What is read back has one of them.
    kinds: Box<[&'static str]>,
}

/// What the server has of a session: the sealed record, the time of last use, and its seal.
pub(super) struct Stored(pub(super) Vec<u8>, pub(super) u64, pub(super) Vec<u8>);

/// The fields of a record. Times are milliseconds.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    kind: String,
    id: String,
    owner: Option<String>,
    tier: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    own_limits: Vec<(String, u32)>,
    credential: Option<String>,
    scopes: Vec<String>,
    attributes: Vec<(String, String)>,
    /// Absent in records of before this field: such a credential counts as older than every revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued: Option<u64>,
    expires: Option<u64>,
    label: Option<String>,
    opened: u64,
    ends: u64,
    idle: u64,
}

impl Sealer {
    /// `None` if the key is too short, or can be guessed.
    pub(super) fn new(key: &Secret, kinds: Vec<&'static str>) -> Option<Self> {
        let key = Some(key.expose()).filter(|key| is_strong_key(key))?;
        let mac = Hmac::new_from_slice(key).ok()?;
        let kinds = kinds.into();
        Some(Self { mac, kinds })
    }

    /// Returns the name of an owner in the store.
    pub(super) fn owner_name(&self, owner: &SessionOwner) -> String {
        let mut mac = self.mac.clone();
        mac.update(OWNER);
        for part in [
            owner.kind,
            &*owner.id,
            owner.owner.as_deref().unwrap_or_default(),
        ] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.update(&[u8::from(owner.owner.is_some())]);
        hex::encode(&mac.finalize().into_bytes())
    }

    /// Writes a record. `None`: its kind of principal is not one of the store, so it could not be read back.
    pub(super) fn seal(&self, digest: SessionDigest, record: &SessionRecord) -> Option<Vec<u8>> {
        let who = &record.principal;
        self.kind(who.kind())?;
        let document = Document {
            kind: who.kind().to_owned(),
            id: who.id().to_owned(),
            owner: who.owner().map(str::to_owned),
            tier: who.tier().map(str::to_owned),
            own_limits: who
                .own_limits()
                .iter()
                .map(|(name, amount)| (name.to_owned(), amount.get()))
                .collect(),
            credential: who.credential().map(str::to_owned),
            scopes: who.scopes().map(str::to_owned).collect(),
            attributes: who
                .attributes()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            issued: who.issued().map(millis),
            expires: who.expires().map(millis),
            label: record.label.as_deref().map(str::to_owned),
            opened: millis(record.opened),
            ends: millis(record.ends),
            idle: millis(record.idle),
        };
        let text = serde_json::to_vec(&document).ok()?;
        let mut sealed = self.seal_of(digest, &text).finalize().into_bytes().to_vec();
        sealed.extend(text);
        Some(sealed)
    }

    /// Returns the seal of the time of last use, in milliseconds. It changes with each minute of use, so it is not in
    /// the record.
    pub(super) fn seal_use(&self, digest: SessionDigest, last_used: u64) -> Vec<u8> {
        let seal = self.use_of(digest, last_used).finalize();
        seal.into_bytes().to_vec()
    }

    /// Reads a record and its time of last use. `None` if a seal is not that of this key and this digest, or the kind
    /// is unknown.
    pub(super) fn open(&self, digest: SessionDigest, stored: &Stored) -> Option<SessionRecord> {
        let (seal, text) = stored.0.split_at_checked(SEAL)?;
        self.seal_of(digest, text).verify_slice(seal).ok()?;
        let last_used = self.use_of(digest, stored.1);
        last_used.verify_slice(&stored.2).ok()?;
        let document: Document = serde_json::from_slice(text).ok()?;
        self.record_of(document, Duration::from_millis(stored.1))
    }

    fn record_of(&self, document: Document, last_used: Duration) -> Option<SessionRecord> {
        let mut who =
            Principal::builder(self.kind(&document.kind)?, document.id).scopes(document.scopes);
        if let Some(owner) = document.owner {
            who = who.owner(owner);
        }
        if let Some(tier) = document.tier {
            who = who.tier(tier);
        }
        who = who.own_limits(OwnLimits::checked(document.own_limits).ok()?);
        if let Some(credential) = document.credential {
            who = who.credential(credential);
        }
        if let Some(at) = document.issued {
            who = who.issued(Duration::from_millis(at));
        }
        if let Some(end) = document.expires {
            who = who.expires(Duration::from_millis(end));
        }
        for (name, value) in document.attributes {
            who = who.attribute(name, value);
        }
        let opened = Duration::from_millis(document.opened);
        let ends = Duration::from_millis(document.ends);
        let idle = Duration::from_millis(document.idle);
        let lasts = ends.saturating_sub(opened);
        let mut record = SessionRecord::new(who.build(), opened, lasts, idle);
        record.ends = ends;
        record.label = document.label.map(Into::into);
        record.last_used = last_used.max(opened);
        Some(record)
    }

    fn kind(&self, name: &str) -> Option<&'static str> {
        self.kinds.iter().copied().find(|kind| *kind == name)
    }

    fn use_of(&self, digest: SessionDigest, last_used: u64) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(LAST_USE);
        mac.update(digest.as_bytes());
        mac.update(&last_used.to_be_bytes());
        mac
    }

    fn seal_of(&self, digest: SessionDigest, text: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(RECORD);
        mac.update(digest.as_bytes());
        mac.update(text);
        mac
    }
}

/// Returns a time in whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8; 16] = b"0123456789abcdef";

    fn sealer(key: &[u8]) -> Sealer {
        Sealer::new(&Secret::new(key), vec!["user"]).unwrap()
    }

    fn stored(sealer: &Sealer, digest: SessionDigest, sealed: &[u8], used: u64) -> Stored {
        Stored(sealed.to_vec(), used, sealer.seal_use(digest, used))
    }

    #[test]
    fn the_time_of_last_use_is_sealed_too() {
        let (ours, digest) = (sealer(KEY), SessionDigest::from_bytes([1; 32]));
        let sealed = ours.seal(digest, &record()).unwrap();
        let right = stored(&ours, digest, &sealed, 1_000_000);
        assert!(ours.open(digest, &right).is_some());
        let later = Stored(sealed.clone(), 1_000_001, right.2);
        assert_eq!(ours.open(digest, &later), None);
        let other = ours.seal_use(SessionDigest::from_bytes([2; 32]), 1_000_000);
        assert_eq!(ours.open(digest, &Stored(sealed, 1_000_000, other)), None);
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused() {
        for key in [&[b'a'; 64][..], b"0123456789abcde"] {
            assert!(Sealer::new(&Secret::new(key), vec!["user"]).is_none());
        }
    }

    fn record() -> SessionRecord {
        let who = Principal::builder("user", "ann")
            .owner("acme")
            .tier("gold")
            .own_limits(OwnLimits::checked([("tts", 5)]).unwrap())
            .credential("c-1")
            .scopes(["a", "b"])
            .attribute("lang", "zh")
            .issued(Duration::from_secs(900))
            .expires(Duration::from_secs(9000))
            .build();
        let second = Duration::from_secs(1);
        let mut record = SessionRecord::new(who, 1000 * second, 3600 * second, 60 * second);
        record.label = Some("Firefox".into());
        record
    }

    #[test]
    fn a_record_is_read_back_as_it_was() {
        let (sealer, digest) = (sealer(KEY), SessionDigest::from_bytes([1; 32]));
        let sealed = sealer.seal(digest, &record()).unwrap();
        let unused = stored(&sealer, digest, &sealed, 1_000_000);
        assert_eq!(sealer.open(digest, &unused), Some(record()));
        let used = stored(&sealer, digest, &sealed, 1_005_000);
        let used = sealer.open(digest, &used).unwrap();
        assert_eq!(used.last_used, Duration::from_secs(1005));
    }

    #[test]
    fn what_was_changed_moved_or_made_with_another_key_is_none() {
        let (ours, digest) = (sealer(KEY), SessionDigest::from_bytes([1; 32]));
        let sealed = ours.seal(digest, &record()).unwrap();
        let other = SessionDigest::from_bytes([2; 32]);
        let moved = stored(&ours, other, &sealed, 0);
        assert_eq!(ours.open(other, &moved), None, "under another digest");
        assert_eq!(
            sealer(b"fedcba9876543210").open(digest, &stored(&ours, digest, &sealed, 0)),
            None,
            "another key"
        );
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            let changed = stored(&ours, digest, &changed, 0);
            assert_eq!(ours.open(digest, &changed), None, "byte {place}");
            let shorter = stored(&ours, digest, &sealed[..place], 0);
            assert_eq!(ours.open(digest, &shorter), None, "{place} bytes");
        }
    }

    #[test]
    fn a_kind_that_could_not_be_read_back_is_not_written() {
        let mut other = record();
        other.principal = Principal::builder("robot", "r2").build();
        assert!(
            sealer(KEY)
                .seal(SessionDigest::from_bytes([1; 32]), &other)
                .is_none()
        );
        assert!(Sealer::new(&Secret::new([7; 15]), vec!["user"]).is_none());
    }

    #[test]
    fn owners_have_different_names() {
        let sealer = sealer(KEY);
        let name = |id: &str, owner: Option<&str>| {
            let who = Principal::builder("user", id);
            let who = match owner {
                Some(owner) => who.owner(owner),
                None => who,
            };
            sealer.owner_name(&SessionOwner::of(&who.build()))
        };
        let names = [
            name("ab", None),
            name("a", Some("b")),
            name("ab", Some("")),
            name("", Some("ab")),
        ];
        for (index, one) in names.iter().enumerate() {
            assert!(!names[..index].contains(one), "{index}");
        }
    }
}
