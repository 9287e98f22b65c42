//! Older parts that are compressed, and everything that reads them.

use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    time::Duration,
};

use palisade_audit::{
    AuditBuildError, AuditEvent, AuditLayer, FileSink, FileSinkBuilder, FindingReason,
    LowSpaceAction, RecordFilter, TrailReader, VerifyOptions, VerifyOutcome, follow_trail,
    prove_record, read_trail, verify, verify_file,
};
use palisade_core::ManualClock;

use crate::support::{NOW, close};

/// The smallest length of a part.
const SMALL: u64 = 4096;

pub(crate) fn builder(path: &Path) -> FileSinkBuilder {
    let clock = ManualClock::new(NOW).shared();
    // However little space the machine has.
    FileSink::builder(path)
        .rotate_at(SMALL)
        .clock(clock)
        .low_space(LowSpaceAction::Warn, 0)
        .low_space(LowSpaceAction::CountRefusals, 0)
}

/// Files whose names have this end.
pub(crate) fn with_end(path: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|file| file.to_str().unwrap().ends_with(end));
    found.sort();
    found
}

/// The older parts that are not compressed.
fn plain_parts(path: &Path) -> Vec<PathBuf> {
    let mut found = with_end(path, ".jsonl");
    found.retain(|file| file != path);
    found
}

pub(crate) async fn write(sink: &FileSink, events: usize) {
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    for number in 0..events {
        layer.record(AuditEvent::new("app.counted").number("number", number as u64));
        if number % 20 == 0 {
            layer.handle().flush().await.unwrap();
        }
    }
    layer.handle().flush().await.unwrap();
}

/// Writes a trail of several parts, all of which are compressed.
async fn compressed(path: &Path, events: usize) {
    compressed_with(path, events, |builder| builder).await;
}

pub(crate) async fn compressed_with(
    path: &Path,
    events: usize,
    change: fn(FileSinkBuilder) -> FileSinkBuilder,
) {
    let sink = change(builder(path)).open().unwrap();
    write(&sink, events).await;
    close(&sink).await;
    let sink = change(builder(path)).compress_parts().open().unwrap();
    while !plain_parts(path).is_empty() {
        tokio::task::yield_now().await;
    }
    close(&sink).await;
}

fn numbers(reader: TrailReader) -> Vec<u64> {
    reader
        .map(|record| record.unwrap().sequence().unwrap())
        .collect()
}

#[tokio::test]
async fn every_reader_reads_parts_that_are_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    compressed(&path, 200).await;
    let parts = with_end(&path, ".zst");
    assert!(parts.len() >= 5, "{parts:?}");
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.events, 200);
    let last = report.last.sequence();
    assert_eq!(
        numbers(read_trail(&path).unwrap()),
        (1..=last).collect::<Vec<_>>()
    );
    let mut filter = RecordFilter::new().kind("event");
    let found = read_trail(&path)
        .unwrap()
        .filter(|record| filter.admits(record.as_ref().unwrap()));
    assert_eq!(found.count(), 200);
    let proof = prove_record(&path, 3, None, &VerifyOptions::new()).unwrap();
    assert!(proof.to_json().contains("app.counted"));
    let mut trail = follow_trail(&path).unwrap();
    let first = trail.next_record().unwrap().unwrap();
    assert_eq!(first.kind(), "opened", "it begins with the latest part");
    // One part alone, as a file or from a pipe.
    let part = BufReader::new(fs::File::open(&parts[0]).unwrap());
    let report = verify(part, &VerifyOptions::new()).unwrap();
    assert!(report.is_intact() && report.records > 10, "{report:?}");
}

#[tokio::test]
async fn parts_are_compressed_while_the_writer_goes_on_and_keep_mode_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = builder(&path).compress_parts().open().unwrap();
    write(&sink, 200).await;
    while !plain_parts(&path).is_empty() {
        tokio::task::yield_now().await;
    }
    #[cfg(unix)]
    for part in with_end(&path, ".zst") {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&part).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
    write(&sink, 100).await;
    close(&sink).await;
    assert_eq!(with_end(&path, ".part"), Vec::<PathBuf>::new());
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert_eq!((report.events, report.is_intact()), (300, true));
}

#[tokio::test]
async fn a_crash_at_any_step_of_compressing_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = builder(&path).open().unwrap();
    write(&sink, 200).await;
    close(&sink).await;
    let parts = plain_parts(&path);
    let zst = |part: &Path| PathBuf::from(format!("{}.zst", part.display()));
    // Begun; damaged but with its name; finished, and the plain part still there; the plain part removed.
    fs::write(format!("{}.part", zst(&parts[0]).display()), "begun").unwrap();
    fs::write(zst(&parts[1]), "damaged").unwrap();
    let whole = |part: &Path| zstd::encode_all(&*fs::read(part).unwrap(), 3).unwrap();
    fs::write(zst(&parts[2]), whole(&parts[2])).unwrap();
    fs::write(zst(&parts[3]), whole(&parts[3])).unwrap();
    fs::remove_file(&parts[3]).unwrap();
    let check = || {
        let report = verify_file(&path, &VerifyOptions::new()).unwrap();
        assert_eq!(
            (report.events, report.is_intact()),
            (200, true),
            "{:?}",
            report.findings
        );
    };
    check();
    let sink = builder(&path).compress_parts().open().unwrap();
    while !plain_parts(&path).is_empty() {
        tokio::task::yield_now().await;
    }
    close(&sink).await;
    assert_eq!(with_end(&path, ".part"), Vec::<PathBuf>::new());
    check();
}

#[tokio::test]
async fn a_compressed_part_that_is_damaged_or_changed_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    compressed(&path, 200).await;
    let part = &with_end(&path, ".zst")[1];
    let good = fs::read(part).unwrap();
    let text = String::from_utf8(zstd::decode_all(&*good).unwrap()).unwrap();
    let changed = text.replacen("app.counted", "app.changed", 1);
    fs::write(part, zstd::encode_all(changed.as_bytes(), 3).unwrap()).unwrap();
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert_eq!(report.findings[0].reason, FindingReason::Altered);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xFF;
    for damaged in [&flipped, &good[..good.len() / 2], &good[..4], b""] {
        fs::write(part, damaged).unwrap();
        let report = verify_file(&path, &VerifyOptions::new()).unwrap();
        assert_ne!(report.outcome(), VerifyOutcome::Intact);
        assert!(
            report
                .findings
                .iter()
                .any(|it| it.file.as_ref() == Some(part)),
            "{:?}",
            report.findings
        );
        assert!(report.closed, "the rest was read");
    }
    fs::remove_file(part).unwrap();
    assert!(
        !verify_file(&path, &VerifyOptions::new())
            .unwrap()
            .is_intact()
    );
}

#[tokio::test]
async fn an_incomplete_plain_part_beside_a_compressed_one_hides_and_costs_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    compressed(&path, 200).await;
    // `zstd -d` was stopped.
    let part = &with_end(&path, ".zst")[1];
    let stored = fs::read(part).unwrap();
    let text = zstd::decode_all(&*stored).unwrap();
    let plain = part.with_extension("");
    fs::write(&plain, &text[..text.len() / 2]).unwrap();
    let check = |events| {
        let report = verify_file(&path, &VerifyOptions::new()).unwrap();
        assert_eq!((report.events, &*report.findings), (events, &[][..]));
        let last = report.last.sequence();
        assert_eq!(numbers(read_trail(&path).unwrap()).len() as u64, last);
    };
    check(200);
    let sink = builder(&path).compress_parts().open().unwrap();
    write(&sink, 100).await;
    while plain_parts(&path) != [plain.clone()] {
        tokio::task::yield_now().await;
    }
    close(&sink).await;
    assert_eq!(fs::read(part).unwrap(), stored);
    check(300);
}

#[tokio::test]
async fn what_was_not_finished_is_removed_by_a_start_that_does_not_compress() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    compressed(&path, 200).await;
    let begun = format!("{}.5f2a.part", with_end(&path, ".zst")[0].display());
    fs::write(&begun, "begun").unwrap();
    close(&builder(&path).open().unwrap()).await;
    assert!(!Path::new(&begun).exists());
}

#[test]
fn a_trail_is_not_named_as_a_compressed_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl.zst");
    let refused = |path: &Path| {
        let error = FileSink::builder(path).open().unwrap_err();
        matches!(
            error,
            AuditBuildError::InvalidSetting {
                setting: "path",
                ..
            }
        )
    };
    assert!(refused(&path));
    #[cfg(unix)]
    {
        let link = folder.path().join("audit.jsonl");
        fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(refused(&link));
    }
}

#[tokio::test]
async fn retention_deletes_compressed_parts_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    compressed(&path, 400).await;
    let before = with_end(&path, ".zst").len();
    let total: u64 = with_end(&path, ".zst")
        .iter()
        .map(|part| fs::metadata(part).unwrap().len())
        .sum();
    let sink = builder(&path)
        .compress_parts()
        .keep_at_most(total / 2 + SMALL);
    let sink = sink.sync_every(Duration::from_millis(1)).open().unwrap();
    write(&sink, 40).await;
    close(&sink).await;
    assert!(with_end(&path, ".zst").len() < before);
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert!(
        report.is_intact() && report.retired > 0,
        "{:?}",
        report.findings
    );
}
