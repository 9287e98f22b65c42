//! What a restart finds after a stop, a crash or damage.

use std::fs;

use palisade_audit::FindingReason;

use super::{Folder, restarted};
use crate::support::{of_type, records};

#[tokio::test]
async fn a_restart_goes_on_with_the_chain() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    restarted(&folder, 4).await;
    let report = folder.verified();
    assert_eq!(
        (report.requests, report.files, report.recoveries),
        (7, 1, 0)
    );
    assert_eq!(of_type(&folder.path(), "resumed")[0]["after"], "close");
}

#[tokio::test]
async fn a_torn_line_is_named_set_aside_and_gone_on_after() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    let whole = fs::read(folder.path()).unwrap();
    fs::write(folder.path(), &whole[..whole.len() - 30]).unwrap();
    restarted(&folder, 2).await;
    let report = folder.verified();
    assert_eq!((report.requests, report.recoveries), (5, 1));
    let recovered = &of_type(&folder.path(), "recovered")[0];
    assert_eq!(recovered["cause"], "torn_line");
    let aside = fs::read(
        folder
            .0
            .path()
            .join(recovered["set_aside"].as_str().unwrap()),
    )
    .unwrap();
    assert_eq!(recovered["bytes"], aside.len());
    assert_eq!(report.torn_bytes, u64::try_from(aside.len()).unwrap());
    assert!(
        whole[..whole.len() - 30].ends_with(&aside),
        "nothing is thrown away"
    );
    assert_eq!(
        of_type(&folder.path(), "resumed")[0]["after"],
        "interruption"
    );
}

#[tokio::test]
async fn a_torn_line_is_recorded_even_if_the_process_is_killed_in_between() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    // As if killed after the torn line was set aside and before that was recorded.
    let next = folder.verified().last.sequence() + 1;
    let aside = folder.0.path().join(format!("audit.jsonl.torn.{next}"));
    fs::write(aside, "{\"v\":1,\"ty").unwrap();
    restarted(&folder, 1).await;
    assert_eq!(of_type(&folder.path(), "recovered")[0]["bytes"], 10);
    restarted(&folder, 1).await;
    assert_eq!(folder.verified().recoveries, 1, "and recorded once");
}

#[tokio::test]
async fn a_new_part_whose_beginning_is_bad_is_reported() {
    for (beginning, cause) in [
        ("{\"v\":1,\"ty", "torn_line"),
        ("forged\nforged\n", "damaged"),
    ] {
        let folder = Folder::new();
        restarted(&folder, 3).await;
        let part = folder.0.path().join("audit.00000000000000000001.jsonl");
        fs::rename(folder.path(), part).unwrap();
        fs::write(folder.path(), beginning).unwrap();
        restarted(&folder, 1).await;
        assert_eq!(of_type(&folder.path(), "recovered")[0]["cause"], cause);
        assert_eq!(
            records(&folder.path())[0]["seq"],
            6,
            "after those of the older part"
        );
    }
}

#[tokio::test]
async fn every_torn_length_is_recovered() {
    let folder = Folder::new();
    restarted(&folder, 2).await;
    let whole = fs::read(folder.path()).unwrap();
    for length in (0..whole.len()).step_by(37) {
        let folder = Folder::new();
        fs::write(folder.path(), &whole[..length]).unwrap();
        restarted(&folder, 1).await;
        assert!(folder.verified().requests >= 1, "after {length} bytes");
    }
}

#[tokio::test]
async fn damage_is_found_after_every_restart() {
    let folder = Folder::new();
    restarted(&folder, 5).await;
    let mut bytes = fs::read(folder.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(folder.path(), &bytes).unwrap();
    restarted(&folder, 2).await;
    restarted(&folder, 2).await;
    assert_eq!(of_type(&folder.path(), "request").len(), 4, "it goes on");
    assert_eq!(
        folder.broken(),
        FindingReason::DamageSetAside,
        "and does not verify"
    );
    let recovered = &of_type(&folder.path(), "recovered")[0];
    let aside = folder
        .0
        .path()
        .join(recovered["set_aside"].as_str().unwrap());
    assert_eq!(
        fs::read(aside).unwrap(),
        bytes,
        "the evidence is kept as it was"
    );
}

#[tokio::test]
async fn a_restart_does_not_hide_a_deleted_record() {
    let folder = Folder::new();
    restarted(&folder, 5).await;
    let text = fs::read_to_string(folder.path()).unwrap();
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    lines.remove(3);
    fs::write(folder.path(), lines.concat()).unwrap();
    restarted(&folder, 1).await;
    assert_eq!(folder.broken(), FindingReason::DamageSetAside);
}
