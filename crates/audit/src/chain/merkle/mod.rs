//! The Merkle tree over the records of a trail, by the hashing of RFC 6962 and RFC 9162.
//!
//! Leaf `i` is record `i + 1`: its data are the bytes of the line before `,"hash"`. The root of
//! the tree is in every checkpoint, so that one record can be proven without the rest of the
//! trail, and two checkpoints can be compared without any record.
//!
//! `tree` grows a tree from its leaves in the memory of its peaks, `ranges` says which hashes a
//! proof consists of, and `proof` checks one.

mod proof;
mod ranges;
mod tree;

use palisade_internal::hex;
use sha2::{Digest, Sha256};

pub(crate) use proof::{is_consistent, root_of_inclusion};
pub(crate) use ranges::{Collector, consistency_ranges, inclusion_ranges};
pub(crate) use tree::Tree;

/// A hash of the tree: SHA-256.
pub(crate) type TreeHash = [u8; 32];

/// A complete subtree: the leaves from `index << level`, `1 << level` of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Node {
    /// Its height; 0 for a leaf.
    pub(crate) level: u32,
    /// Its place among the nodes of this height, from the left.
    pub(crate) index: u64,
}

/// Computes the hash of a leaf (RFC 9162, 2.1.1). The first byte separates it from inner nodes.
pub(crate) fn leaf_hash(data: &[u8]) -> TreeHash {
    let hash = Sha256::new().chain_update([0]).chain_update(data);
    hash.finalize().into()
}

/// Computes the hash of an inner node (RFC 9162, 2.1.1).
pub(crate) fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let mut bytes = [1; 65];
    let (_, both) = bytes.split_at_mut(1);
    let (first, second) = both.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// Computes the root over the hashes of adjacent subtrees, the largest and leftmost first.
///
/// Without a subtree it is the hash of nothing (RFC 9162, 2.1.1).
pub(crate) fn root_over(subtrees: &[TreeHash]) -> TreeHash {
    let from_right = subtrees.iter().rev().copied();
    let root = from_right.reduce(|right, left| node_hash(&left, &right));
    root.unwrap_or_else(|| Sha256::digest([]).into())
}

/// Writes hashes in hexadecimal digits, one after another.
pub(crate) fn hashes_to_text(hashes: &[TreeHash]) -> String {
    hashes.iter().map(|hash| hex::encode(hash)).collect()
}

/// Reads hashes that [`hashes_to_text`] wrote.
pub(crate) fn hashes_from_text(text: &str) -> Option<Vec<TreeHash>> {
    text.as_bytes().chunks(64).map(hex::decode).collect()
}

#[cfg(test)]
mod tests;
