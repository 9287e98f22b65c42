//! Splits a line of the trail into its parts, from the end.
//!
//! Only the writer of the trail writes the end of a line. A client may influence the body, so the
//! body is not searched for a hash. Anything that is not exactly in the form of the writer is
//! refused.

use palisade_internal::hex;

use super::{
    anchor::number,
    merkle::{TreeHash, leaf_hash},
};

/// The text before the number of the record.
pub(super) const SEQUENCE: &str = ",\"seq\":";
/// The text before the hash.
pub(super) const HASH: &str = ",\"hash\":\"";
/// The text after the hash.
pub(super) const END: &str = "\"}";
/// The length of a hash in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// A line of a trail, split into what the hash covers and what it states about itself: its number and its hash.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The bytes that the hash covers: everything before `,"hash"`.
    pub(crate) sealed: &'a [u8],
    /// The number of the record.
    pub(crate) sequence: u64,
    /// The hash that the line states. It is not checked yet.
    pub(crate) hash: [u8; 32],
}

impl<'a> Line<'a> {
    /// Splits a line without its line feed. `None` if it differs from the form of the writer.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(END.as_bytes())?;
        let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HASH_DIGITS)?)?;
        let sealed = rest.strip_suffix(HASH.as_bytes())?;
        let digits = sealed.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let (before, sequence) = sealed.split_at_checked(sealed.len() - digits.count())?;
        if !before.ends_with(SEQUENCE.as_bytes()) {
            return None;
        }
        Some(Self {
            sealed,
            sequence: number(sequence)?,
            hash: hex::decode(hash)?,
        })
    }

    /// Computes the hash of the leaf of this record in the tree.
    pub(crate) fn leaf(&self) -> TreeHash {
        leaf_hash(self.sealed)
    }
}
