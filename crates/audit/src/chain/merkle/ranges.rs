//! Which parts of a tree a proof consists of, as ranges of leaves, and how their hashes are
//! collected in one pass over the leaves.

use std::{collections::HashMap, ops::Range};

use super::{Node, TreeHash, root_over, tree::Tree};

/// Returns the ranges whose roots prove a leaf in a tree of this size, from the leaf to the root
/// (RFC 9162, 2.1.3.1).
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut low, mut high) = (0, size);
    let mut ranges = Vec::new();
    while index < size && high - low > 1 {
        let middle = middle(low, high);
        if index < middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// Returns the ranges whose roots prove that a tree of size `second` begins with the one of size
/// `first` (RFC 9162, 2.1.4.1). There are none for an empty tree and for equal sizes.
pub(crate) fn consistency_ranges(first: u64, second: u64) -> Vec<Range<u64>> {
    let (mut low, mut high) = (0, second);
    let mut ranges = Vec::new();
    if first == 0 || first > second {
        return ranges;
    }
    while first != high {
        let middle = middle(low, high);
        if first <= middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    // The first tree itself is known to the one that checks the proof, if it is one subtree.
    if low > 0 {
        ranges.push(low..high);
    }
    ranges.reverse();
    ranges
}

/// Returns where a tree is split: after the largest power of two that is below its size.
fn middle(low: u64, high: u64) -> u64 {
    let half = (high - low).next_power_of_two() >> 1;
    low.saturating_add(half)
}

/// Splits a range into complete subtrees, the largest first. The range begins where a subtree of
/// at least its size begins, as all ranges of proofs do.
pub(super) fn nodes(range: Range<u64>) -> impl Iterator<Item = Node> {
    let Range { start, end } = range;
    let length = end.saturating_sub(start);
    let levels = (0..u64::BITS).rev();
    let mut at = start;
    levels
        .filter(move |level| length >> level & 1 == 1)
        .map(move |level| {
            let index = at >> level;
            at = at.saturating_add(1 << level);
            Node { level, index }
        })
}

/// Collects the hashes of some ranges while a tree grows, and computes their roots.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// What the proof consists of, in its order.
    ranges: Vec<Range<u64>>,
    /// The nodes of all ranges, with their hashes as soon as they are known.
    hashes: HashMap<Node, Option<TreeHash>>,
}

impl Collector {
    /// Returns a collector of these ranges.
    pub(crate) fn new(ranges: Vec<Range<u64>>) -> Self {
        let wanted = ranges.iter().cloned().flat_map(nodes);
        Self {
            hashes: wanted.map(|node| (node, None)).collect(),
            ranges,
        }
    }

    /// Takes what a tree knows that begins later than with its first leaf.
    pub(crate) fn take_tree(&mut self, tree: &Tree) {
        for (node, hash) in tree.nodes() {
            self.take(node, &hash);
        }
    }

    /// Takes the hash of a node, if it is wanted.
    pub(crate) fn take(&mut self, node: Node, hash: &TreeHash) {
        if let Some(wanted) = self.hashes.get_mut(&node) {
            *wanted = Some(*hash);
        }
    }

    /// Returns the hashes of the ranges. `None` if one of them is not known.
    pub(crate) fn proof(&self) -> Option<Vec<TreeHash>> {
        let known = |node| self.hashes.get(&node).copied().flatten();
        let root = |range: &Range<u64>| {
            let parts: Option<Vec<TreeHash>> = nodes(range.clone()).map(known).collect();
            Some(root_over(&parts?))
        };
        self.ranges.iter().map(root).collect()
    }
}
