//! A tree that grows by one leaf at a time and keeps only the roots of its complete subtrees.

use super::{Node, TreeHash, hashes_from_text, hashes_to_text, node_hash, ranges, root_over};

/// The most complete subtrees of a tree: one for each bit of its size.
const MAX_PEAKS: usize = 64;

/// A growing tree. Takes 2 KiB, however many leaves it has.
///
/// It also remembers what proves that it begins with the tree that it was at a
/// [`mark`](Self::mark): at most two hashes for each level and mark.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// How many leaves were added.
    size: u64,
    /// The roots of the complete subtrees, the largest and leftmost first.
    peaks: Vec<TreeHash>,
    /// Those that growth is proven from, the latest one last.
    marks: Vec<Mark>,
}

/// A size that the tree had, with what proves it later.
#[derive(Clone, Debug)]
struct Mark {
    /// The size.
    size: u64,
    /// The complete subtrees at that time, and what was joined to them from the right since then.
    nodes: Vec<(Node, TreeHash)>,
}

impl Tree {
    /// Returns the empty tree.
    pub(crate) fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::with_capacity(MAX_PEAKS),
            marks: Vec::new(),
        }
    }

    /// Returns a tree of this size from the text that [`peaks_text`](Self::peaks_text) wrote.
    ///
    /// `None` if it does not have as many hashes as a tree of this size has.
    pub(crate) fn from_peaks_text(size: u64, text: &str) -> Option<Self> {
        let peaks = hashes_from_text(text);
        let peaks = peaks.filter(|peaks| peaks.len() == size.count_ones() as usize)?;
        Some(Self {
            size,
            peaks,
            ..Self::new()
        })
    }

    /// Returns the hashes of the complete subtrees in hexadecimal digits, one after another.
    pub(crate) fn peaks_text(&self) -> String {
        hashes_to_text(&self.peaks)
    }

    /// Returns how many leaves the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root. It is computed from the peaks: one hash for each of them.
    pub(crate) fn root(&self) -> TreeHash {
        root_over(&self.peaks)
    }

    /// Returns the complete subtrees that the tree consists of, with their hashes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (Node, TreeHash)> {
        ranges::nodes(0..self.size).zip(self.peaks.iter().copied())
    }

    /// Adds a leaf. `completed` gets every node that it completes, the leaf first.
    pub(crate) fn push(&mut self, leaf: TreeHash, mut completed: impl FnMut(Node, &TreeHash)) {
        let mut node = Node {
            level: 0,
            index: self.size,
        };
        let mut hash = leaf;
        self.complete(node, &hash, &mut completed);
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            node = node.parent();
            self.complete(node, &hash, &mut completed);
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// Remembers the tree of this size, so that [`growth`](Self::growth) can prove it later.
    ///
    /// `keep` says which earlier marks, by their size, are kept too.
    pub(crate) fn mark(&mut self, keep: impl Fn(u64) -> bool) {
        let size = self.size;
        self.marks
            .retain(|mark| mark.size != size && keep(mark.size));
        let nodes = self.nodes().collect();
        self.marks.push(Mark { size, nodes });
    }

    /// Returns the size at the latest mark.
    pub(crate) fn marked(&self) -> Option<u64> {
        self.marks.last().map(|mark| mark.size)
    }

    /// Returns the size at a mark, and the proof that this tree begins with that one.
    ///
    /// `None` if there is no mark of this size, or if it is of the empty tree or of this one.
    pub(crate) fn growth(&self, since: u64) -> Option<(u64, Vec<TreeHash>)> {
        let mark = self.marks.iter().find(|mark| mark.size == since)?;
        if since == 0 || since == self.size {
            return None;
        }
        let known = |node: Node| {
            let mut all = mark.nodes.iter().copied().chain(self.nodes());
            all.find(|(known, _)| *known == node).map(|(_, hash)| hash)
        };
        let ranges = ranges::consistency_ranges(mark.size, self.size);
        let hash = |range| {
            let parts: Option<Vec<TreeHash>> = ranges::nodes(range).map(known).collect();
            parts.map(|parts| root_over(&parts))
        };
        let proof: Option<Vec<TreeHash>> = ranges.into_iter().map(hash).collect();
        Some((mark.size, proof?))
    }

    /// Passes a complete node on, and remembers it if it was joined to a marked tree.
    fn complete(
        &mut self,
        node: Node,
        hash: &TreeHash,
        completed: &mut impl FnMut(Node, &TreeHash),
    ) {
        completed(node, hash);
        for mark in &mut self.marks {
            if node.start() >= mark.size && node.parent().start() < mark.size {
                mark.nodes.push((node, *hash));
            }
        }
    }
}

impl Node {
    /// Returns the node above.
    fn parent(self) -> Self {
        Self {
            level: self.level.saturating_add(1),
            index: self.index >> 1,
        }
    }

    /// Returns its first leaf.
    fn start(self) -> u64 {
        self.index.checked_shl(self.level).unwrap_or(0)
    }
}
