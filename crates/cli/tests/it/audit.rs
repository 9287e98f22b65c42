//! `palisade audit verify`, on trails that the real layer wrote.

use std::{convert::Infallible, fs};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use palisade_audit::{AuditKey, AuditLayer, FileSink, FileSinkBuilder};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Folder, Ran};

pub(crate) const KEY: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Writes a trail of five requests.
pub(crate) fn trail(folder: &Folder, key: Option<&str>) {
    let mut sink = FileSink::builder(folder.path("audit.jsonl"));
    if let Some(key) = key {
        sink = sink.key(AuditKey::from_bytes(key).unwrap());
    }
    write(sink);
}

/// Lets a process write a trail of five requests.
pub(crate) fn write(sink: FileSinkBuilder) {
    let layer = AuditLayer::builder()
        .sink(sink.open().unwrap())
        .build()
        .unwrap();
    let handler = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = layer.layer(handler);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..5 {
            let response = service
                .clone()
                .oneshot(Request::new(Full::default()))
                .await
                .unwrap();
            response.into_body().collect().await.unwrap();
        }
        layer.handle().close().await.unwrap();
    });
}

/// Changes the text of the trail.
pub(crate) fn change(folder: &Folder, change: impl FnOnce(&str) -> String) {
    let path = folder.path("audit.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, change(&text)).unwrap();
}

fn without_line(text: &str, index: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines
        .filter(|(at, _)| *at != index)
        .map(|(_, line)| line)
        .collect()
}

fn check_broken(ran: &Ran, expected: &[&str]) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.err, "");
    for text in expected {
        assert!(ran.out.contains(text), "{text} in {}", ran.out);
    }
}

#[test]
fn an_intact_trail_verifies() {
    let folder = Folder::new();
    trail(&folder, None);
    let output = folder.good("audit verify audit.jsonl");
    assert!(
        output.starts_with("intact: ") && output.contains("of 5 requests"),
        "{output}"
    );
    let report = folder.json("audit verify audit.jsonl --json");
    assert_eq!(report["intact"], true);
    assert_eq!(report["requests"], 5);
    assert_eq!(report["unfinished"], 0);
}

#[test]
fn a_changed_record_is_named() {
    let folder = Folder::new();
    trail(&folder, None);
    change(&folder, |text| {
        let third = text.lines().nth(2).unwrap();
        text.replacen(third, &third.replacen("200", "500", 1), 1)
    });
    check_broken(
        &folder.run("audit verify audit.jsonl"),
        &["not intact: audit.jsonl: line 3, record 3: altered"],
    );
    let ran = folder.run("audit verify audit.jsonl --json");
    check_broken(
        &ran,
        &[
            "\"intact\":false",
            "\"line\":3",
            "\"record\":3",
            "\"reason\":\"altered\"",
        ],
    );
}

#[test]
fn a_removed_record_is_named() {
    let folder = Folder::new();
    trail(&folder, None);
    change(&folder, |text| without_line(text, 3));
    check_broken(
        &folder.run("audit verify audit.jsonl"),
        &["line 4, record 4: missing"],
    );
}

#[test]
fn a_trail_that_was_cut_off_does_not_match_an_earlier_anchor() {
    let folder = Folder::new();
    trail(&folder, None);
    let report = folder.json("audit verify audit.jsonl --json");
    let verify = format!(
        "audit verify audit.jsonl --anchor {}",
        report["anchor"].as_str().unwrap()
    );
    folder.good(&verify);
    let last = folder.text("audit.jsonl").lines().count() - 1;
    change(&folder, |text| without_line(text, last));
    check_broken(
        &folder.run("audit verify audit.jsonl"),
        &["cut short: record 7 was there"],
    );
    // Without the checkpoints only the anchor shows it.
    fs::remove_file(folder.path("audit.jsonl.checkpoints")).unwrap();
    let output = folder.good("audit verify audit.jsonl");
    assert!(output.contains("no checkpoints"), "{output}");
    check_broken(&folder.run(&verify), &["cut short"]);
}

#[cfg(unix)]
#[test]
fn a_trail_with_a_key_needs_that_key() {
    let folder = Folder::new();
    trail(&folder, Some(KEY));
    let other = KEY.replace('9', "8");
    for (name, key) in [("audit.key", KEY), ("other.key", &other)] {
        fs::write(folder.path(name), format!("{key}\n")).unwrap();
        fs::set_permissions(
            folder.path(name),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
    }
    let output = folder.good("audit verify audit.jsonl --key audit.key");
    assert!(
        output.contains("written with key") && !output.contains(KEY),
        "{output}"
    );
    assert!(
        folder
            .bad("audit verify audit.jsonl")
            .contains("written with a key")
    );
    assert!(
        folder
            .bad("audit verify audit.jsonl --key other.key")
            .contains("written with another key")
    );
}

#[test]
fn an_unreadable_trail_is_an_error_and_not_broken() {
    let folder = Folder::new();
    trail(&folder, None);
    assert!(
        folder
            .bad("audit verify none.jsonl")
            .starts_with("error: cannot read none.jsonl: ")
    );
    assert!(
        folder
            .bad("audit verify audit.jsonl --key none.key")
            .contains("none.key")
    );
    assert!(
        folder
            .bad("audit verify audit.jsonl --anchor 7")
            .contains("--anchor")
    );
}

#[cfg(unix)]
#[test]
fn an_incident_has_its_own_exit_code_until_it_is_acknowledged() {
    let folder = Folder::new();
    fs::write(folder.path("audit.key"), KEY).unwrap();
    fs::set_permissions(
        folder.path("audit.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    trail(&folder, Some(KEY));
    change(&folder, |text| text.replacen("200", "500", 1));
    trail(&folder, Some(KEY));
    let verify = "audit verify audit.jsonl --key audit.key";
    let ran = folder.run(verify);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("incident: audit.jsonl: line 2"), "{ran:?}");
    assert!(
        folder
            .bad("audit acknowledge audit.jsonl --all --by lin --note ticket-381")
            .contains("give --key")
    );
    folder.good("audit acknowledge audit.jsonl --key audit.key --all --by lin --note ticket-381");
    let output = folder.good(verify);
    assert!(output.contains("acknowledged by lin: "), "{output}");
    // What is done to it afterwards is found all the same.
    change(&folder, |text| without_line(text, 4));
    check_broken(&folder.run(verify), &["missing"]);
}

/// The service planted a link in the place of the file that root appends to.
#[cfg(unix)]
#[test]
fn root_acknowledges_as_the_owner_of_the_folder_and_follows_no_link() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    let (folder, outside) = (Folder::new(), Folder::new());
    fs::write(outside.path("audit.key"), KEY).unwrap();
    fs::set_permissions(outside.path("audit.key"), PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(outside.path("shadow"), "root:x").unwrap();
    trail(&folder, Some(KEY));
    change(&folder, |text| text.replacen("200", "500", 1));
    trail(&folder, Some(KEY));
    if chown(folder.path(""), Some(65534), Some(65534)).is_err() {
        eprintln!("skipped: only root can show this");
        return;
    }
    let key = outside.path("audit.key");
    let line = "audit acknowledge audit.jsonl --all --by lin --note ticket-381 --key";
    let line = format!("{line} {}", key.display());
    let beside = folder.path("audit.jsonl.acknowledged");
    symlink(outside.path("shadow"), &beside).unwrap();
    assert_eq!(folder.run(&line).code, Some(2));
    assert_eq!(outside.text("shadow"), "root:x");
    assert_eq!(fs::metadata(outside.path("shadow")).unwrap().uid(), 0);
    fs::remove_file(&beside).unwrap();
    folder.good(&line);
    assert_eq!(fs::metadata(&beside).unwrap().uid(), 65534);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = Folder::new();
    trail(&folder, None);
    let mut command = folder.command("audit verify audit.jsonl");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = command.stdout(writer).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert!(ran.stderr.is_empty(), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_checkpoint_key_is_made_in_two_files() {
    let folder = Folder::new();
    folder.good("audit key checkpoint.key");
    assert_eq!(folder.mode("checkpoint.key"), 0o600);
    assert!(folder.text("checkpoint.key.pub").contains("public-key"));
    let public = folder.text("checkpoint.key.pub");
    let key = palisade_audit::CheckpointKey::from_file(folder.path("checkpoint.key")).unwrap();
    assert_eq!(key.public_key().to_text(), public);
    assert!(
        folder
            .bad("audit key checkpoint.key")
            .contains("cannot create")
    );
}
