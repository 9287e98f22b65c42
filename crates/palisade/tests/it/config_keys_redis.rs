//! `[keys.redis]`: the keys of several processes in one server.

use std::{fs, time::Duration};

use http::header;
use palisade::{
    Principal, ProtectedRouter, Routes, Rule,
    api_key::{Environment, Grant, KeyScheme, MintedKey, Pepper, RedisKeyError, RedisKeyStore},
    config::{Assembled, Config, Running},
    core::{Clock as _, Peer, Scheme, SystemClock},
};
use palisade_internal::{polling, redis_server::RedisServer};

use crate::support::{request, send_to};

const BASE: &str = "[server]\nhosts = [\"service.test\"]\n[session]\n[keys]\npepper = \"pepper\"\n";

/// A folder with a configuration and the files that it names.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = crate::config::folder(text);
    fs::write(folder.path().join("password"), "\n").unwrap();
    folder
}

fn config(folder: &tempfile::TempDir) -> Config {
    Config::read(folder.path().join("palisade.toml")).unwrap()
}

/// One server, and the files that all processes have.
struct Fleet {
    folder: tempfile::TempDir,
    _server: RedisServer,
}

impl Fleet {
    fn start(more: &str) -> Option<Self> {
        let server = RedisServer::start().unwrap()?;
        let url = server.url();
        let text = format!(
            "{BASE}{more}[keys.redis]\nurl = \"{url}\"\nseal_key = \"seal\"\nprefix = \"notes\"\n\
             deadline_millis = 2000\nlifetime_millis = 100\nremembered_keys = 8\n"
        );
        Some(Self {
            folder: folder(&text),
            _server: server,
        })
    }

    fn process(&self) -> Process {
        let parts = config(&self.folder).assemble().unwrap();
        let (scheme, store) = parts.redis_keys.clone().unwrap();
        Process {
            app: app(parts),
            scheme,
            store,
        }
    }
}

/// One process of the fleet.
struct Process {
    app: ProtectedRouter,
    scheme: KeyScheme,
    store: RedisKeyStore,
}

fn app(parts: Assembled) -> ProtectedRouter {
    let sessions = parts.sessions.unwrap();
    let who = async |who: Principal| who.id().to_owned();
    let routes = Routes::new()
        .get("/who", Rule::authenticated(), who)
        .post("/session", Rule::authenticated(), crate::sessions::sign_in)
        .with_state(sessions);
    parts.shield.protect(routes).unwrap()
}

impl Process {
    async fn mint(&self) -> MintedKey {
        let now = SystemClock::default().unix_time();
        let minted = self.scheme.mint(Grant::new(Environment::Live), now);
        let minted = minted.unwrap();
        self.store.insert(minted.record()).await.unwrap();
        minted
    }

    async fn status(&self, key: &str) -> u16 {
        send_to(&self.app, request("GET", "/who", Some(key)))
            .await
            .status
    }

    /// Asks until the status is this one.
    async fn reaches(&self, key: &str, status: u16) -> bool {
        let reached = polling::value_in_time(tokio::time::sleep, async || {
            (self.status(key).await == status).then_some(())
        });
        reached.await.is_some()
    }
}

#[tokio::test]
async fn a_key_of_one_process_opens_all_until_one_revokes_it() {
    let Some(fleet) = Fleet::start("") else {
        return;
    };
    let (one, two) = (fleet.process(), fleet.process());
    let minted = one.mint().await;
    assert_eq!(one.status(minted.key()).await, 200);
    assert_eq!(two.status(minted.key()).await, 200);
    let now = SystemClock::default().unix_time();
    one.store.revoke(minted.record().id(), now).await.unwrap();
    assert_eq!(one.status(minted.key()).await, 401, "at once");
    assert!(two.reaches(minted.key(), 401).await);
}

#[tokio::test]
async fn a_session_ends_with_the_key_of_the_server() {
    let Some(fleet) = Fleet::start("") else {
        return;
    };
    let one = fleet.process();
    let minted = one.mint().await;
    let signed_in = request("POST", "/session", Some(minted.key()));
    let signed_in = send_to(&one.app, signed_in).await;
    let cookie = signed_in.headers[header::SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let read = async || {
        let mut read = request("GET", "/who", None);
        let headers = read.headers_mut();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        send_to(&one.app, read).await.status
    };
    assert_eq!(read().await, 200);
    let now = SystemClock::default().unix_time();
    one.store.revoke(minted.record().id(), now).await.unwrap();
    assert_eq!(read().await, 401);
}

#[tokio::test]
async fn a_key_that_came_without_tls_is_revoked_where_the_file_says_so() {
    let revoke = "on_exposed = \"revoke\"\n";
    let Some(fleet) = Fleet::start(revoke) else {
        return;
    };
    let minted = fleet.process().mint().await;
    // This process has never seen the key.
    let one = fleet.process();
    let mut clear = request("GET", "/who", Some(minted.key()));
    let peer = Peer::new("203.0.113.7:5000".parse().unwrap(), Scheme::Http);
    clear.extensions_mut().insert(peer);
    assert_eq!(send_to(&one.app, clear).await.status, 403);
    assert!(one.reaches(minted.key(), 401).await);
}

#[tokio::test]
async fn after_a_reload_no_older_record_comes_back() {
    let Some(fleet) = Fleet::start("") else {
        return;
    };
    let running = Running::new();
    let reload = || {
        let parts = config(&fleet.folder)
            .assemble_with(running.clone())
            .unwrap();
        let (scheme, store) = parts.redis_keys.clone().unwrap();
        let app = app(parts);
        Process { app, scheme, store }
    };
    let first = reload();
    let minted = first.mint().await;
    let id = minted.record().id();
    let now = SystemClock::default().unix_time();
    first.store.revoke(id, now).await.unwrap();
    // The server gets an older record, as from a backup, and the file is read again, twice.
    let backup = fleet.process().store;
    backup.remove(id).await.unwrap();
    backup.insert(minted.record()).await.unwrap();
    assert_eq!(reload().status(minted.key()).await, 503);
    assert_eq!(reload().status(minted.key()).await, 503);
    let taken_over = Running::new().with_keys(Some(&(first.scheme.clone(), first.store.clone())));
    let parts = config(&fleet.folder).assemble_with(taken_over).unwrap();
    let status = send_to(&app(parts), request("GET", "/who", Some(minted.key())))
        .await
        .status;
    assert_eq!(status, 503);
    // What is documented: a new process cannot know.
    assert_eq!(fleet.process().status(minted.key()).await, 200);
}

#[tokio::test]
async fn a_revocation_that_no_replica_has_is_told_where_the_file_says_so() {
    let Some(fleet) = Fleet::start("") else {
        return;
    };
    let file = fleet.folder.path().join("palisade.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        format!("{text}revocation_replicas = 1\nreplicas_millis = 20\n"),
    )
    .unwrap();
    let one = fleet.process();
    let minted = one.mint().await;
    let now = SystemClock::default().unix_time();
    let revoked = one.store.revoke(minted.record().id(), now).await;
    let unconfirmed = RedisKeyError::Unconfirmed {
        confirmed: 0,
        wanted: 1,
    };
    assert_eq!(revoked, Err(unconfirmed));
    assert_eq!(one.status(minted.key()).await, 401);
}

#[tokio::test]
async fn doctor_tells_a_server_that_is_away_and_keys_of_another_pepper() {
    let Some(fleet) = Fleet::start("") else {
        return;
    };
    assert!(config(&fleet.folder).examine_keys().await.is_none());
    let one = fleet.process();
    let other = KeyScheme::new(Pepper::generate().unwrap());
    let minted = other.mint(Grant::new(Environment::Live), Duration::ZERO);
    one.store.insert(minted.unwrap().record()).await.unwrap();
    let found = config(&fleet.folder).examine_keys().await.unwrap();
    assert!(found.text.contains("another pepper"), "{}", found.text);
    let text = format!("{BASE}[keys.redis]\nurl = \"redis://127.0.0.1:1\"\nseal_key = \"seal\"\n");
    let away = config(&folder(&text)).examine_keys().await.unwrap();
    assert!(away.text.contains(":7: keys.redis.url: "), "{}", away.text);
}

#[tokio::test]
async fn a_mistake_is_named_with_its_line_and_key() {
    let redis = "[keys.redis]\nurl = \"redis://127.0.0.1\"\nseal_key = \"seal\"\n";
    let changed = |old: &str, new: &str| redis.replace(old, new);
    for (text, said) in [
        (String::new(), ":5: keys.pepper: the section names no place"),
        (
            format!("file = \"keys.toml\"\n{redis}"),
            ":6: keys.file: the keys are in a file or in Redis",
        ),
        (
            format!("max_stale_minutes = 5\n{redis}"),
            ":6: keys.max_stale_minutes: it is for keys in a file",
        ),
        (changed("redis://", "http://"), ":7: keys.redis.url: "),
        (changed("\"seal\"", "\"none\""), ":8: keys.redis.seal_key: "),
        (
            format!("{redis}password_file = \"password\""),
            ":9: keys.redis.password_file: the file is empty",
        ),
        (
            format!("{redis}prefix = \"a:b\""),
            ":9: keys.redis.prefix: ",
        ),
        (
            format!("{redis}deadline_millis = 0"),
            ":9: keys.redis.deadline_millis: ",
        ),
        (
            format!("{redis}lifetime_millis = 60001"),
            ":9: keys.redis.lifetime_millis: ",
        ),
        (
            format!("{redis}revocation_replicas = 0"),
            ":9: keys.redis.revocation_replicas: ",
        ),
        (
            format!("{redis}revocation_replicas = 1\nreplicas_millis = 10001"),
            ":10: keys.redis.replicas_millis: ",
        ),
        (
            format!("{redis}replicas_millis = 5"),
            ":9: keys.redis.replicas_millis: no replica is waited for",
        ),
        (
            format!("{redis}remembered_keys = 1000001"),
            ":9: keys.redis.remembered_keys: ",
        ),
    ] {
        let folder = folder(&format!("{BASE}{text}"));
        let error = config(&folder).assemble().map(drop).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
