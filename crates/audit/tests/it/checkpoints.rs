//! A trail that was cut or rolled back contradicts its checkpoints.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use palisade_audit::{
    CheckpointKey, FileSink, FindingReason, Sink, VerifyError, VerifyOptions, VerifyOutcome,
    verify_file,
};
use tempfile::tempdir;

use crate::{
    incidents::{Place, options, reasons},
    support::{close, of_type, serve},
};

#[tokio::test]
async fn a_trail_that_is_cut_while_no_process_runs_is_found_and_not_hidden_by_a_start() {
    let place = Place::new();
    place.run(10).await;
    let lines = place.lines();
    place.write(&lines[..6]);
    assert!(
        reasons(&place.report()).contains(&FindingReason::CutShort { anchored: 12 }),
        "by the checkpoint of the close"
    );
    place.run(10).await;
    let report = place.report();
    assert_eq!(
        reasons(&report),
        [FindingReason::RolledBack { from: 7, to: 12 }]
    );
    assert_eq!(report.outcome(), VerifyOutcome::Incidents);
    place.run(1).await;
    assert_eq!(place.report().findings.len(), 1, "and it is told once");
}

#[tokio::test]
async fn a_trail_that_is_rolled_back_to_an_older_copy_is_found() {
    let place = Place::new();
    place.run(3).await;
    let old = fs::read(place.path()).unwrap();
    place.run(5).await;
    fs::write(place.path(), old).unwrap();
    assert_eq!(place.report().outcome(), VerifyOutcome::NotIntact);
    place.run(2).await;
    let report = place.report();
    assert!(matches!(
        report.findings[0].reason,
        FindingReason::RolledBack { .. }
    ));
    assert_eq!(report.findings.len(), 1, "{report:#?}");
}

#[tokio::test]
async fn a_trail_whose_files_are_deleted_is_missed() {
    let place = Place::new();
    place.run(4).await;
    fs::remove_file(place.path()).unwrap();
    assert!(matches!(
        verify_file(place.path(), &options()),
        Err(VerifyError::Io(_))
    ));
    place.run(4).await;
    assert_eq!(
        reasons(&place.report()),
        [FindingReason::TrailMissing { to: 6 }]
    );
}

#[tokio::test]
async fn a_trail_that_is_cut_and_written_anew_contradicts_its_checkpoints() {
    let place = Place::new();
    place.run(10).await;
    let checkpoints = fs::read(place.checkpoints()).unwrap();
    let lines = place.lines();
    place.write(&lines[..6]);
    // An attacker who has the key of the trail, and not the second place.
    fs::remove_file(place.checkpoints()).unwrap();
    place.run(10).await;
    fs::write(place.checkpoints(), checkpoints).unwrap();
    assert!(reasons(&place.report()).contains(&FindingReason::ContradictsCheckpoint));
}

#[tokio::test]
async fn checkpoints_go_to_a_second_place_and_are_signed_with_a_key_of_their_own() {
    let (place, second) = (Place::new(), tempdir().unwrap());
    let key = CheckpointKey::generate().unwrap();
    let file = second.path().join("checkpoints");
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    let sink = FileSink::builder(place.path())
        .checkpoints_at(&file)
        .checkpoint_key(key.clone())
        .checkpoint_to(move |line| {
            keeps.lock().unwrap().push(line.to_owned());
            Ok(())
        })
        .checkpoint_every(2, Duration::from_secs(3600))
        .open()
        .unwrap();
    for _ in 0..4 {
        serve(&sink, 3).await;
        sink.flush().get().await.unwrap();
    }
    close(&sink).await;
    assert!(!place.checkpoints().exists());
    let options = VerifyOptions::new().checkpoints(&file);
    let options = options.checkpoint_key(key.public_key());
    let report = verify_file(place.path(), &options).unwrap();
    assert!(report.is_intact(), "{report:#?}");
    assert!(report.checkpoints.valid >= 4, "{report:#?}");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(kept.lock().unwrap().concat(), text.replace('\n', ""));

    let lines = place.lines();
    place.write(&lines[..5]);
    let report = verify_file(place.path(), &options).unwrap();
    assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
    // A changed checkpoint is told, and another public key accepts none.
    fs::write(&file, text.replacen("\"seq\":", "\"seq\":9", 1)).unwrap();
    let report = verify_file(place.path(), &options).unwrap();
    assert!(reasons(&report).contains(&FindingReason::ForgedCheckpoints { lines: 1 }));
    let other = CheckpointKey::generate().unwrap().public_key();
    let report = verify_file(place.path(), &options.checkpoint_key(other)).unwrap();
    assert_eq!(report.checkpoints.valid, 0);
}

#[tokio::test]
async fn a_failing_checkpoint_file_is_recorded_in_the_trail_and_stops_nothing() {
    let place = Place::new();
    let sink = FileSink::builder(place.path())
        .without_checkpoint_file()
        .checkpoint_to(|_| Err(std::io::Error::other("no route to host")))
        .checkpoint_every(1, Duration::from_secs(3600))
        .open()
        .unwrap();
    while of_type(&place.path(), "event").is_empty() {
        serve(&sink, 1).await;
        sink.flush().get().await.unwrap();
    }
    let events = of_type(&place.path(), "event");
    assert_eq!(events[0]["event_id"], "audit.checkpoints_failing");
    close(&sink).await;
    assert_eq!(of_type(&place.path(), "event").len(), 1, "told once");
}
