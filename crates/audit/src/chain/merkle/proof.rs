//! Checks proofs: that a leaf is in a tree, and that a tree begins with another one.

use super::{TreeHash, node_hash};

/// Computes the root that a proof of inclusion leads to (RFC 9162, 2.1.3.2).
///
/// `None` if the proof cannot belong to this place: it is too short or too long. The caller compares the root with a
/// signed one.
pub(crate) fn root_of_inclusion(
    leaf: TreeHash,
    index: u64,
    size: u64,
    path: &[TreeHash],
) -> Option<TreeHash> {
    if index >= size {
        return None;
    }
    let mut walk = Walk::new(index, size - 1);
    let mut root = leaf;
    for hash in path {
        root = match walk.step()? {
            Side::Left => node_hash(hash, &root),
            Side::Right => node_hash(&root, hash),
        };
    }
    walk.is_at_root().then_some(root)
}

/// Returns whether a proof shows that the second tree begins with the first one (RFC 9162, 2.1.4.2).
///
/// Every tree begins with the empty one, which needs no proof and has no other root than its own.
pub(crate) fn is_consistent(
    (first, first_root): (u64, &TreeHash),
    (second, second_root): (u64, &TreeHash),
    path: &[TreeHash],
) -> bool {
    if first == second {
        return path.is_empty() && first_root == second_root;
    }
    if first == 0 {
        return path.is_empty() && *first_root == super::root_over(&[]);
    }
    if first > second {
        return false;
    }
    roots_of_consistency(first, second, first_root, path)
        .is_some_and(|roots| roots == (*first_root, *second_root))
}

/// Computes both roots that a proof of consistency leads to. `None` if it has the wrong length.
fn roots_of_consistency(
    first: u64,
    second: u64,
    first_root: &TreeHash,
    path: &[TreeHash],
) -> Option<(TreeHash, TreeHash)> {
    // A first tree that is one complete subtree is a node of the second one, and left out.
    let (start, rest) = match first.is_power_of_two() {
        true => (first_root, path),
        false => path.split_first()?,
    };
    let mut walk = Walk::new(first - 1, second - 1);
    walk.skip_right_children();
    let (mut one, mut two) = (*start, *start);
    for hash in rest {
        match walk.step()? {
            Side::Left => {
                one = node_hash(hash, &one);
                two = node_hash(hash, &two);
            }
            Side::Right => two = node_hash(&two, hash),
        }
    }
    walk.is_at_root().then_some((one, two))
}

/// On which side the next hash of a proof is.
enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root, in a tree whose last leaf is known. `fn` and `sn` of the RFC.
struct Walk {
    /// The place of the node at this height.
    here: u64,
    /// The place of the last node at this height.
    last: u64,
}

impl Walk {
    /// Begins at a leaf.
    fn new(here: u64, last: u64) -> Self {
        Self { here, last }
    }

    /// Goes up while the node is a right child: what is to its left belongs to it.
    fn skip_right_children(&mut self) {
        while self.here & 1 == 1 {
            self.up();
        }
    }

    /// Goes up by one hash, and says on which side it is. `None` at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let side = match self.here & 1 == 1 || self.here == self.last {
            true => Side::Left,
            false => Side::Right,
        };
        if matches!(side, Side::Left) {
            // The last node of an incomplete tree has no sibling at some heights.
            while self.here & 1 == 0 && self.here != 0 {
                self.up();
            }
        }
        self.up();
        Some(side)
    }

    /// Goes to the parents of both nodes.
    fn up(&mut self) {
        self.here >>= 1;
        self.last >>= 1;
    }

    /// Tells whether there is only one node at this height.
    fn is_at_root(&self) -> bool {
        self.last == 0
    }
}
