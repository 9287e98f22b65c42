//! Computes the Merkle tree again, and compares it with what the records and checkpoints state.
//!
//! The opening record of a file states the tree before it, and the last record of a part states the root over all
//! records before it. After records that are missing or bad the tree is unknown, until the next file states it.

use palisade_internal::hex;

use super::{Scan, record_members::RecordMembers};
use crate::{
    chain::merkle::{Tree, TreeHash},
    verify::FindingReason,
};

impl Scan {
    /// Compares what a good record states about the tree, and adds its leaf.
    pub(super) fn grow(&mut self, sequence: u64, leaf: &TreeHash, content: &RecordMembers<'_>) {
        let before = sequence.saturating_sub(1);
        self.tree.take_if(|tree| tree.size() != before);
        if content.kind == "opened" {
            self.restate(before, content);
        }
        if let ("rotated" | "closed", Some(stated)) = (&*content.kind, content.root.as_deref()) {
            let stated = hex::decode(stated.as_bytes()).unwrap_or_default();
            self.compare_root(&stated, sequence);
        }
        if let Some(tree) = &mut self.tree {
            tree.push(*leaf, |_, _| {});
        }
        self.mark_tree();
    }

    /// Compares the root of the tree so far with a stated one. An unknown tree is not compared.
    pub(super) fn compare_root(&mut self, stated: &TreeHash, sequence: u64) {
        let Some(root) = self.tree.as_ref().map(Tree::root) else {
            return;
        };
        self.report.roots += 1;
        if root != *stated {
            self.find_at(FindingReason::WrongRoot, sequence);
        }
    }

    /// Takes the tree that the opening record of a file states, or compares it with the known one.
    fn restate(&mut self, before: u64, content: &RecordMembers<'_>) {
        let stated = Tree::from_peaks_text(before, content.tree.as_deref().unwrap_or_default());
        let sequence = before.saturating_add(1);
        match (&self.tree, stated) {
            (_, None) => self.find_at(FindingReason::WrongRoot, sequence),
            (None, Some(stated)) => {
                self.tree = Some(stated);
                self.mark_tree();
            }
            (Some(_), Some(stated)) => self.compare_root(&stated.root(), sequence),
        }
    }

    /// Marks the tree if it is that of the checkpoint that the writer continues from.
    fn mark_tree(&mut self) {
        if let (Some(tree), Some((size, root))) = (&mut self.tree, self.mark_at)
            && tree.size() == size
            && tree.root() == root
        {
            tree.mark(|_| false);
        }
    }
}
