//! Keys in a TOML file: read, changed by others, broken, saved by many at once.

use std::{fs, path::PathBuf, sync::mpsc, time::Duration};

use http::StatusCode;
use palisade_api_key::{
    ApiKeyLayer, Environment, FileKeyStore, Grant, KeyFileError, KeyFileReport, KeyRecord,
    KeyScheme, Pepper,
};
use palisade_core::{Fact, ManualClock};
use tempfile::TempDir;

use crate::support::{MINUTE, NOW, Stand, ask, live, with_header};

/// A folder that goes away with the test.
pub(crate) struct Folder {
    pub scheme: KeyScheme,
    pub folder: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let this = Self {
            scheme: KeyScheme::new(Pepper::generate().unwrap()),
            folder: TempDir::new().unwrap(),
        };
        FileKeyStore::create(this.path()).unwrap();
        this
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    pub(crate) fn open(&self) -> FileKeyStore {
        FileKeyStore::builder(self.path())
            .on_report(|_| {})
            .unwatched()
            .open()
            .unwrap()
    }

    /// Adds a key to the file through a store of its own, as another program would.
    pub(crate) fn add(&self) -> String {
        let minted = self.scheme.mint(live(), NOW).unwrap();
        self.open()
            .update(|table| table.insert(minted.record().clone()))
            .unwrap();
        minted.key().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    pub(crate) fn send(&self, store: &FileKeyStore, key: &str) -> crate::support::ReceivedResponse {
        let layer = ApiKeyLayer::builder(self.scheme.clone(), store.clone())
            .clock(Stand::new().clock.shared());
        ask(layer.build().unwrap(), with_header("x-api-key", key))
    }
}

#[test]
fn records_are_read_as_they_were_written() {
    let folder = Folder::new();
    let grant = Grant::new(Environment::Test)
        .owner("team \"voice\"")
        .tier("gold")
        .note("中文 ' \\ note")
        .scopes(["tts:speak", "voices:read"])
        .networks(["203.0.113.0/24", "2001:db8::/32"].map(|text| text.parse().unwrap()))
        .not_before(NOW - MINUTE)
        .expires(NOW + MINUTE);
    let minted = folder.scheme.mint(grant, NOW).unwrap();
    let rotated = folder
        .scheme
        .rotate(minted.record(), NOW + MINUTE, NOW)
        .unwrap();
    let revoked = rotated.record().clone().revoked(NOW);
    folder
        .open()
        .update(|table| table.insert(revoked.clone()))
        .unwrap();
    let read = folder.open().table().get(revoked.id()).cloned().unwrap();
    check_equal(&read, &revoked);
}

fn check_equal(read: &KeyRecord, written: &KeyRecord) {
    let parts = |record: &KeyRecord| {
        let previous = record
            .previous()
            .map(|(digest, until)| (digest.to_text(), until));
        (
            record.digest().to_text(),
            previous,
            record.created(),
            record.revoked_at(),
            record.retired_until(),
        )
    };
    assert_eq!(parts(read), parts(written));
    assert_eq!(read.grant(), written.grant());
    assert_eq!(read.principal(), written.principal());
}

#[test]
fn the_time_of_secrets_that_are_gone_is_written_down() {
    let folder = Folder::new();
    let first = folder.scheme.mint(Grant::new(Environment::Live), NOW);
    let second = folder.scheme.rotate(first.unwrap().record(), NOW, NOW);
    let second = second.unwrap();
    assert!(second.record().retired_until().is_some());
    folder
        .open()
        .update(|table| table.insert(second.record().clone()))
        .unwrap();
    let read = folder.open().table().get(second.record().id()).cloned();
    check_equal(&read.unwrap(), second.record());
}

#[test]
fn a_key_added_by_another_program_counts_after_a_look() {
    let folder = Folder::new();
    let store = folder.open();
    let key = folder.add();
    assert_eq!(folder.send(&store, &key).status, StatusCode::UNAUTHORIZED);
    assert!(store.refresh().unwrap());
    assert_eq!(folder.send(&store, &key).status, StatusCode::OK);
    assert!(!store.refresh().unwrap(), "nothing new");
}

#[test]
fn a_change_in_place_of_the_same_length_is_noticed() {
    let folder = Folder::new();
    let key = folder.add();
    let text = folder.text();
    for turn in 0..20 {
        fs::write(
            folder.path(),
            format!("{text}note = \"{turn:02}, first\"\n"),
        )
        .unwrap();
        let store = folder.open();
        fs::write(
            folder.path(),
            format!("{text}note = \"{turn:02}, later\"\n"),
        )
        .unwrap();
        store.refresh().unwrap();
        let record = store
            .table()
            .get(crate::support::id_of(&key))
            .cloned()
            .unwrap();
        assert_eq!(record.note(), Some(&*format!("{turn:02}, later")));
    }
}

#[test]
fn a_key_revoked_by_hand_is_refused_after_a_look() {
    let folder = Folder::new();
    let key = folder.add();
    let store = folder.open();
    let revoked = format!("{}revoked = 2026-11-24T08:00:00Z\n", folder.text());
    fs::write(folder.path(), revoked).unwrap();
    store.refresh().unwrap();
    assert_eq!(folder.send(&store, &key).reason(), Some("key revoked"));
}

#[test]
fn the_watch_notices_a_change_by_itself() {
    let folder = Folder::new();
    let (sender, receiver) = mpsc::channel();
    let report = move |report: KeyFileReport<'_>| {
        let loaded = match report {
            KeyFileReport::Loaded(keys) => Some(keys),
            _ => None,
        };
        let _ = sender.send(loaded);
    };
    let store = FileKeyStore::builder(folder.path())
        .interval(Duration::from_millis(5))
        .on_report(report)
        .open()
        .unwrap();
    let heard = || {
        receiver
            .recv_timeout(Duration::from_secs(30))
            .expect("the watch says something")
    };
    let key = folder.add();
    assert_eq!(heard(), Some(1));
    assert_eq!(folder.send(&store, &key).status, StatusCode::OK);
    fs::write(folder.path(), "version = ").unwrap();
    assert_eq!(heard(), None);
    drop(store);
    assert!(
        receiver.recv_timeout(Duration::from_secs(30)).is_err(),
        "the thread ended and let go"
    );
}

#[test]
fn a_broken_file_keeps_the_keys_before_it_and_says_so_once() {
    let folder = Folder::new();
    let key = folder.add();
    let (sender, receiver) = mpsc::channel();
    let report = move |report: KeyFileReport<'_>| sender.send(format!("{report:?}")).unwrap();
    let store = FileKeyStore::builder(folder.path())
        .on_report(report)
        .unwatched()
        .open()
        .unwrap();
    let good = folder.text();
    fs::write(folder.path(), good.replace("digest", "digset")).unwrap();
    assert!(store.refresh().is_err());
    assert!(store.refresh().is_err());
    let response = folder.send(&store, &key);
    assert_eq!(response.status, StatusCode::OK);
    assert!(response.facts.iter().any(|fact| matches!(
        fact,
        Fact::Degraded {
            guard: "api_key",
            ..
        }
    )));
    fs::write(folder.path(), good).unwrap();
    assert!(store.refresh().unwrap());
    assert!(folder.send(&store, &key).facts.is_empty());
    let said: Vec<_> = receiver.try_iter().collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("Kept") && said[1] == "Loaded(1)",
        "{said:?}"
    );
}

#[test]
fn keys_of_a_broken_file_end_after_a_quarter_of_an_hour_with_503() {
    let folder = Folder::new();
    let key = folder.add();
    let clock = ManualClock::new(NOW);
    let store = FileKeyStore::builder(folder.path())
        .clock(clock.shared())
        .unwatched()
        .open()
        .unwrap();
    let good = folder.text();
    fs::write(folder.path(), "version = ").unwrap();
    assert!(store.refresh().is_err());
    clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(folder.send(&store, &key).status, StatusCode::OK);
    clock.advance(Duration::from_secs(1));
    let response = folder.send(&store, &key);
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.reason(), Some("keys_stale"));
    let stale = Fact::Degraded {
        guard: "api_key",
        what: "keys_stale",
    };
    assert!(response.facts.contains(&stale), "{:?}", response.facts);
    fs::write(folder.path(), good).unwrap();
    store.refresh().unwrap();
    assert_eq!(folder.send(&store, &key).status, StatusCode::OK);
}

#[test]
fn the_bound_on_older_keys_is_the_operators() {
    let folder = Folder::new();
    let key = folder.add();
    let clock = ManualClock::new(NOW);
    let store = FileKeyStore::builder(folder.path())
        .clock(clock.shared())
        .max_stale_age(Duration::from_secs(60))
        .unwatched()
        .open()
        .unwrap();
    fs::remove_file(folder.path()).unwrap();
    assert!(store.refresh().is_err());
    clock.advance(Duration::from_secs(60));
    let response = folder.send(&store, &key);
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_second_problem_of_the_file_and_the_end_of_its_keys_are_told_once_each() {
    let folder = Folder::new();
    folder.add();
    let clock = ManualClock::new(NOW);
    let (sender, receiver) = mpsc::channel();
    let store = FileKeyStore::builder(folder.path())
        .clock(clock.shared())
        .on_report(move |report| sender.send(format!("{report:?}")).unwrap())
        .unwatched()
        .open()
        .unwrap();
    let good = folder.text();
    let broken = [good.replace("digest", "digset"), "version = ".into()];
    for text in [&broken[0], &broken[0], &broken[1], &broken[0]] {
        fs::write(folder.path(), text).unwrap();
        assert!(store.refresh().is_err());
    }
    clock.advance(Duration::from_secs(15 * 60));
    assert!(store.refresh().is_err());
    assert!(store.refresh().is_err());
    let said: Vec<_> = receiver.try_iter().collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("Kept") && said[1].starts_with("Kept"));
    assert_ne!(said[0], said[1]);
    assert!(said[2].starts_with("Expired"), "{said:?}");
}

#[test]
fn a_file_that_went_away_keeps_the_keys_before_it() {
    let folder = Folder::new();
    let key = folder.add();
    let store = folder.open();
    fs::remove_file(folder.path()).unwrap();
    assert!(store.refresh().is_err());
    assert_eq!(folder.send(&store, &key).status, StatusCode::OK);
}

#[test]
fn a_missing_file_is_an_error_at_the_start() {
    let folder = TempDir::new().unwrap();
    let problem = FileKeyStore::open(folder.path().join("none.toml")).unwrap_err();
    assert!(matches!(problem, KeyFileError::Io { .. }), "{problem}");
}

#[test]
fn an_existing_file_is_never_replaced_by_an_empty_one() {
    let folder = Folder::new();
    folder.add();
    assert!(FileKeyStore::create(folder.path()).is_err());
    assert_eq!(folder.open().table().len(), 1);
}
