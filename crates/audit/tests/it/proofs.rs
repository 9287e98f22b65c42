//! One record, or the growth of a trail, is proven to who has the public key and nothing else.

use std::{fs, path::Path, time::Duration};

use palisade_audit::{
    CheckpointKey, FileSink, Proof, ProofError, ProvenFact, VerifyOptions, VerifyOutcome,
    prove_consistency, prove_record, verify_file,
};
use tempfile::tempdir;

use crate::{
    incidents::key,
    support::{close, of_type, records, serve},
};

/// A keyed trail of several processes and parts, with checkpoints under a key pair.
async fn trail(path: &Path, signing: &CheckpointKey, processes: usize) {
    for _ in 0..processes {
        let sink = FileSink::builder(path)
            .key(key())
            .checkpoint_key(signing.clone())
            .checkpoint_every(5, Duration::from_secs(3600))
            .rotate_at(4096)
            .open()
            .unwrap();
        for _ in 0..4 {
            serve(&sink, 6).await;
            palisade_audit::Sink::flush(&sink).get().await.unwrap();
        }
        close(&sink).await;
    }
}

fn public(signing: &CheckpointKey) -> VerifyOptions {
    VerifyOptions::new().checkpoint_key(signing.public_key())
}

/// The numbers of the records of all checkpoints.
fn checkpoints(path: &Path) -> Vec<u64> {
    let file = path.with_file_name("audit.jsonl.checkpoints");
    let lines = records(&file).into_iter();
    lines.map(|line| line["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_record_is_proven_with_the_public_key_alone() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 3).await;
    let report = verify_file(&path, &public(&signing).key(key())).unwrap();
    assert!(report.is_intact(), "{report:#?}");
    assert!(report.files > 3 && report.roots > 10, "{report:#?}");
    for record in 1..=report.last.sequence() {
        let text = prove_record(&path, record, None, &public(&signing)).unwrap();
        let text = text.to_json();
        assert!(text.len() < 4096, "a small document: {text}");
        let proof = Proof::from_json(&text).unwrap();
        let fact = proof.check(&public(&signing)).unwrap();
        let ProvenFact::Record {
            number,
            of,
            record: shown,
            ..
        } = fact
        else {
            panic!("{fact:?}");
        };
        assert_eq!(number, record);
        assert!(of >= record);
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(value["seq"].as_u64(), Some(record));
    }
    let beyond = report.last.sequence() + 1;
    let error = prove_record(&path, beyond, None, &public(&signing)).unwrap_err();
    assert!(matches!(error, ProofError::NoCheckpoint { record } if record == beyond));
}

#[tokio::test]
async fn a_changed_record_another_place_and_another_key_are_not_proven() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 1).await;
    let proof = prove_record(&path, 7, None, &public(&signing)).unwrap();
    let text = proof.to_json();
    let check = |text: &str| Proof::from_json(text).and_then(|it| it.check(&public(&signing)));
    assert!(check(&text).is_ok());
    for (from, to) in [
        ("\\\"status\\\":200", "\\\"status\\\":404"),
        ("\\\"seq\\\":7,", "\\\"seq\\\":6,"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(
            matches!(check(&changed), Err(ProofError::NotProven)),
            "{changed}"
        );
    }
    // One digit of every hash of the path.
    let start = text.find("\"path\"").unwrap();
    for (place, digit) in text.char_indices().filter(|(place, _)| *place > start + 8) {
        if digit.is_ascii_hexdigit() {
            let other = if digit == '0' { "1" } else { "0" };
            let mut changed = text.clone();
            changed.replace_range(place..=place, other);
            assert!(matches!(check(&changed), Err(ProofError::NotProven)));
        }
    }
    let other = CheckpointKey::generate().unwrap();
    let found = proof.check(&public(&other));
    assert!(matches!(found, Err(ProofError::Forged)));
    assert!(matches!(
        proof.check(&VerifyOptions::new()),
        Err(ProofError::Forged)
    ));
    for text in [
        "",
        "{}",
        "{\"v\":2}",
        &text.replacen("\"v\": 1", "\"v\": 2", 1),
    ] {
        assert!(
            matches!(Proof::from_json(text), Err(ProofError::Malformed)),
            "{text}"
        );
    }
}

#[tokio::test]
async fn every_checkpoint_is_proven_to_begin_with_every_earlier_one() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 2).await;
    let sizes = checkpoints(&path);
    assert!(sizes.len() > 6, "{sizes:?}");
    for (place, first) in sizes.iter().enumerate() {
        for second in &sizes[place..] {
            let proof = prove_consistency(&path, *first, Some(*second), &public(&signing));
            let fact = proof.unwrap().check(&public(&signing)).unwrap();
            let ProvenFact::Consistency {
                first: from,
                second: to,
                ..
            } = fact
            else {
                panic!("{fact:?}");
            };
            assert_eq!((from, to), (*first, *second));
        }
    }
    let nowhere = prove_consistency(&path, 1_000_000, None, &public(&signing));
    assert!(matches!(nowhere, Err(ProofError::NoCheckpoint { .. })));
}

#[tokio::test]
async fn a_trail_that_was_cut_and_written_anew_is_not_proven_to_begin_with_the_old_one() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 3).await;
    let old = fs::read_to_string(path.with_file_name("audit.jsonl.checkpoints")).unwrap();
    let proof = prove_consistency(&path, checkpoints(&path)[0], None, &public(&signing)).unwrap();
    let text = proof.to_json();
    // The same name, key and length, and other records.
    let other = folder.path().join("other.jsonl");
    trail(&other, &signing, 1).await;
    let new = fs::read_to_string(other.with_file_name("other.jsonl.checkpoints")).unwrap();
    let last = |lines: &str| serde_json::to_string(lines.lines().last().unwrap()).unwrap();
    let mixed = text.replace(&last(&old), &last(&new));
    assert_ne!(mixed, text);
    let found = Proof::from_json(&mixed).unwrap().check(&public(&signing));
    assert!(matches!(found, Err(ProofError::OtherTrail)), "{found:?}");
    // A record of the trail is changed: it has no proof any more.
    let parts: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    let part = parts
        .iter()
        .filter(|it| it.to_string_lossy().contains("/audit.0"))
        .min()
        .unwrap();
    let changed = fs::read_to_string(part)
        .unwrap()
        .replacen("\"status\":200", "\"status\":201", 1);
    fs::write(part, changed).unwrap();
    let found = prove_record(&path, 3, None, &public(&signing));
    assert!(
        matches!(found, Err(ProofError::Contradicted { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn no_proof_is_made_from_a_checkpoint_that_the_records_contradict() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 1).await;
    // A copy goes on with other records, and has every key.
    let copy = tempdir().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let common = *checkpoints(&path).last().unwrap();
    trail(&path, &signing, 1).await;
    let forked = copy.path().join("audit.jsonl");
    trail(&forked, &signing, 1).await;
    let theirs = checkpoints(&forked).into_iter().find(|it| *it > common);
    let theirs = theirs.unwrap();
    let lines = |path: &Path| fs::read_to_string(path).unwrap();
    let file = path.with_file_name("audit.jsonl.checkpoints");
    let own = lines(&file);
    let other = lines(&copy.path().join("audit.jsonl.checkpoints"));
    let number = format!("\"seq\":{theirs},");
    let line = other.lines().find(|it| it.contains(&number)).unwrap();
    fs::write(&file, format!("{line}\n{own}")).unwrap();
    let found = prove_consistency(&path, theirs, None, &public(&signing));
    assert!(
        matches!(found, Err(ProofError::Contradicted { checkpoint }) if checkpoint == theirs),
        "{found:?}"
    );
    assert!(prove_consistency(&path, common, None, &public(&signing)).is_ok());
}

#[tokio::test]
async fn records_after_those_that_retention_deleted_are_proven() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 1).await;
    let sink = FileSink::builder(&path)
        .key(key())
        .checkpoint_key(signing.clone())
        .rotate_at(4096)
        .keep_at_most(12_000)
        .open()
        .unwrap();
    for _ in 0..8 {
        serve(&sink, 6).await;
        palisade_audit::Sink::flush(&sink).get().await.unwrap();
    }
    close(&sink).await;
    let report = verify_file(&path, &public(&signing).key(key())).unwrap();
    assert_eq!(report.outcome(), VerifyOutcome::Intact, "{report:#?}");
    assert!(report.retired > 5, "{report:#?}");
    for record in 1..=report.last.sequence() {
        let proof = prove_record(&path, record, None, &public(&signing));
        match record < report.first {
            true => assert!(
                matches!(
                    proof,
                    Err(ProofError::RecordMissing { .. } | ProofError::Contradicted { .. })
                ),
                "{record}: {proof:?}"
            ),
            false => drop(proof.unwrap().check(&public(&signing)).unwrap()),
        }
    }
}

#[tokio::test]
async fn parts_and_trails_end_with_the_root_of_their_records() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    trail(&path, &signing, 3).await;
    assert_eq!(
        of_type(&path, "closed")[0]["root"].as_str().unwrap().len(),
        64
    );
    let mut parts: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    parts.retain(|it| it.to_string_lossy().contains("/audit.0"));
    assert!(parts.len() > 1);
    for part in parts {
        let last = records(&part).pop().unwrap();
        let ends = ["rotated", "closed"].map(|kind| last["type"] == kind);
        assert!(ends.contains(&true), "{part:?}: {last}");
        assert_eq!(last["root"].as_str().unwrap().len(), 64);
    }
}
