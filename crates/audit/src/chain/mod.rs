//! The hash chain: each record has a hash over itself and the hash of the record before.
//!
//! A line is `BODY,"seq":N,"hash":"H"}`. The body is a JSON object without its closing brace. `N`
//! counts records over all files of a trail. The leaf of a record is the SHA-256 (FIPS 180-4) of a
//! zero byte and everything before `,"hash"`: the leaf hash of RFC 9162. `H` is SHA-256, or
//! HMAC-SHA-256 (RFC 2104) if the trail has a key, over the previous `H` and the leaf.
//!
//! So the bytes of a record are hashed once for two uses. The chain shows a holder of the key that
//! nothing was changed; the [Merkle tree](merkle) over the leaves shows it for single records, to
//! others without the key.
//!
//! The hashes cover bytes, not values, so no canonical form of JSON is needed. The journal of the
//! file sink seals records here, and verification computes the same hashes again.

mod anchor;
mod checkpoint;
mod line;
pub(crate) mod merkle;
mod statement;

use hmac::{Hmac, Mac};
use palisade_internal::{decimal::with_digits, hex};
use sha2::{Digest, Sha256};

pub use anchor::{Anchor, InvalidAnchor};
pub(crate) use checkpoint::{Checkpoint, CheckpointLine};
pub use checkpoint::{CheckpointKey, CheckpointPublicKey};
pub(crate) use line::Line;
pub(crate) use statement::{Signer, Verifier};

use self::merkle::{TreeHash, leaf_hash};
use crate::{evolving_key::EvolvingKey, key::AuditKey};

/// The name of the algorithm of an evolving trail.
pub(crate) const EVOLVING: &str = "hmac-sha256-evolving";

/// How records are sealed: with a key, or with a hash that anyone can compute.
#[derive(Clone, Debug)]
pub(crate) enum Seal {
    /// HMAC-SHA-256 under a key that evolves: who has it can change no record before its epoch.
    Evolving(EvolvingKey, RecordKey),
    /// HMAC-SHA-256: only a holder of the key can make or change records without being found.
    Keyed(RecordKey),
    /// SHA-256: finds accidental changes only, as anyone can compute the hashes again.
    Plain,
    /// An evolving key of an earlier epoch than the one that is known: hashes cannot be computed. With the public
    /// identifier of the first key.
    Unknown(String),
}

/// The key of a trail, with the HMAC that every record begins with.
#[derive(Clone, Debug)]
pub(crate) struct RecordKey {
    /// The key itself. It is needed again when the key evolves.
    key: AuditKey,
    /// Copied for every record: the key is hashed only once.
    begun: Hmac<Sha256>,
}

/// A record that was appended: its place in the chain, and its leaf in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appended {
    /// Its number and hash.
    pub(crate) anchor: Anchor,
    /// The hash of its leaf.
    pub(crate) leaf: TreeHash,
}

impl Seal {
    /// Returns the seal for a key, or the plain one.
    pub(crate) fn new(key: Option<AuditKey>) -> Self {
        key.map_or(Self::Plain, |key| Self::Keyed(RecordKey::new(key)))
    }

    /// Returns the seal for a key of one epoch.
    pub(crate) fn evolving(key: EvolvingKey) -> Self {
        let begun = RecordKey::new(key.key().clone());
        Self::Evolving(key, begun)
    }

    /// Returns the evolving key. `None` for a seal without one.
    pub(crate) fn evolving_key(&self) -> Option<&EvolvingKey> {
        match self {
            Self::Evolving(key, _) => Some(key),
            _ => None,
        }
    }

    /// Returns the name of the algorithm in the opening record of a file.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Evolving(..) | Self::Unknown(_) => EVOLVING,
            Self::Keyed(_) => "hmac-sha256",
            Self::Plain => "sha256",
        }
    }

    /// Returns the public identifier of the key, of an evolving one that of the first. `None` without a key.
    pub(crate) fn key_id(&self) -> Option<String> {
        match self {
            Self::Evolving(key, _) => Some(key.first_id().to_owned()),
            Self::Keyed(it) => Some(it.key.id()),
            Self::Plain => None,
            Self::Unknown(id) => Some(id.clone()),
        }
    }

    /// Appends a body to `out` as the record after `last`, with a line feed.
    ///
    /// The body has no closing brace: it is added here.
    pub(crate) fn append(&self, last: Anchor, body: &[u8], out: &mut Vec<u8>) -> Appended {
        let sequence = last.sequence().saturating_add(1);
        let start = out.len();
        out.extend_from_slice(body);
        out.extend_from_slice(line::SEQUENCE.as_bytes());
        with_digits(sequence, |digits| out.extend_from_slice(digits));
        let leaf = leaf_hash(out.get(start..).unwrap_or_default());
        let hash = self.hash(last, &leaf);
        out.extend_from_slice(line::HASH.as_bytes());
        out.extend_from_slice(hex::encode(&hash).as_bytes());
        out.extend_from_slice(line::END.as_bytes());
        out.push(b'\n');
        let anchor = Anchor::new(sequence, hash);
        Appended { anchor, leaf }
    }

    /// Returns whether a record that follows `last` has this hash. Of an earlier epoch than the known one, that is taken
    /// for true.
    pub(crate) fn fits(&self, last: Anchor, leaf: &TreeHash, hash: &[u8; 32]) -> bool {
        matches!(self, Self::Unknown(_)) || self.hash(last, leaf) == *hash
    }

    /// Computes the hash of a record that follows `last`, from its leaf.
    pub(crate) fn hash(&self, last: Anchor, leaf: &TreeHash) -> [u8; 32] {
        match self {
            Self::Evolving(_, it) | Self::Keyed(it) => {
                let mac = it.begun.clone();
                let mac = mac.chain_update(last.hash()).chain_update(leaf);
                mac.finalize().into_bytes().into()
            }
            // No record has this hash: nothing is sealed or proven without the key.
            Self::Unknown(_) => [0; 32],
            Self::Plain => Sha256::new()
                .chain_update(b"palisade-audit/1 record\0")
                .chain_update(last.hash())
                .chain_update(leaf)
                .finalize()
                .into(),
        }
    }
}

impl RecordKey {
    /// Takes a key and begins its HMAC.
    fn new(key: AuditKey) -> Self {
        let begun = key.start("record");
        Self { key, begun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_takes_itself_apart_again() {
        let mut out = Vec::new();
        let end = Seal::Plain.append(Anchor::GENESIS, b"{\"v\":1", &mut out);
        let end = end.anchor;
        assert_eq!(out.pop(), Some(b'\n'));
        let line = Line::parse(&out).unwrap();
        assert_eq!((line.sequence, line.hash), (1, *end.hash()));
        assert_eq!(line.sealed, b"{\"v\":1,\"seq\":1");
    }

    #[test]
    fn the_key_the_place_and_the_past_change_the_hash() {
        let key = || AuditKey::generate().unwrap();
        let hash = |seal: Seal, last| seal.hash(last, &leaf_hash(b"{"));
        let keyed = || Seal::new(Some(key()));
        let plain = hash(Seal::Plain, Anchor::GENESIS);
        assert_ne!(plain, hash(keyed(), Anchor::GENESIS));
        assert_ne!(plain, hash(Seal::Plain, Anchor::new(0, [1; 32])));
        assert_ne!(
            hash(keyed(), Anchor::GENESIS),
            hash(keyed(), Anchor::GENESIS)
        );
    }
}
