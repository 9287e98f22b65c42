//! `palisade audit prove`, `check-proof` and `witness`, on trails that the real layer wrote.

use std::fs;

use palisade_audit::{
    AuditKey, CheckpointKey, CheckpointPublicKey, FileSink, VerifyOptions, verify_file,
};
use serde_json::Value;

use crate::{
    audit::{KEY, write},
    support::Folder,
};

/// Writes a trail with a key pair for its checkpoints.
fn signed_trail(folder: &Folder) {
    let signing = CheckpointKey::from_file(folder.path("check.key")).unwrap();
    let sink = FileSink::builder(folder.path("audit.jsonl"))
        .key(AuditKey::from_bytes(KEY).unwrap())
        .checkpoint_key(signing);
    write(sink);
}

#[test]
fn a_record_is_proven_without_the_trail() {
    let folder = Folder::new();
    folder.good("audit key check.key");
    signed_trail(&folder);
    let public = "--checkpoint-key check.key.pub";
    folder.good(&format!(
        "audit prove audit.jsonl --record 3 {public} -o proof.json"
    ));
    for file in ["audit.jsonl", "check.key"] {
        fs::remove_file(folder.path(file)).unwrap();
    }
    let out = folder.good(&format!("audit check-proof proof.json {public}"));
    assert!(
        out.starts_with("proven: record 3 is one of the first "),
        "{out}"
    );
    let record: Value = serde_json::from_str(out.lines().nth(1).unwrap()).unwrap();
    assert_eq!(record["seq"], 3);
    let witnessed = format!("audit check-proof proof.json {public} --checkpoints");
    folder.good(&format!("{witnessed} audit.jsonl.checkpoints"));
    fs::write(folder.path("others"), "").unwrap();
    let ran = folder.run(&format!("{witnessed} others"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let changed = folder
        .text("proof.json")
        .replacen("complete", "panicked", 1);
    fs::write(folder.path("proof.json"), changed).unwrap();
    let ran = folder.run(&format!("audit check-proof proof.json {public}"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.out,
        "not proven: the hashes do not lead to the root that was signed\n"
    );
    fs::write(folder.path("proof.json"), "{}").unwrap();
    let error = folder.bad(&format!("audit check-proof proof.json {public}"));
    assert_eq!(error, "error: not a proof of this version\n");
}

#[test]
fn the_growth_of_a_trail_is_proven_between_two_checkpoints() {
    let folder = Folder::new();
    folder.good("audit key check.key");
    signed_trail(&folder);
    signed_trail(&folder);
    let public = "--checkpoint-key check.key.pub";
    folder.good(&format!(
        "audit prove audit.jsonl --from 1 {public} -o proof.json"
    ));
    let out = folder.good(&format!("audit check-proof proof.json {public}"));
    assert!(out.ends_with("begin with its first 1, unchanged"), "{out}");
    let error = folder.bad(&format!("audit prove audit.jsonl --from 2 {public}"));
    assert!(
        error.starts_with("error: no checkpoint for record 2"),
        "{error}"
    );
    let error = folder.bad("audit prove audit.jsonl");
    assert!(error.contains("--record"), "{error}");
}

#[test]
fn a_witness_accepts_what_goes_on_and_refuses_a_rollback() {
    let folder = Folder::new();
    folder.good("audit key check.key");
    signed_trail(&folder);
    let old = folder.text("audit.jsonl");
    signed_trail(&folder);
    let witness = "audit witness witness.checkpoints --checkpoint-key check.key.pub";
    let lines = fs::read(folder.path("audit.jsonl.checkpoints")).unwrap();
    let ran = folder.run_with_input(witness, &lines);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
    assert_eq!(
        ran.out.lines().count(),
        lines.split(|it| *it == b'\n').count() - 1
    );
    assert_eq!(
        ran.out.matches("without a proof").count(),
        1,
        "the first one: {}",
        ran.out
    );
    assert_eq!(folder.text("witness.checkpoints").as_bytes(), lines);
    let ran = folder.run_with_input(witness, &lines);
    assert_eq!((ran.code, &*ran.out), (Some(0), ""), "known lines: {ran:?}");
    let key = AuditKey::from_bytes(KEY).unwrap();
    let public = CheckpointPublicKey::from_file(folder.path("check.key.pub")).unwrap();
    let options = VerifyOptions::new().key(key).checkpoint_key(public);
    let options = options.checkpoints(folder.path("witness.checkpoints"));
    let report = verify_file(folder.path("audit.jsonl"), &options).unwrap();
    assert!(
        report.is_intact() && report.checkpoints.valid > 2,
        "{report:#?}"
    );
    // The server goes back to an older state, with all its keys.
    fs::write(folder.path("audit.jsonl"), old).unwrap();
    fs::remove_file(folder.path("audit.jsonl.checkpoints")).unwrap();
    signed_trail(&folder);
    let lines = fs::read(folder.path("audit.jsonl.checkpoints")).unwrap();
    let ran = folder.run_with_input(witness, &lines);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{ran:?}");
    assert!(ran.err.starts_with("refused: "), "{ran:?}");
}
