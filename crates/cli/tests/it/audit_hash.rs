//! `palisade audit hash`, and the search for what it prints.

use std::{convert::Infallible, fs};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use palisade_audit::{AuditKey, AuditLayer, FileSink};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::Folder;

/// Makes a key file that only its owner can read.
fn make_key(folder: &Folder, name: &str) -> AuditKey {
    let key = AuditKey::generate().unwrap();
    palisade_internal::private_file::write_new(&folder.path(name), key.expose()).unwrap();
    key
}

/// Writes a trail with a request for each user.
fn write(folder: &Folder, key: AuditKey, users: &[&str]) {
    let sink = FileSink::builder(folder.path("audit.jsonl"));
    let layer = AuditLayer::builder()
        .sink(sink.open().unwrap())
        .correlation_key(key)
        .correlate_query("user")
        .build()
        .unwrap();
    let handler = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for user in users {
            let request = Request::get(format!("/?user={user}"));
            let request = request.body(Full::default()).unwrap();
            layer.layer(handler).oneshot(request).await.unwrap();
        }
        layer.handle().close().await.unwrap();
    });
}

#[test]
fn a_known_value_is_found_by_its_code() {
    let folder = Folder::new();
    let key = make_key(&folder, "correlation.key");
    write(&folder, key.clone(), &["anna", "bert", "anna"]);
    assert!(!folder.text("audit.jsonl").contains("anna"));
    let hash = "audit hash --key correlation.key --field query.user";
    let line = folder.good(&format!("{hash} anna"));
    let (code, id) = line.split_once("  ").unwrap();
    assert_eq!(id, key.id());
    let query = |code: &str| format!("audit query audit.jsonl --field query.user={code} --json");
    assert_eq!(folder.good(&query(code)).lines().count(), 2);
    // A value of standard input stays out of the history and the list of processes.
    let ran = folder.run_with_input(hash, b"bert\r\n");
    let code = ran.out.split_once("  ").unwrap().0;
    assert_eq!(folder.good(&query(code)).lines().count(), 1);
    let code = folder.good(&format!("{hash} carl"));
    let code = code.split_once("  ").unwrap().0;
    assert_eq!(folder.run(&query(code)).code, Some(1));
}

#[test]
fn there_is_a_code_for_each_key() {
    let folder = Folder::new();
    let keys = [make_key(&folder, "new.key"), make_key(&folder, "old.key")];
    let line = "audit hash --key new.key --key old.key --field principal anna";
    let out = folder.good(line);
    let ids: Vec<_> = out
        .lines()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    assert_eq!(ids, [keys[0].id(), keys[1].id()]);
    assert_ne!(out.lines().next(), out.lines().last());
}

#[test]
fn a_code_needs_a_private_key_a_field_and_an_address_for_client() {
    let folder = Folder::new();
    make_key(&folder, "correlation.key");
    let hash = "audit hash --key correlation.key --field";
    assert!(
        folder
            .bad(&format!("{hash} client anna"))
            .contains("client")
    );
    assert!(
        folder
            .bad(&format!("{hash} user anna"))
            .contains("header.NAME")
    );
    assert!(
        folder
            .bad("audit hash --key nowhere --field principal anna")
            .contains("nowhere")
    );
    let long = vec![b'a'; 70_000];
    let ran = folder.run_with_input(&format!("{hash} principal"), &long);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    fs::remove_file(folder.path("correlation.key")).unwrap();
    fs::write(folder.path("correlation.key"), [7; 40]).unwrap();
    assert!(folder.run(&format!("{hash} principal anna")).code == Some(2));
}
