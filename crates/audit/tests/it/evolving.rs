//! A key that evolves: who steals the current one can forge nothing older.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use palisade_audit::{
    AuditBuildError, AuditKey, CheckpointKey, EvolvingKeyFile, FileSink, FileSinkBuilder,
    FindingReason, VerifyError, VerifyOptions, VerifyOutcome, VerifyReport, verify_file,
};
use palisade_internal::hex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    compressed::{builder, write},
    support::{close, of_type, records},
};

/// A trail with an evolving key, and what its operator keeps elsewhere.
struct Trail {
    folder: tempfile::TempDir,
    path: PathBuf,
    first: AuditKey,
    checkpoint_key: CheckpointKey,
}

impl Trail {
    /// A trail of several segments.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (_, first) = EvolvingKeyFile::create(folder.path().join("seal.key")).unwrap();
        let trail = Self {
            folder,
            path,
            first,
            checkpoint_key: CheckpointKey::generate().unwrap(),
        };
        trail.write(100).await;
        assert!(trail.parts().len() >= 4, "{:?}", trail.parts());
        trail
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("seal.key")
    }

    fn builder(&self) -> FileSinkBuilder {
        let key = EvolvingKeyFile::open(self.key_file()).unwrap();
        builder(&self.path)
            .evolving_key(key)
            .checkpoint_key(self.checkpoint_key.clone())
    }

    /// Lets a process write the trail on.
    async fn write(&self, events: usize) {
        let sink = self.builder().open().unwrap();
        write(&sink, events).await;
        close(&sink).await;
    }

    /// The older parts, oldest first.
    fn parts(&self) -> Vec<PathBuf> {
        let mut parts = crate::compressed::with_end(&self.path, ".jsonl");
        parts.retain(|part| *part != self.path);
        parts
    }

    /// All files with records.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.parts();
        files.push(self.path.clone());
        files
    }

    fn verify(&self) -> VerifyReport {
        let options = VerifyOptions::new().key(self.first.clone());
        let options = options.checkpoint_key(self.checkpoint_key.public_key());
        verify_file(&self.path, &options).unwrap()
    }

    /// The files without what an attacker cannot change: the checkpoints are on another machine, or there are none.
    fn verify_without_checkpoints(&self) -> VerifyReport {
        let _ = fs::remove_file(self.folder.path().join("audit.jsonl.checkpoints"));
        self.verify()
    }
}

fn epoch(file: &Path) -> u64 {
    of_type(file, "opened")[0]["epoch"].as_u64().unwrap()
}

fn reasons(report: &VerifyReport) -> Vec<FindingReason> {
    report.findings.iter().map(|it| it.reason).collect()
}

fn skips(report: &VerifyReport) -> bool {
    let mut reasons = reasons(report).into_iter();
    reasons.any(|it| matches!(it, FindingReason::EpochSkipped { .. }))
}

#[tokio::test]
async fn each_segment_has_a_key_and_all_are_verified_with_the_first() {
    let trail = Trail::new().await;
    let report = trail.verify();
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.key, Some(trail.first.id()));
    let epochs: Vec<u64> = trail.files().iter().map(|file| epoch(file)).collect();
    let expected: Vec<u64> = (0..epochs.len() as u64).collect();
    assert_eq!(epochs, expected);
    let kept = EvolvingKeyFile::open(trail.key_file()).unwrap();
    assert_eq!(kept.epoch(), *epochs.last().unwrap());
    assert_eq!(kept.first_id(), trail.first.id());
    // The first key is not in the file, and neither is the one before.
    let text = fs::read_to_string(trail.key_file()).unwrap();
    assert!(!text.contains(&hex::encode(trail.first.expose())));
    trail.write(100).await;
    let later = fs::read_to_string(trail.key_file()).unwrap();
    let old_key = text.split_whitespace().last().unwrap();
    assert!(!later.contains(old_key));
    assert!(trail.verify().is_intact());
}

/// Computes the hashes of a file again, as somebody with this key can. Returns the last one.
fn seal_again(file: &Path, key: &[u8], mut last: [u8; 32]) -> [u8; 32] {
    let text = fs::read_to_string(file).unwrap();
    let mut sealed = String::new();
    for line in text.lines() {
        let (body, _) = line.split_once(",\"hash\":\"").unwrap();
        let leaf = Sha256::new()
            .chain_update([0])
            .chain_update(body)
            .finalize();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(b"palisade-audit/1 record\0");
        mac.update(&last);
        mac.update(&leaf);
        last = mac.finalize().into_bytes().into();
        sealed += &format!("{body},\"hash\":\"{}\"}}\n", hex::encode(&last));
    }
    fs::write(file, sealed).unwrap();
    last
}

fn stolen_key(trail: &Trail) -> Vec<u8> {
    let text = fs::read_to_string(trail.key_file()).unwrap();
    let digits = text.split_whitespace().last().unwrap();
    let key: [u8; 32] = hex::decode(digits.as_bytes()).unwrap();
    key.to_vec()
}

fn hash(record: &Value) -> [u8; 32] {
    hex::decode(record["hash"].as_str().unwrap().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_stolen_key_forges_records_of_its_segment_and_none_before() {
    let trail = Trail::new().await;
    let key = stolen_key(&trail);
    let parts = trail.parts();
    // What the key can do: the current segment.
    let before = records(parts.last().unwrap());
    let text = fs::read_to_string(&trail.path).unwrap();
    let live = text.replacen("app.counted", "app.forged!", 1);
    let has_events = live != text;
    fs::write(&trail.path, live).unwrap();
    seal_again(&trail.path, &key, hash(before.last().unwrap()));
    let altered = |report: &VerifyReport| reasons(report).contains(&FindingReason::Altered);
    assert!(
        !altered(&trail.verify_without_checkpoints()),
        "{has_events}"
    );
    // What it cannot do: an older one.
    let part = &parts[2];
    let text = fs::read_to_string(part).unwrap();
    fs::write(part, text.replacen("app.counted", "app.forged!", 1)).unwrap();
    let before = records(&parts[1]);
    seal_again(part, &key, hash(before.last().unwrap()));
    let report = trail.verify_without_checkpoints();
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
    assert!(altered(&report), "{:?}", report.findings);
    assert_eq!(report.findings[0].file.as_ref(), Some(part));
}

#[tokio::test]
async fn segments_that_were_removed_are_missed_though_the_trail_goes_on_with_the_stolen_key() {
    let trail = Trail::new().await;
    let parts = trail.parts();
    // Everything behind the second part is removed, and the key writes on.
    for file in trail.files().iter().skip(2) {
        fs::remove_file(file).unwrap();
    }
    fs::remove_file(trail.folder.path().join("audit.jsonl.checkpoints")).unwrap();
    trail.write(1).await;
    let report = trail.verify_without_checkpoints();
    assert!(skips(&report), "{:?}", report.findings);
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
    // The end of an older part is cut too.
    let trail = Trail::new().await;
    for file in trail.files().iter().skip(3) {
        fs::remove_file(file).unwrap();
    }
    let cut = &trail.parts()[2];
    let text = fs::read_to_string(cut).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    fs::write(cut, lines[..lines.len() - 2].concat()).unwrap();
    // With the key that follows that of the part.
    let later = EvolvingKeyFile::open(trail.key_file()).unwrap().epoch();
    assert!(later > epoch(cut));
    trail.write(1).await;
    assert!(skips(&trail.verify_without_checkpoints()));
    assert!(parts.len() >= 4);
}

#[tokio::test]
async fn a_trail_that_is_begun_anew_with_a_stolen_key_is_not_the_first() {
    let trail = Trail::new().await;
    for file in trail.files() {
        fs::remove_file(file).unwrap();
    }
    fs::remove_file(trail.folder.path().join("audit.jsonl.checkpoints")).unwrap();
    trail.write(10).await;
    let report = trail.verify_without_checkpoints();
    assert_eq!(
        reasons(&report)[0],
        FindingReason::EpochSkipped { expected: 0 }
    );
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
}

#[tokio::test]
async fn a_process_that_was_killed_before_it_stored_its_key_is_followed_by_one_that_computes_it() {
    let trail = Trail::new().await;
    let earlier = fs::read(trail.key_file()).unwrap();
    trail.write(100).await;
    let now = EvolvingKeyFile::open(trail.key_file()).unwrap().epoch();
    fs::write(trail.key_file(), earlier).unwrap();
    assert!(EvolvingKeyFile::open(trail.key_file()).unwrap().epoch() < now);
    trail.write(1).await;
    assert!(EvolvingKeyFile::open(trail.key_file()).unwrap().epoch() >= now);
    let report = trail.verify();
    assert!(report.is_intact(), "{:?}", report.findings);
}

#[tokio::test]
async fn an_older_copy_of_the_file_is_not_written_on() {
    let trail = Trail::new().await;
    fs::copy(&trail.parts()[1], &trail.path).unwrap();
    let error = trail.builder().open().unwrap_err();
    assert!(matches!(error, AuditBuildError::OtherKey { .. }), "{error}");
}

#[tokio::test]
async fn a_trail_goes_on_after_its_last_part_alone() {
    let trail = Trail::new().await;
    fs::remove_file(&trail.path).unwrap();
    trail.write(10).await;
    let report = trail.verify();
    // What was in the file is missed by the checkpoints, and no key is.
    assert!(!skips(&report), "{:?}", report.findings);
}

#[tokio::test]
async fn other_keys_do_not_verify_it() {
    let trail = Trail::new().await;
    let verify = |options: VerifyOptions| verify_file(&trail.path, &options);
    let reason = |result: Result<VerifyReport, VerifyError>| match result {
        Err(VerifyError::Unverifiable(finding)) => finding.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason(verify(VerifyOptions::new())),
        FindingReason::NeedsKey
    );
    let current = AuditKey::from_bytes(stolen_key(&trail)).unwrap();
    for key in [AuditKey::generate().unwrap(), current] {
        let options = VerifyOptions::new().key(key);
        assert_eq!(reason(verify(options)), FindingReason::OtherKey);
    }
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (file, first) = EvolvingKeyFile::create(folder.path().join("seal.key")).unwrap();
    assert!(EvolvingKeyFile::create(folder.path().join("seal.key")).is_err());
    let sink = || FileSink::builder(&path).evolving_key(file.clone());
    let error = sink().open().unwrap_err();
    assert!(error.to_string().contains("checkpoint_key"), "{error}");
    let both = sink().key(first).without_checkpoint_file();
    assert!(both.open().unwrap_err().to_string().contains("one of key"));
    drop(sink().without_checkpoint_file().open().unwrap());
}

#[cfg(feature = "zstd")]
#[tokio::test]
async fn a_damaged_part_skips_no_key() {
    let trail = Trail::new().await;
    let part = &trail.parts()[1];
    let text = fs::read(part).unwrap();
    let mut compressed = zstd::encode_all(&*text, 3).unwrap();
    compressed.truncate(compressed.len() / 2);
    fs::write(part.with_extension("jsonl.zst"), compressed).unwrap();
    fs::remove_file(part).unwrap();
    let report = trail.verify();
    assert_eq!(report.outcome(), VerifyOutcome::Incidents, "{report:?}");
}
