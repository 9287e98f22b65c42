//! What `[audit]` says about records: codes, pseudonyms, and rules.

use std::{fs, path::Path};

use palisade::{
    audit::{AuditKey, CheckpointKey, EvolvingKeyFile},
    config::{Config, Running},
};
use palisade_internal::private_file;
use serde_json::Value;
use tempfile::TempDir;

const HOSTS: &str = "[server]\nhosts = [\"service.test\"]\n";
const OPEN: &str = "[[routes]]\npath = \"/health\"\naccess = \"public\"\n";
const AUDIT: &str = "[audit]\nfile = \"audit.jsonl\"\n";

/// A folder with a configuration of these lines in `[audit]`, and two keys.
fn folder(lines: &str) -> TempDir {
    let folder = crate::config::folder(&format!("{HOSTS}{AUDIT}{lines}\n{OPEN}"));
    for name in ["correlation.key", "new.key"] {
        let key = AuditKey::generate().unwrap();
        private_file::write_new(&folder.path().join(name), key.expose()).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> Config {
    Config::read(folder.path().join("palisade.toml")).unwrap()
}

fn key(folder: &TempDir, name: &str) -> AuditKey {
    AuditKey::from_file(folder.path().join(name)).unwrap()
}

/// The data of all events of a kind in the trail.
fn events(trail: &Path, id: &str) -> Vec<Value> {
    let text = fs::read_to_string(trail).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    records
        .filter(|record| record["event_id"] == id)
        .map(|record| record["data"].clone())
        .collect()
}

/// Refuses a configuration with these lines in `[audit]`, and returns the error.
fn refusal(lines: &str) -> String {
    let assembled = read(&folder(lines)).assemble();
    assembled.map(|_| ()).expect_err(lines).to_string()
}

#[tokio::test]
async fn the_rules_of_the_file_are_those_of_the_trail() {
    let folder = folder(
        r#"
correlation_key = "correlation.key"
correlate_headers = ["x-device-id"]
correlate_query = ["user"]
pseudonymize_principals = true
pseudonymize_client_address = true

[[audit.rules]]
route = "/health"
successes = "none"

[[audit.rules]]
under = "/catalogue"
successes = "metadata"
sample_successes = 100

[[audit.rules]]
failures = "metadata"
refusals = "fields"
"#,
    );
    let audit = read(&folder).assemble().unwrap().audit.unwrap();
    audit.handle().close().await.unwrap();
    let trail = folder.path().join("audit.jsonl");
    let rules = &events(&trail, "audit.rules")[0];
    let expected = [
        "successes none, failures fields, refusals fields: /health",
        "successes metadata, failures fields, refusals fields, one of 100 successes: under /catalogue/",
        "successes fields, failures metadata, refusals fields: any route",
    ];
    for (name, expected) in ["rule_1", "rule_2", "rule_3"].into_iter().zip(expected) {
        assert_eq!(rules[name], expected);
    }
    let used = events(&trail, "audit.correlation_key");
    assert_eq!(used[0]["key"], key(&folder, "correlation.key").id());
}

#[test]
fn what_the_file_says_about_records_is_checked() {
    let key = "correlation_key = \"correlation.key\"\n";
    for (lines, expected) in [
        ("correlate_headers = [\"x-a\"]", "audit.correlate_headers"),
        ("correlate_query = [\"a\"]", "audit.correlate_query"),
        (
            "pseudonymize_principals = true",
            "audit.pseudonymize_principals",
        ),
        (
            "pseudonymize_client_address = true",
            "audit.pseudonymize_client_address",
        ),
        ("correlation_key = \"nowhere\"", "audit.correlation_key"),
        (
            &format!("{key}correlate_headers = [\"a b\"]"),
            "it is no name of a header",
        ),
        (
            "evolving_key = \"seal.key\"",
            "checkpoints need a key of their own",
        ),
        (
            "evolving_key = \"seal.key\"\nseal_key = \"correlation.key\"",
            "remove seal_key or evolving_key",
        ),
        (
            "evolving_key = \"correlation.key\"\ncheckpoints = false",
            "palisade audit seal-key",
        ),
        (
            "[[audit.rules]]\nrefusals = \"none\"",
            "refusals and failures are always recorded",
        ),
        (
            "[[audit.rules]]\nfailures = \"none\"",
            "refusals and failures are always recorded",
        ),
        (
            "[[audit.rules]]\nroute = \"/a\"\nunder = \"/b\"",
            "remove route or under",
        ),
        (
            "[[audit.rules]]\nroute = \"a\"",
            "it does not begin with a slash",
        ),
        (
            "[[audit.rules]]\nsample_successes = 0",
            "write a number from 1 to 1000000",
        ),
    ] {
        let error = refusal(lines);
        assert!(error.contains(expected), "{lines}: {error}");
    }
    let further = |keys: &str| format!("[[audit.files]]\nfile = \"second.jsonl\"\n{keys}");
    let alone = refusal(&further("evolving_key = \"seal.key\""));
    assert!(
        alone.contains("checkpoints need a key of their own"),
        "{alone}"
    );
    let signed = folder(&further(
        "evolving_key = \"seal.key\"\ncheckpoint_key = \"checkpoint.key\"",
    ));
    EvolvingKeyFile::create(signed.path().join("seal.key")).unwrap();
    let key = CheckpointKey::generate().unwrap().to_text();
    private_file::write_new(&signed.path().join("checkpoint.key"), key.expose()).unwrap();
    assert!(read(&signed).assemble().is_ok());
    let trail = fs::read_to_string(signed.path().join("second.jsonl")).unwrap();
    assert!(trail.contains("\"epoch\":0"), "{trail}");
    let evolving = folder("evolving_key = \"seal.key\"\ncheckpoints = false");
    EvolvingKeyFile::create(evolving.path().join("seal.key")).unwrap();
    assert!(read(&evolving).assemble().is_ok());
    // Off, they need no key.
    let off = "pseudonymize_principals = false\npseudonymize_client_address = false";
    assert!(read(&folder(off)).assemble().is_ok());
}

#[tokio::test]
async fn a_reload_uses_the_key_that_the_file_names_now() {
    let lines = "correlation_key = \"correlation.key\"\npseudonymize_principals = true\n";
    let folder = folder(lines);
    let audit = read(&folder).assemble().unwrap().audit;
    let running = || Running::new().with_audit(audit.clone());
    let before = key(&folder, "correlation.key").id();
    let reload = || read(&folder).assemble_with(running()).unwrap().key_rotation;
    // The same key is no change.
    reload().unwrap().apply();
    let new = folder.path().join("new.key");
    fs::rename(new, folder.path().join("correlation.key")).unwrap();
    // A reload that something else refuses changes nothing.
    drop(reload());
    let trail = folder.path().join("audit.jsonl");
    audit.as_ref().unwrap().handle().flush().await.unwrap();
    assert_eq!(events(&trail, "audit.correlation_key").len(), 1);
    reload().unwrap().apply();
    audit.unwrap().handle().close().await.unwrap();
    let used = events(&trail, "audit.correlation_key");
    assert_eq!(used.len(), 2, "{used:?}");
    assert_eq!(used[1]["key"], key(&folder, "correlation.key").id());
    assert_eq!(used[1]["previous"], before);
}
