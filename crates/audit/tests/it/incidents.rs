//! What comes after an incident: verification goes on, and nothing is hidden behind it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use palisade_audit::{
    AuditKey, FileSink, Finding, FindingClass, FindingReason, Sink, VerifyError, VerifyOptions,
    VerifyOutcome, VerifyReport, acknowledge, verify_file,
};
use tempfile::{TempDir, tempdir};

use crate::support::{NOW, close, of_type, serve};

pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("audit.jsonl")
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.0.path().join("audit.jsonl.checkpoints")
    }

    pub(crate) async fn run(&self, requests: usize) {
        run(&self.path(), requests).await;
    }

    pub(crate) fn report(&self) -> VerifyReport {
        verify_file(self.path(), &options()).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path()).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    pub(crate) fn write(&self, lines: &[String]) {
        fs::write(self.path(), lines.concat()).unwrap();
    }
}

pub(crate) fn key() -> AuditKey {
    AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").unwrap()
}

pub(crate) fn options() -> VerifyOptions {
    VerifyOptions::new().key(key())
}

pub(crate) async fn run(path: &Path, requests: usize) {
    let sink = FileSink::builder(path).key(key()).open().unwrap();
    serve(&sink, requests).await;
    close(&sink).await;
}

pub(crate) fn reasons(report: &VerifyReport) -> Vec<FindingReason> {
    report.findings.iter().map(|it| it.reason).collect()
}

/// A trail with an incident in it: a damaged file that a restart set aside.
async fn with_incident() -> Place {
    let place = Place::new();
    place.run(5).await;
    let mut lines = place.lines();
    lines[3] = lines[3].replace("200", "500");
    place.write(&lines);
    place.run(8).await;
    place
}

#[tokio::test]
async fn an_incident_has_its_own_outcome_and_ends_no_verification() {
    let place = with_incident().await;
    let report = place.report();
    assert_eq!(report.outcome(), VerifyOutcome::Incidents, "{report:#?}");
    assert!(reasons(&report).contains(&FindingReason::DamageSetAside));
    assert_eq!(report.requests, 8, "what came after it was read");
}

#[tokio::test]
async fn what_is_done_to_the_trail_after_an_incident_is_found() {
    let place = with_incident().await;
    let whole = place.lines();
    for index in 3..whole.len() {
        let mut removed = whole.clone();
        drop(removed.remove(index));
        place.write(&removed);
        let report = place.report();
        assert_eq!(
            report.outcome(),
            VerifyOutcome::NotIntact,
            "line {index} removed"
        );
        let mut changed = whole.clone();
        changed[index] = changed[index].replacen("\"v\":2", "\"v\":3", 1);
        place.write(&changed);
        assert_eq!(
            place.report().outcome(),
            VerifyOutcome::NotIntact,
            "line {index} changed"
        );
    }
}

#[tokio::test]
async fn a_file_name_is_no_proof_of_an_incident() {
    let place = Place::new();
    place.run(3).await;
    for name in ["damaged.999999", "torn.999999", "damaged.1", "replaced.7"] {
        fs::write(place.0.path().join(format!("audit.jsonl.{name}")), "x\n").unwrap();
    }
    place.run(3).await;
    let report = place.report();
    assert!(report.is_intact(), "{report:#?}");
    assert!(of_type(&place.path(), "recovered").is_empty());
    let mut lines = place.lines();
    lines.remove(4);
    place.write(&lines);
    assert_eq!(place.report().outcome(), VerifyOutcome::NotIntact);
}

#[tokio::test]
async fn two_changes_are_two_findings() {
    let place = Place::new();
    place.run(20).await;
    let mut lines = place.lines();
    lines[12] = lines[12].replace("\"status\":200", "\"status\":500");
    lines[4] = lines[4].replace("\"status\":200", "\"status\":500");
    place.write(&lines);
    let report = place.report();
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|it| (it.line, it.reason))
        .collect();
    assert_eq!(
        found,
        [(5, FindingReason::Altered), (13, FindingReason::Altered)]
    );
}

#[tokio::test]
async fn an_acknowledged_incident_is_listed_and_no_longer_counts() {
    let place = with_incident().await;
    let report = place.report();
    let incidents: Vec<Finding> = report.findings.clone();
    for finding in &incidents {
        acknowledge(
            place.path(),
            &key(),
            &report,
            finding,
            "lin",
            "disk replaced",
            NOW,
        )
        .unwrap();
    }
    let report = place.report();
    assert!(report.is_intact());
    assert!(
        report
            .findings
            .iter()
            .all(|it| it.class() == FindingClass::Acknowledged)
    );
    assert_eq!(report.findings[0].acknowledged_by.as_deref(), Some("lin"));

    // It was signed: another text, or another key, counts for nothing.
    let file = place.0.path().join("audit.jsonl.acknowledged");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("lin", "eve")).unwrap();
    assert_eq!(place.report().outcome(), VerifyOutcome::Incidents);
    fs::write(&file, "").unwrap();
    let other = AuditKey::generate().unwrap();
    acknowledge(place.path(), &other, &report, &incidents[0], "eve", "", NOW).unwrap();
    assert_eq!(place.report().outcome(), VerifyOutcome::Incidents);
}

#[tokio::test]
async fn what_was_altered_cannot_be_acknowledged() {
    let place = Place::new();
    place.run(3).await;
    let mut lines = place.lines();
    lines[2] = lines[2].replace("200", "500");
    place.write(&lines);
    let report = place.report();
    let done = acknowledge(
        place.path(),
        &key(),
        &report,
        &report.findings[0],
        "lin",
        "",
        NOW,
    );
    assert!(done.is_err());
}

#[tokio::test]
async fn an_interruption_is_counted_with_what_is_known_of_it() {
    let place = Place::new();
    place.run(3).await;
    let lines = place.lines();
    // As if killed before the close: that record and its checkpoint were never written.
    place.write(&lines[..lines.len() - 1]);
    fs::remove_file(place.checkpoints()).unwrap();
    let report = place.report();
    assert!(report.is_intact() && !report.closed);
    place.run(1).await;
    let resumed = &of_type(&place.path(), "resumed")[0];
    assert_eq!(resumed["after"], "interruption");
    assert_eq!(resumed["promise"], "drop_and_count");
    assert_eq!(resumed["unfinished"], 0);
    let report = place.report();
    assert_eq!(
        (report.interruptions, report.uncounted_interruptions),
        (1, 1)
    );
    assert!(report.is_intact() && report.closed);
}

#[tokio::test]
async fn a_time_without_records_is_remarked() {
    let place = Place::new();
    let clock = palisade_core::ManualClock::new(NOW);
    let sink = FileSink::builder(place.path()).clock(clock.shared());
    let sink = sink.open().unwrap();
    sink.flush().get().await.unwrap();
    clock.advance(Duration::from_secs(2 * 3600));
    close(&sink).await;
    let report = verify_file(place.path(), &VerifyOptions::new()).unwrap();
    assert_eq!(
        (report.gaps_total, report.gaps[0].length.as_secs()),
        (1, 7200)
    );
    let patient = VerifyOptions::new().max_gap(Duration::from_secs(3 * 3600));
    let report = verify_file(place.path(), &patient).unwrap();
    assert_eq!(report.gaps_total, 0);
}

#[tokio::test]
async fn a_wrong_key_is_not_called_damage() {
    let place = Place::new();
    place.run(3).await;
    let other = VerifyOptions::new().key(AuditKey::generate().unwrap());
    for options in [other, VerifyOptions::new()] {
        let verified = verify_file(place.path(), &options);
        assert!(matches!(verified, Err(VerifyError::Unverifiable(_))));
    }
}

#[test]
fn every_edit_of_a_keyed_rotated_trail_with_an_incident_is_found() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let place = runtime.block_on(async {
        let place = with_incident().await;
        for _ in 0..3 {
            let sink = FileSink::builder(place.path()).key(key()).rotate_at(4096);
            let sink = sink.open().unwrap();
            for _ in 0..4 {
                serve(&sink, 6).await;
                sink.flush().get().await.unwrap();
            }
            close(&sink).await;
        }
        place
    });
    assert_eq!(place.report().outcome(), VerifyOutcome::Incidents);
    let files = fs::read_dir(place.0.path()).unwrap();
    let files = files.map(|it| it.unwrap().path());
    let files: Vec<_> = files
        .filter(|it| it.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    assert!(files.len() > 3);
    // A walk through the places that is the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..600 {
        let file = &files[next(files.len())];
        let whole = fs::read(file).unwrap();
        let mut bytes = whole.clone();
        let at = next(bytes.len());
        match round % 3 {
            0 => bytes[at] ^= 1,
            1 => drop(bytes.drain(at..(at + 1 + next(300)).min(whole.len()))),
            _ => bytes.insert(at, b'x'),
        }
        fs::write(file, bytes).unwrap();
        let found = verify_file(place.path(), &options());
        let found = found.map(|report| report.outcome());
        assert!(
            !matches!(found, Ok(VerifyOutcome::Intact | VerifyOutcome::Incidents)),
            "round {round}: {} at {at}: {found:?}",
            file.display()
        );
        fs::write(file, whole).unwrap();
    }
}
