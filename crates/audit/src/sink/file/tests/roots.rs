//! A stated root that is not that of the records.

use std::{io::BufReader, time::Duration};

use palisade_core::ManualClock;

use super::{
    super::journal::{FilePosition, Journal},
    faulty::Faulty,
    verified,
};
use crate::{
    chain::{
        Anchor, Checkpoint, Seal, Signer,
        merkle::{Tree, leaf_hash},
    },
    verify::{FindingReason, VerifyOptions, verify},
};

/// Writes records with a tree, closes the trail and returns its bytes, last record and root.
fn written(tree: Tree, rotate_at: u64) -> (Faulty, Anchor, [u8; 32]) {
    let store = Faulty::default();
    let start = FilePosition {
        anchor: Anchor::GENESIS,
        length: 0,
        first: 0,
    };
    let clock = ManualClock::new(Duration::ZERO).shared();
    let trail = "t".to_owned();
    let mut journal = Journal::new(
        store.clone(),
        (Seal::Plain, None),
        trail,
        start,
        tree,
        rotate_at,
        clock,
    );
    for id in 0..160 {
        journal.push(|out| {
            let record = format!("{{\"v\":1,\"type\":\"request\",\"id\":\"{id}\"");
            out.extend_from_slice(record.as_bytes());
        });
        journal.write().unwrap();
        journal.sync().unwrap();
    }
    journal.close();
    journal.write().unwrap();
    journal.sync().unwrap();
    let (_, last, tree) = journal.checkpoint();
    (store, last, tree.root())
}

#[test]
fn roots_at_the_ends_of_parts_and_of_the_trail_are_compared() {
    let parts = |store: &Faulty| {
        let inner = store.set();
        let parts: Vec<Vec<u8>> = inner
            .parts
            .iter()
            .cloned()
            .chain([inner.file.clone()])
            .collect();
        parts
    };
    let report = |store: &Faulty| {
        let parts = parts(store);
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        verified(&slices).unwrap()
    };
    let (good, ..) = written(Tree::new(), 4096);
    let intact = report(&good);
    assert!(intact.is_intact(), "{intact:#?}");
    assert!(intact.files > 2, "{intact:#?}");
    // Each part but the first begins with the tree before it, each but the last ends with a root, and the trail too.
    assert_eq!(intact.roots, 2 * intact.files - 1);
    let mut other = Tree::new();
    other.push(leaf_hash(b"another record"), |_, _| {});
    let (bad, ..) = written(other, 4096);
    let reasons: Vec<_> = report(&bad).findings.iter().map(|it| it.reason).collect();
    assert!(reasons.len() > 2, "{reasons:?}");
    assert!(
        reasons.iter().all(|it| *it == FindingReason::WrongRoot),
        "{reasons:?}"
    );
}

#[test]
fn the_root_in_a_checkpoint_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints");
    let (store, anchor, root) = written(Tree::new(), u64::MAX);
    let trail = store.trail();
    let found = |root: [u8; 32]| {
        let checkpoint = Checkpoint {
            trail: "t".to_owned(),
            anchor,
            root,
            growth: None,
        };
        let line = checkpoint.to_line("2023-11-14T22:13:20.000000Z", &Signer::Plain);
        std::fs::write(&file, line).unwrap();
        let options = VerifyOptions::new().checkpoints(&file);
        let report = verify(BufReader::new(&*trail), &options).unwrap();
        let wrong = |it: &&crate::Finding| it.reason == FindingReason::WrongRoot;
        report.findings.iter().filter(wrong).count()
    };
    assert_eq!((found(root), found([7; 32])), (0, 1));
}
