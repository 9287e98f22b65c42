//! Compressed parts that cannot be decompressed: what verification reports, what an operator acknowledges, and how the
//! writer and readers go on.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use palisade_audit::{
    AcknowledgeError, Anchor, AuditKey, FileSinkBuilder, FindingReason, LowSpaceAction, Proof,
    ProofError, ProvenFact, RecordFilter, StoredRecord, TrailReport, UnreadablePart, VerifyOptions,
    VerifyOutcome, VerifyReport, acknowledge, follow_trail, prove_record, read_trail, verify_file,
};
use palisade_core::ManualClock;

use crate::{
    compressed::{builder, compressed_with, with_end, write},
    support::{NOW, close},
};

/// A trail of five or more compressed parts, under a key.
struct Trail {
    _folder: tempfile::TempDir,
    path: PathBuf,
    parts: Vec<PathBuf>,
}

fn key() -> AuditKey {
    static KEY: LazyLock<AuditKey> = LazyLock::new(|| AuditKey::generate().unwrap());
    KEY.clone()
}

fn keyed(builder: FileSinkBuilder) -> FileSinkBuilder {
    builder.key(key())
}

impl Trail {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        compressed_with(&path, 200, keyed).await;
        let parts = with_end(&path, ".zst");
        assert!(parts.len() >= 5, "{parts:?}");
        Self {
            _folder: folder,
            path,
            parts,
        }
    }

    /// The number of the first record of a part.
    fn first(&self, part: usize) -> u64 {
        let name = self.parts[part].file_name().unwrap().to_str().unwrap();
        name.split('.').nth(1).unwrap().parse().unwrap()
    }

    /// Leaves only the beginning of a compressed part: of its bytes, these parts of 100.
    fn cut(&self, part: usize, percent: usize) {
        let bytes = fs::read(&self.parts[part]).unwrap();
        fs::write(&self.parts[part], &bytes[..bytes.len() * percent / 100]).unwrap();
    }

    fn verify(&self) -> VerifyReport {
        self.verify_with(&VerifyOptions::new().key(key()))
    }

    fn verify_with(&self, options: &VerifyOptions) -> VerifyReport {
        verify_file(&self.path, options).unwrap()
    }
}

fn reasons(report: &VerifyReport) -> Vec<FindingReason> {
    report.findings.iter().map(|it| it.reason).collect()
}

fn damaged(from: u64, to: u64) -> FindingReason {
    let to = Some(to);
    FindingReason::DamagedPart { from, to }
}

/// Writes the trail on with another sink.
async fn go_on(path: &Path, change: fn(FileSinkBuilder) -> FileSinkBuilder, clock: &ManualClock) {
    let sink = change(keyed(builder(path)).clock(clock.shared()));
    let sink = sink.open().unwrap();
    for _ in 0..4 {
        clock.advance(Duration::from_secs(90));
        write(&sink, 1).await;
    }
    close(&sink).await;
}

/// The oldest parts are deleted while the disk has little space, which it always has.
fn always_little_space(builder: FileSinkBuilder) -> FileSinkBuilder {
    builder.low_space(LowSpaceAction::RetireOldest, u64::MAX / 2)
}

#[tokio::test]
async fn a_damaged_part_is_one_finding_and_everything_after_it_is_verified() {
    let trail = Trail::new().await;
    let whole = trail.verify();
    trail.cut(1, 0);
    let report = trail.verify();
    let (from, to) = (trail.first(1), trail.first(2) - 1);
    assert_eq!(reasons(&report), [damaged(from, to)]);
    let finding = &report.findings[0];
    assert_eq!(finding.file.as_ref(), Some(&trail.parts[1]));
    assert_eq!((finding.line, finding.sequence), (1, from));
    assert_eq!(report.outcome(), VerifyOutcome::Incidents);
    assert_eq!(report.last, whole.last);
    assert_eq!(report.records, whole.records - (to - from + 1));
    // What is done to a later part is found too.
    let text = zstd::decode_all(&*fs::read(&trail.parts[3]).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let text = text.replacen("app.counted", "app.changed", 1);
    fs::write(
        &trail.parts[3],
        zstd::encode_all(text.as_bytes(), 3).unwrap(),
    )
    .unwrap();
    let report = trail.verify();
    assert_eq!(
        reasons(&report),
        [damaged(from, to), FindingReason::Altered]
    );
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
}

#[tokio::test]
async fn a_damaged_part_that_is_acknowledged_is_settled_for_these_records_only() {
    let trail = Trail::new().await;
    trail.cut(1, 0);
    let report = trail.verify();
    let finding = &report.findings[0];
    acknowledge(&trail.path, &key(), &report, finding, "lin", "disk", NOW).unwrap();
    assert!(trail.verify().is_intact());
    // Another part is another incident.
    trail.cut(3, 0);
    let report = trail.verify();
    assert_eq!(report.outcome(), VerifyOutcome::Incidents);
    assert_eq!(report.findings[0].acknowledged_by.as_deref(), Some("lin"));
    assert_eq!(report.findings[1].acknowledged_by, None);
    // A part that is missing is none.
    fs::remove_file(&trail.parts[3]).unwrap();
    let report = trail.verify();
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
    let missing = report.findings.iter();
    let mut missing = missing.filter(|it| matches!(it.reason, FindingReason::Missing { .. }));
    let finding = missing.next().unwrap();
    let refused = acknowledge(&trail.path, &key(), &report, finding, "lin", "disk", NOW);
    assert!(matches!(refused, Err(AcknowledgeError::NotAnIncident)));
    // More records than were acknowledged are a new incident.
    fs::remove_file(&trail.parts[2]).unwrap();
    let report = trail.verify();
    assert_eq!(report.findings[0].acknowledged_by, None, "{report:?}");
}

#[tokio::test]
async fn damaged_parts_in_a_row_and_at_the_beginning_are_each_named() {
    let trail = Trail::new().await;
    for part in [0, 1, 3] {
        trail.cut(part, 0);
    }
    let report = trail.verify();
    let range = |part| damaged(trail.first(part), trail.first(part + 1) - 1);
    assert_eq!(reasons(&report), [range(0), range(1), range(3)]);
    let files: Vec<_> = report.findings.iter().map(|it| it.file.clone()).collect();
    let named = [0, 1, 3].map(|part| Some(trail.parts[part].clone()));
    assert_eq!(files, named);
    assert_eq!(report.first, 1);
}

#[tokio::test]
async fn an_anchor_among_records_that_cannot_be_read_is_missed() {
    let trail = Trail::new().await;
    let hash = "0".repeat(64);
    let first = trail.first(1);
    let last = trail.first(2) - 1;
    trail.cut(1, 0);
    for (record, reason) in [
        (first + 1, FindingReason::Missing { found: last }),
        (last, FindingReason::Rewritten),
    ] {
        let anchor: Anchor = format!("{record}:{hash}").parse().unwrap();
        let options = VerifyOptions::new().key(key()).anchor(anchor);
        let report = trail.verify_with(&options);
        assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
        assert!(reasons(&report).contains(&reason), "{report:?}");
    }
}

#[tokio::test]
async fn a_start_goes_on_after_a_damaged_part() {
    let trail = Trail::new().await;
    trail.cut(trail.parts.len() - 1, 0);
    // With the file that is written, and without it.
    for _ in 0..2 {
        let clock = ManualClock::new(NOW);
        go_on(&trail.path, |builder| builder, &clock).await;
        let report = trail.verify();
        assert!(report.closed && !report.is_intact(), "{report:?}");
        fs::remove_file(&trail.path).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_part_is_deleted_when_there_is_little_space() {
    let trail = Trail::new().await;
    trail.cut(0, 50);
    go_on(&trail.path, always_little_space, &ManualClock::new(NOW)).await;
    assert!(!trail.parts[0].exists() && !trail.parts[1].exists());
    let report = trail.verify();
    assert!(
        report.is_intact() && report.retired > 0,
        "{:?}",
        report.findings
    );
}

#[tokio::test]
async fn damaged_parts_in_a_row_are_deleted_together() {
    let trail = Trail::new().await;
    for part in &trail.parts {
        fs::write(part, "no frame").unwrap();
    }
    go_on(&trail.path, always_little_space, &ManualClock::new(NOW)).await;
    assert!(!trail.parts.iter().any(|part| part.exists()));
    let report = trail.verify();
    assert!(report.is_intact(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_young_part_is_kept_though_the_one_before_it_is_damaged() {
    let trail = Trail::new().await;
    trail.cut(0, 50);
    let old = std::time::UNIX_EPOCH + NOW - Duration::from_secs(1_000_000);
    let young = std::time::UNIX_EPOCH + NOW;
    for (index, part) in trail.parts.iter().enumerate() {
        let file = fs::File::options().write(true).open(part).unwrap();
        file.set_modified(if index == 0 { old } else { young })
            .unwrap();
    }
    let keep = |builder: FileSinkBuilder| builder.keep_for(Duration::from_secs(500_000));
    go_on(&trail.path, keep, &ManualClock::new(NOW)).await;
    assert!(!trail.parts[0].exists() && trail.parts[1].exists());
    let report = trail.verify();
    assert_eq!(report.retired, trail.first(1) - 1);
    assert!(report.is_intact(), "{:?}", report.findings);
}

/// The numbers of the records that are read, and the files that could not be read to their end.
fn read(records: impl Iterator<Item = io::Result<StoredRecord>>) -> (Vec<u64>, Vec<PathBuf>) {
    let (mut numbers, mut unreadable) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Ok(record) => numbers.push(record.sequence().unwrap()),
            Err(error) => unreadable.push(UnreadablePart::of(&error).unwrap().path().into()),
        }
    }
    (numbers, unreadable)
}

#[tokio::test]
async fn readers_name_a_damaged_part_and_go_on() {
    let trail = Trail::new().await;
    let last = trail.verify().last.sequence();
    trail.cut(1, 0);
    fs::write(&trail.parts[3], "no frame").unwrap();
    let lost: Vec<u64> = [1, 3]
        .into_iter()
        .flat_map(|part| trail.first(part)..trail.first(part + 1))
        .collect();
    let expected: Vec<u64> = (1..=last).filter(|it| !lost.contains(it)).collect();
    let named = vec![trail.parts[1].clone(), trail.parts[3].clone()];
    let records = read_trail(&trail.path).unwrap();
    assert_eq!(read(records), (expected.clone(), named.clone()));

    let records = read_trail(&trail.path).unwrap();
    let filter = RecordFilter::new().kind("event");
    let report = TrailReport::collect(records, filter).unwrap();
    assert!(report.unreadable_parts().eq(&named));
    let page = report.to_html("audit.jsonl", None);
    for part in &named {
        assert!(page.contains(part.to_str().unwrap()), "{page}");
    }
}

#[tokio::test]
async fn who_follows_a_trail_goes_on_after_a_damaged_part() {
    let trail = Trail::new().await;
    trail.cut(trail.parts.len() - 1, 0);
    let live = fs::read_to_string(&trail.path).unwrap().lines().count();
    let mut follower = follow_trail(&trail.path).unwrap();
    let (numbers, unreadable) = read(std::iter::from_fn(|| follower.next_record().transpose()));
    assert_eq!(unreadable, [trail.parts.last().unwrap().clone()]);
    assert_eq!(numbers.len(), live);
    // The file that is written is rotated: the damaged part is not read again.
    let clock = ManualClock::new(NOW);
    let rotate = |builder: FileSinkBuilder| builder.rotate_at(4096);
    while with_end(&trail.path, ".jsonl").len() < 2 {
        go_on(&trail.path, rotate, &clock).await;
    }
    let (_, unreadable) = read(std::iter::from_fn(|| follower.next_record().transpose()));
    assert!(unreadable.is_empty());
}

#[tokio::test]
async fn records_beside_a_damaged_part_are_proven() {
    let trail = Trail::new().await;
    let options = VerifyOptions::new().key(key());
    let last = trail.verify().last.sequence();
    trail.cut(1, 0);
    let damaged = trail.first(1)..trail.first(2);
    let prove = |record| prove_record(&trail.path, record, Some(last), &options);
    for record in [trail.first(2), trail.first(3) + 1, last] {
        let proof = Proof::from_json(&prove(record).unwrap().to_json()).unwrap();
        let fact = proof.check(&options).unwrap();
        assert!(matches!(fact, ProvenFact::Record { number, .. } if number == record));
    }
    for record in damaged {
        match prove(record).unwrap_err() {
            ProofError::Io(error) => {
                let part = UnreadablePart::of(&error).unwrap();
                assert_eq!(part.path(), trail.parts[1]);
            }
            other => panic!("{other:?}"),
        }
    }
    // Also if the trail begins with it.
    trail.cut(0, 0);
    assert!(prove(last).is_ok());
    // A proof about parts that are whole does not hide what was changed in them.
    let text = zstd::decode_all(&*fs::read(&trail.parts[3]).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let text = text.replacen("app.counted", "app.changed", 1);
    fs::write(
        &trail.parts[3],
        zstd::encode_all(text.as_bytes(), 3).unwrap(),
    )
    .unwrap();
    assert!(matches!(
        prove(last),
        Err(ProofError::Contradicted { checkpoint }) if checkpoint == last
    ));
}
