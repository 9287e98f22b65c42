//! The chain that ties every record to all records before it.
//!
//! A line is `BODY,"seq":N,"hash":"H"}`: the body is a JSON object without its closing brace, `N`
//! counts records over all files of a trail, and `H` is SHA-256 (or HMAC-SHA-256 under the key) over
//! the previous `H` and everything before `,"hash"`. Bytes are covered, not values, so nothing needs
//! to be put into a canonical form before it can be verified.

mod anchor;
mod checkpoint;
mod line;
mod statement;

use hmac::Mac;
use sha2::{Digest, Sha256};

pub use anchor::{Anchor, InvalidAnchor};
pub(crate) use checkpoint::{Checkpoint, CheckpointLine};
pub use checkpoint::{CheckpointKey, CheckpointPublicKey};
pub(crate) use line::Line;
pub(crate) use statement::{Signer, Verifier};

use crate::key::{AuditKey, hex};

/// How records are sealed: anyone may compute the hash, or only who has the key.
#[derive(Clone, Debug)]
pub(crate) enum Seal {
    Keyed(AuditKey),
    Plain,
}

impl Seal {
    pub(crate) fn new(key: Option<AuditKey>) -> Self {
        key.map_or(Self::Plain, Self::Keyed)
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Keyed(_) => "hmac-sha256",
            Self::Plain => "sha256",
        }
    }

    pub(crate) fn key_id(&self) -> Option<String> {
        match self {
            Self::Keyed(key) => Some(key.id()),
            Self::Plain => None,
        }
    }

    /// Appends a body to `out` as the record after `last`, and returns its place in the chain.
    pub(crate) fn append(&self, last: Anchor, body: &[u8], out: &mut Vec<u8>) -> Anchor {
        let sequence = last.sequence().saturating_add(1);
        let start = out.len();
        out.extend_from_slice(body);
        out.extend_from_slice(format!("{}{sequence}", line::SEQUENCE).as_bytes());
        let hash = self.hash(last, out.get(start..).unwrap_or_default());
        out.extend_from_slice(line::HASH.as_bytes());
        out.extend_from_slice(hex(&hash).as_bytes());
        out.extend_from_slice(line::END.as_bytes());
        out.push(b'\n');
        Anchor::new(sequence, hash)
    }

    /// Computes the hash of a record's sealed bytes after another record.
    pub(crate) fn hash(&self, last: Anchor, sealed: &[u8]) -> [u8; 32] {
        match self {
            Self::Keyed(key) => {
                let mac = key.start("record");
                let mac = mac.chain_update(last.hash()).chain_update(sealed);
                mac.finalize().into_bytes().into()
            }
            Self::Plain => Sha256::new()
                .chain_update(b"palisade-audit/1 record\0")
                .chain_update(last.hash())
                .chain_update(sealed)
                .finalize()
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_takes_itself_apart_again() {
        let mut out = Vec::new();
        let end = Seal::Plain.append(Anchor::GENESIS, b"{\"v\":1", &mut out);
        assert_eq!(out.pop(), Some(b'\n'));
        let line = Line::parse(&out).unwrap();
        assert_eq!((line.sequence, line.hash), (1, *end.hash()));
        assert_eq!(line.sealed, b"{\"v\":1,\"seq\":1");
    }

    #[test]
    fn the_key_the_place_and_the_past_change_the_hash() {
        let key = || AuditKey::generate().unwrap();
        let hash = |seal: Seal, last| seal.hash(last, b"{");
        let plain = hash(Seal::Plain, Anchor::GENESIS);
        assert_ne!(plain, hash(Seal::Keyed(key()), Anchor::GENESIS));
        assert_ne!(plain, hash(Seal::Plain, Anchor::new(0, [1; 32])));
        assert_ne!(
            hash(Seal::Keyed(key()), Anchor::GENESIS),
            hash(Seal::Keyed(key()), Anchor::GENESIS)
        );
    }
}
