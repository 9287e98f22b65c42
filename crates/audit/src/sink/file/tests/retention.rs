//! Retention over a store that fails.

use std::time::Duration;

use super::{
    super::{
        retention::{Retention, RetentionCheck, RetentionOutcome},
        writer_records::{self, Retired},
    },
    journal::rotated,
    verified,
};
use crate::{
    chain::{Anchor, Line},
    verify::{FindingReason, VerifyReport},
};

#[test]
fn a_part_that_cannot_be_read_is_not_read_each_second() {
    let (mut journal, store) = rotated();
    store.set().unreadable = true;
    let mut check = RetentionCheck::new(Retention::default());
    let mut at = |second| {
        let time = Duration::from_secs(second);
        check.run_oldest(&mut journal, (time, time)).is_err()
    };
    let failed: Vec<_> = (0..130).filter(|second| at(*second)).collect();
    assert_eq!(failed, [0, 60, 120]);
    assert_eq!(store.set().reads, 3);
    store.set().unreadable = false;
    let before = store.set().parts.clone();
    assert!(!at(180) && !at(181));
    assert_eq!(store.set().parts[0], before[2], "one each time");
}

/// Records that the oldest parts were deleted up to this record, and deletes so many. Returns the number of the record too.
fn retired_up_to(last: Anchor, deleted: usize) -> (VerifyReport, u64) {
    let (mut journal, store) = rotated();
    let retired = Retired {
        from: 1,
        last,
        files: 1,
        bytes: 1,
        why: "age",
    };
    journal.push(|out| out.extend(writer_records::retired(Duration::ZERO, retired)));
    journal.write().unwrap();
    journal.sync().unwrap();
    store.set().parts.drain(..deleted);
    let inner = store.set();
    let mut files: Vec<&[u8]> = inner.parts.iter().map(Vec::as_slice).collect();
    files.push(&inner.file);
    let mut lines = inner.file.split(|byte| *byte == b'\n');
    let own = lines.find(|line| line.windows(9).any(|it| it == b"\"retired\""));
    let own = Line::parse(own.unwrap()).unwrap().sequence;
    (verified(&files).unwrap(), own)
}

/// The last record of an older part.
fn end_of(part: usize) -> Anchor {
    let (_, store) = rotated();
    let part = store.set().parts[part].clone();
    let line = part.split(|byte| *byte == b'\n').rev().nth(1).unwrap();
    let line = Line::parse(line).unwrap();
    Anchor::new(line.sequence, line.hash)
}

#[test]
fn a_deletion_is_believed_only_if_it_ends_where_the_first_file_begins_and_before_its_own_record() {
    let end = end_of(1);
    let (report, own_number) = retired_up_to(end, 2);
    assert!(report.is_intact(), "{report:#?}");
    // Not all of what was to be deleted is: that is no fault.
    assert!(retired_up_to(end, 1).0.is_intact());
    let other_hash = Anchor::new(end.sequence(), [7; 32]);
    for told in [
        other_hash,
        Anchor::new(own_number, [7; 32]),
        Anchor::new(u64::MAX, [7; 32]),
    ] {
        let (report, _) = retired_up_to(told, 2);
        let to = end.sequence();
        let reasons: Vec<_> = report.findings.iter().map(|it| it.reason).collect();
        assert_eq!(
            reasons,
            [FindingReason::StartMissing { from: 1, to }],
            "{told}"
        );
    }
    let (report, _) = retired_up_to(end_of(3), 2);
    assert_eq!(report.findings, [], "a later part is still there");
}

#[test]
fn a_part_with_a_forged_line_stays_and_is_reported_once() {
    let (mut journal, store) = rotated();
    let retention = Retention {
        bytes: Some(0),
        ..Retention::default()
    };
    let mut check = RetentionCheck::new(retention);
    let before = store.set().parts.clone();
    let mut at = |second| {
        let told = check.run(&mut journal, Duration::from_secs(second));
        matches!(told.unwrap(), RetentionOutcome::Refused(_))
    };
    let forged = format!(
        "{{\"v\":1,\"type\":\"x\",\"seq\":{},\"hash\":\"{}\"}}\n",
        end_of(2).sequence(),
        "0".repeat(64)
    );
    store.set().parts[1].extend(forged.as_bytes());
    assert!(!at(1), "the first part is good");
    assert_eq!(store.set().parts[1..3], before[2..]);
    assert_eq!([at(2), at(3), at(4)], [true, false, false]);
    store.set().parts[0] = before[1].clone();
    assert!(!at(5));
    let parts = store.set().parts.clone();
    assert!(
        parts.iter().all(|part| !before.contains(part)),
        "the cause is gone"
    );
}
