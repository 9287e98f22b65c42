//! The journal over a store that fails.

use palisade_core::ManualClock;

use super::{
    super::journal::{FilePosition, Journal},
    faulty::Faulty,
    verified,
};
use crate::{
    chain::{Anchor, Seal, merkle::Tree},
    verify::{FindingReason, VerifyError, VerifyReport},
};

fn journal(rotate_at: u64) -> (Journal<Faulty>, Faulty) {
    let store = Faulty::default();
    let start = FilePosition {
        anchor: Anchor::GENESIS,
        length: 0,
        first: 0,
    };
    let clock = ManualClock::new(std::time::Duration::ZERO).shared();
    let journal = Journal::new(
        store.clone(),
        (Seal::Plain, None),
        "t".to_owned(),
        start,
        Tree::new(),
        rotate_at,
        clock,
    );
    (journal, store)
}

/// A journal with four older parts.
pub(super) fn rotated() -> (Journal<Faulty>, Faulty) {
    let (mut journal, store) = journal(200);
    while store.set().parts.len() < 4 {
        push(&mut journal, 1);
        keep(&mut journal).unwrap();
    }
    (journal, store)
}

fn push(journal: &mut Journal<Faulty>, id: u32) {
    journal.push(|out| {
        out.extend_from_slice(format!("{{\"v\":1,\"type\":\"request\",\"id\":\"{id}\"").as_bytes());
    });
}

fn keep(journal: &mut Journal<Faulty>) -> std::io::Result<()> {
    journal.write()?;
    journal.sync()
}

fn check(store: &Faulty) -> Result<VerifyReport, VerifyError> {
    let inner = store.set();
    let mut parts: Vec<&[u8]> = inner.parts.iter().map(Vec::as_slice).collect();
    parts.push(&inner.file);
    verified(&parts)
}

#[test]
fn a_full_disk_leaves_no_partial_line_and_loses_nothing() {
    let (mut journal, store) = journal(u64::MAX);
    push(&mut journal, 1);
    keep(&mut journal).unwrap();
    let before = store.trail();
    store.set().space = Some(30);
    push(&mut journal, 2);
    assert!(keep(&mut journal).is_err());
    assert_eq!(store.trail(), before, "the torn line was cut off again");
    push(&mut journal, 3);
    store.set().space = None;
    keep(&mut journal).unwrap();
    let report = check(&store).unwrap();
    assert_eq!((report.requests, report.recoveries, report.lost), (3, 0, 0));
}

#[test]
fn a_disk_that_is_full_at_the_start_holds_nothing_up_later() {
    let (mut journal, store) = journal(u64::MAX);
    store.set().space = Some(0);
    push(&mut journal, 1);
    assert!(keep(&mut journal).is_err());
    store.set().space = None;
    keep(&mut journal).unwrap();
    assert_eq!(check(&store).unwrap().requests, 1);
}

#[test]
fn a_torn_line_that_cannot_be_cut_off_ends_its_file() {
    let (mut journal, store) = journal(u64::MAX);
    push(&mut journal, 1);
    keep(&mut journal).unwrap();
    store.set().space = Some(30);
    store.set().no_truncate = true;
    push(&mut journal, 2);
    assert!(keep(&mut journal).is_err());
    store.set().space = None;
    store.set().no_truncate = false;
    keep(&mut journal).unwrap();
    let report = check(&store).unwrap();
    assert_eq!(
        (report.requests, report.files, report.recoveries),
        (2, 2, 1)
    );
}

#[test]
fn after_a_failed_sync_everything_in_doubt_is_written_anew_elsewhere() {
    let (mut journal, store) = journal(u64::MAX);
    push(&mut journal, 1);
    keep(&mut journal).unwrap();
    push(&mut journal, 2);
    journal.write().unwrap();
    store.set().no_sync = true;
    push(&mut journal, 3);
    assert!(keep(&mut journal).is_err());
    assert_eq!(
        journal.waiting() + journal.unsynced(),
        2,
        "nothing left memory"
    );
    assert_eq!(journal.safe().sequence(), 2, "nothing was taken for safe");
    store.set().no_sync = false;
    keep(&mut journal).unwrap();
    let report = check(&store).unwrap();
    assert_eq!(
        (report.requests, report.files, report.recoveries),
        (3, 2, 1)
    );
    assert_eq!(store.set().syncs, 3, "the failed file was not synced again");
}

#[test]
fn a_file_that_never_was_safe_is_no_part_of_the_chain() {
    let (mut journal, store) = journal(u64::MAX);
    store.set().no_sync = true;
    push(&mut journal, 1);
    assert!(keep(&mut journal).is_err());
    store.set().no_sync = false;
    keep(&mut journal).unwrap();
    assert_eq!(check(&store).unwrap().requests, 1);
    assert_eq!(store.set().aside.len(), 1);
}

#[test]
fn a_file_that_another_process_changed_is_reported_as_damage() {
    let (mut journal, store) = journal(u64::MAX);
    push(&mut journal, 1);
    keep(&mut journal).unwrap();
    store.set().foreign = true;
    push(&mut journal, 2);
    keep(&mut journal).unwrap();
    assert_eq!(store.set().aside[0].0, "replaced");
    let finding = check(&store).unwrap().findings.remove(0);
    assert_eq!(finding.reason, FindingReason::FileReplaced);
}

#[test]
fn the_chain_goes_through_all_parts() {
    let (mut journal, store) = journal(4096);
    for id in 0..200 {
        push(&mut journal, id);
        keep(&mut journal).unwrap();
    }
    let report = check(&store).unwrap();
    assert_eq!((report.requests, report.lost), (200, 0));
    assert!(report.files > 4, "{report:?}");
    assert_eq!(report.last, journal.safe());
}

#[test]
fn a_missing_part_is_found() {
    let (mut journal, store) = journal(4096);
    for id in 0..200 {
        push(&mut journal, id);
        keep(&mut journal).unwrap();
    }
    store.set().parts.remove(1);
    let finding = check(&store).unwrap().findings.remove(0);
    assert!(
        matches!(finding.reason, FindingReason::Missing { .. }),
        "{finding}"
    );
    assert_eq!(finding.line, 1);
}

#[test]
fn a_file_that_cannot_be_rotated_goes_on() {
    let (mut journal, store) = journal(4096);
    store.set().no_renew = true;
    for id in 0..100 {
        push(&mut journal, id);
        keep(&mut journal).unwrap();
    }
    assert_eq!(check(&store).unwrap().files, 1);
    store.set().no_renew = false;
    push(&mut journal, 100);
    keep(&mut journal).unwrap();
    let report = check(&store).unwrap();
    assert_eq!((report.files, report.requests), (2, 101));
}

#[test]
fn a_disk_whose_syncs_fail_for_hours_is_one_record() {
    let (mut journal, store) = journal(u64::MAX);
    push(&mut journal, 1);
    keep(&mut journal).unwrap();
    store.set().no_sync = true;
    push(&mut journal, 2);
    for _ in 0..1000 {
        assert!(keep(&mut journal).is_err());
    }
    assert_eq!(
        journal.waiting() + journal.unsynced(),
        2,
        "one record, one log line"
    );
    store.set().no_sync = false;
    keep(&mut journal).unwrap();
    let report = check(&store).unwrap();
    assert_eq!((report.requests, report.recoveries), (2, 1));
    assert!(report.is_intact(), "{report:#?}");
}

#[test]
fn a_full_disk_delays_the_restoring_of_a_deleted_file_and_loses_nothing() {
    let (mut journal, store) = journal(u64::MAX);
    push(&mut journal, 1);
    keep(&mut journal).unwrap();
    store.set().unnamed = true;
    store.set().space = Some(0);
    push(&mut journal, 2);
    assert!(keep(&mut journal).is_err());
    assert!(keep(&mut journal).is_err());
    store.set().space = None;
    keep(&mut journal).unwrap();
    let report = check(&store).unwrap();
    assert_eq!((report.requests, report.first), (2, 1));
    assert_eq!(report.findings.len(), 1, "{report:#?}");
}
