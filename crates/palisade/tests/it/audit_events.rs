//! Changes of keys and ends of sessions in the audit trail, from a configuration file.

use std::time::Duration;

use palisade::{
    AuditLayer, Principal,
    api_key::{
        Environment, FileKeyStore, Grant, KeyId, KeyScheme, KeyTable, MintedKey, Pepper, TableError,
    },
    audit::{AuditKey, MemorySink},
    config::{Assembled, Config, Running},
};
use serde_json::{Value, json};

const TEXT: &str = "[server]\nhosts = [\"service.test\"]\n[session]\n[keys]\nfile = \"keys.toml\"\n\
                    pepper = \"pepper\"\n[audit]\nfile = \"audit.jsonl\"\n";
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// A service from a file, and the key file as another process sees it.
struct Service {
    folder: tempfile::TempDir,
    parts: Assembled,
    trail: MemorySink,
    /// How many events were read.
    read: usize,
}

impl Service {
    fn start(audit: impl FnOnce(MemorySink) -> AuditLayer) -> Self {
        let folder = crate::config::folder(TEXT);
        let trail = MemorySink::new();
        let config = Config::read(folder.path().join("palisade.toml")).unwrap();
        let running = Running::new().with_audit(Some(audit(trail.clone())));
        Self {
            parts: config.assemble_with(running).unwrap(),
            folder,
            trail,
            read: 0,
        }
    }

    fn recorded() -> Self {
        Self::start(|trail| AuditLayer::builder().sink(trail).build().unwrap())
    }

    fn of_another_process(&self) -> FileKeyStore {
        let file = FileKeyStore::builder(self.folder.path().join("keys.toml"));
        file.unwatched().open().unwrap()
    }

    fn mint(&self) -> MintedKey {
        let pepper = Pepper::read_file(self.folder.path().join("pepper")).unwrap();
        let grant = Grant::new(Environment::Live).owner("acme");
        KeyScheme::new(pepper).mint(grant, NOW).unwrap()
    }

    /// Returns the events since the last call, without their times, after the service has looked at the file.
    fn events(&mut self) -> Vec<(String, Value)> {
        self.parts.keys.as_ref().unwrap().1.refresh().unwrap();
        let all = self.trail.events();
        let new = all.iter().skip(self.read).map(|event| {
            let line: Value = serde_json::from_str(&event.to_json()).unwrap();
            (event.id().to_owned(), line["data"].clone())
        });
        let new: Vec<_> = new.collect();
        self.read = all.len();
        new
    }
}

fn named(event: &str, key: KeyId) -> (String, Value) {
    let data = json!({ "key": key.as_str(), "owner": "acme" });
    (event.to_owned(), data)
}

#[tokio::test]
async fn the_trail_has_each_change_of_a_key() {
    let mut service = Service::recorded();
    let (other, minted) = (service.of_another_process(), service.mint());
    let id = minted.record().id();
    let record = minted.record().clone();
    other.update(|table| table.insert(record)).unwrap();
    assert_eq!(service.events(), [named("key.created", id)]);
    let own = service.parts.keys.as_ref().unwrap().1.clone();
    let pepper = Pepper::read_file(service.folder.path().join("pepper")).unwrap();
    let rotated = KeyScheme::new(pepper)
        .rotate(minted.record(), NOW, NOW)
        .unwrap();
    own.update(|table| table.replace(rotated.record().clone()))
        .unwrap();
    assert_eq!(service.events(), [named("key.rotated", id)]);
    let revoke = |table: &mut KeyTable| Ok::<_, TableError>(table.revoke_owner("acme", NOW));
    assert_eq!(other.update(revoke).unwrap(), [id]);
    assert_eq!(service.events(), [named("key.revoked", id)]);
    let remove = |table: &mut KeyTable| Ok::<_, TableError>(table.remove(id).is_some());
    assert!(own.update(remove).unwrap());
    assert_eq!(service.events(), [named("key.removed", id)]);
    assert_eq!(service.events(), [], "each change once");
}

/// A process that writes to the file can take a revocation back. The trail tells.
#[tokio::test]
async fn a_revocation_that_was_taken_out_of_the_file_is_in_the_trail() {
    let mut service = Service::recorded();
    let minted = service.mint();
    let (id, record) = (minted.record().id(), minted.record().clone());
    let other = service.of_another_process();
    other
        .update(|table| table.insert(record.revoked(NOW)))
        .unwrap();
    service.events();
    let path = service.folder.path().join("keys.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let without: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("revoked"))
        .collect();
    std::fs::write(&path, without.join("\n")).unwrap();
    assert_eq!(service.events(), [named("key.unrevoked", id)]);
}

#[tokio::test]
async fn the_trail_has_sessions_that_were_ended_by_name_or_all_together() {
    let mut service = Service::recorded();
    let sessions = service.parts.sessions.clone().unwrap();
    let ann = Principal::builder("user", "ann").owner("acme").build();
    let first = sessions.open(ann.clone()).await.unwrap();
    drop(sessions.open(ann.clone()).await.unwrap());
    assert!(sessions.end_one(&ann, first.id()).await.unwrap());
    assert_eq!(sessions.end_all(&ann).await.unwrap(), 1);
    assert_eq!(sessions.end_all(&ann).await.unwrap(), 0);
    let who = json!({ "count": 1, "kind": "user", "principal": "ann", "owner": "acme" });
    let with = |more: &[(&str, &str)]| {
        let mut data = who.clone();
        for (name, value) in more {
            data[*name] = json!(value);
        }
        ("sessions.ended".to_owned(), data)
    };
    let expected = [
        with(&[("by", "id"), ("session", first.id().as_str())]),
        with(&[("by", "all")]),
    ];
    assert_eq!(service.events(), expected);
}

#[tokio::test]
async fn a_trail_of_pseudonyms_names_neither_key_nor_owner() {
    let layer = |trail| {
        let layer = AuditLayer::builder().sink(trail);
        let key = AuditKey::generate().unwrap();
        let layer = layer.correlation_key(key).pseudonymize_principals();
        layer.build().unwrap()
    };
    let mut service = Service::start(layer);
    let minted = service.mint();
    let record = minted.record().clone();
    let insert = |table: &mut KeyTable| table.insert(record);
    service.of_another_process().update(insert).unwrap();
    let events = service.events();
    let created = events.iter().find(|(id, _)| id == "key.created").unwrap();
    let text = created.1.to_string();
    assert!(text.contains("hmac:"), "{text}");
    assert!(!text.contains("acme"), "{text}");
    assert!(!text.contains(minted.record().id().as_str()), "{text}");
}
