//! A reload that is refused changes nothing, also of what only the audit trail shows.

use std::{fs, path::Path};

use palisade::audit::{AuditKey, event_id};
use serde_json::Value;

use crate::{
    client::start_file,
    client_certificates::{clients, write},
    upstream::{OK, answering},
};

/// Replaces the key of codes, and returns its public identifier.
fn new_key(folder: &Path) -> String {
    let key = AuditKey::generate().unwrap();
    palisade_internal::private_file::replace(&folder.join("correlation.key"), key.expose())
        .unwrap();
    key.id()
}

/// The data of the events about keys that are on the disk.
fn rotations(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    records
        .filter(|record| record["event_id"] == event_id::CORRELATION_KEY)
        .map(|record| record["data"].clone())
        .collect()
}

#[tokio::test]
async fn a_refused_reload_rotates_no_key() {
    let (upstream, known) = (answering(OK).await, clients());
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &known.authority);
    let first = new_key(folder.path());
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [server.client_auth]\nauthorities = ['clients.pem']\n\
         [audit]\nfile = 'audit.jsonl'\ncorrelation_key = 'correlation.key'\n\
         [[routes]]\npath = '/open'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let gateway = start_file(folder, &file).await;
    let second = new_key(gateway.folder.path());
    // What is read after the stack is built cannot be used.
    write(gateway.folder.path(), "broken");
    gateway.reloader.reload().await.unwrap_err();
    write(gateway.folder.path(), &known.authority);
    gateway.reloader.reload().await.unwrap();
    let folder = gateway.stop().await;
    let used = rotations(folder.path());
    let keys: Vec<_> = used.iter().map(|it| &it["key"]).collect();
    assert_eq!(keys, [&first, &second]);
    assert_eq!(used[1]["previous"], first);
}
