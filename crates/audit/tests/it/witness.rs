//! A second machine accepts what continues the trail, and refuses everything else.

use std::{fs, path::Path, time::Duration};

use palisade_audit::{
    CheckpointKey, FileSink, VerifyOptions, Witness, WitnessAccepted, WitnessRefusal,
};
use tempfile::tempdir;

use crate::support::{close, serve};

/// Lets a process write a trail, and returns the lines of its checkpoint file.
async fn process(path: &Path, signing: &CheckpointKey, requests: usize) -> Vec<String> {
    let sink = FileSink::builder(path)
        .checkpoint_key(signing.clone())
        .checkpoint_every(3, Duration::from_secs(3600))
        .rotate_at(4096)
        .open()
        .unwrap();
    for _ in 0..requests {
        serve(&sink, 1).await;
        palisade_audit::Sink::flush(&sink).get().await.unwrap();
    }
    close(&sink).await;
    let file = path.with_extension("jsonl.checkpoints");
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn witness(signing: &CheckpointKey) -> Witness {
    Witness::new(&VerifyOptions::new().checkpoint_key(signing.public_key()))
}

/// Gives all lines to a witness, each of which it must accept.
fn accept_all(witness: &mut Witness, lines: &[String]) -> Vec<WitnessAccepted> {
    let accepted = lines
        .iter()
        .map(|line| witness.accept(line.as_bytes()).unwrap());
    accepted.collect()
}

#[tokio::test]
async fn a_trail_over_restarts_and_rotations_is_accepted_with_a_proof_for_each_checkpoint() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    let mut lines = Vec::new();
    for _ in 0..4 {
        lines = process(&path, &signing, 20).await;
    }
    let mut witness = witness(&signing);
    let mut before = None;
    for (line, accepted) in lines.iter().zip(accept_all(&mut witness, &lines)) {
        let WitnessAccepted::New {
            record,
            proven_since,
        } = accepted
        else {
            panic!("{accepted:?}");
        };
        assert_eq!(proven_since, before, "{line}");
        before = Some(record);
    }
    assert!(lines.len() > 20);
    assert_eq!(witness.latest(), before);
    let again = accept_all(&mut witness, &lines);
    assert!(again.iter().all(|it| *it == WitnessAccepted::Known));
}

#[tokio::test]
async fn a_trail_that_is_rolled_back_or_forked_is_refused() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let path = folder.path().join("audit.jsonl");
    process(&path, &signing, 9).await;
    // The whole folder is copied: an attacker who has every key goes on with an older state.
    let copy = tempdir().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let lines = process(&path, &signing, 9).await;
    let mut witness = witness(&signing);
    accept_all(&mut witness, &lines);
    let latest = witness.latest().unwrap();
    let forked = process(&copy.path().join("audit.jsonl"), &signing, 40).await;
    let mut refused = Vec::new();
    for line in forked {
        if let Err(refusal) = witness.accept(line.as_bytes()) {
            refused.push(refusal);
        }
    }
    assert_eq!(
        witness.latest(),
        Some(latest),
        "nothing of the fork was accepted: {refused:?}"
    );
    let forks = |it: &&WitnessRefusal| matches!(it, WitnessRefusal::Fork { .. });
    assert!(refused.iter().filter(forks).count() >= 1, "{refused:?}");
    let proofs = |it: &WitnessRefusal| {
        matches!(
            it,
            WitnessRefusal::NotConsistent { .. } | WitnessRefusal::NotProven { .. }
        )
    };
    assert!(refused.iter().any(proofs), "{refused:?}");
}

#[tokio::test]
async fn an_earlier_checkpoint_that_was_not_received_before_is_a_rollback() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let lines = process(&folder.path().join("audit.jsonl"), &signing, 9).await;
    let mut witness = witness(&signing);
    let (first, last) = (&lines[0], lines.last().unwrap());
    let accepted = witness.accept(last.as_bytes()).unwrap();
    assert!(matches!(
        accepted,
        WitnessAccepted::New {
            proven_since: None,
            ..
        }
    ));
    let refusal = witness.accept(first.as_bytes()).unwrap_err();
    assert!(
        matches!(refusal, WitnessRefusal::RolledBack { record: 1, .. }),
        "{refusal}"
    );
}

#[tokio::test]
async fn another_trail_another_key_and_what_is_no_checkpoint_are_told_apart() {
    let (folder, signing) = (tempdir().unwrap(), CheckpointKey::generate().unwrap());
    let lines = process(&folder.path().join("audit.jsonl"), &signing, 3).await;
    let mut witness = witness(&signing);
    accept_all(&mut witness, &lines);
    let again = process(&folder.path().join("new.jsonl"), &signing, 3).await;
    let refusal = witness.accept(again[0].as_bytes()).unwrap_err();
    assert!(
        matches!(refusal, WitnessRefusal::OtherTrail { .. }),
        "{refusal}"
    );
    let other = CheckpointKey::generate().unwrap();
    let foreign = process(&folder.path().join("foreign.jsonl"), &other, 3).await;
    for line in [
        foreign[0].clone(),
        lines[0].replacen("\"seq\":", "\"seq\":9", 1),
    ] {
        assert_eq!(witness.accept(line.as_bytes()), Err(WitnessRefusal::Forged));
    }
    for line in ["", "{}", &lines[0][..lines[0].len() / 2]] {
        let ignored = witness.accept(line.as_bytes()).unwrap();
        assert_eq!(ignored, WitnessAccepted::NoCheckpoint, "{line}");
    }
}
