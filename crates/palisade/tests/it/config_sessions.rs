//! `[session]` and `[cross_origin]`.

use std::fs;

use http::header;
use palisade::{
    Principal, ProtectedRouter, Routes, Rule,
    api_key::{Environment, FileKeyStore, Grant, KeyScheme, Pepper},
    config::{Config, Running},
    session::Sessions,
};

use crate::support::{TestResponse, request, send_to};

const BASE: &str = "[server]\nhosts = [\"service.test\"]\n";

/// A folder with a configuration and a file of keys.
struct Setup {
    folder: tempfile::TempDir,
    keys: FileKeyStore,
    scheme: KeyScheme,
}

impl Setup {
    fn new(sections: &str) -> Self {
        let folder = crate::config::folder(&format!("{BASE}{sections}"));
        let file = folder.path().join("keys.toml");
        let pepper = Pepper::read_file(folder.path().join("pepper")).unwrap();
        Self {
            keys: FileKeyStore::builder(file).unwatched().open().unwrap(),
            scheme: KeyScheme::new(pepper),
            folder,
        }
    }

    fn config(&self) -> Config {
        Config::read(self.folder.path().join("palisade.toml")).unwrap()
    }

    fn error(&self) -> String {
        self.config().assemble().map(drop).unwrap_err().to_string()
    }

    fn start(&self, running: Running) -> (ProtectedRouter, Option<Sessions>) {
        let parts = self.config().assemble_with(running).unwrap();
        let routes = Routes::new().post("/write", Rule::public(), async || "written");
        let who = async |who: Principal| who.id().to_owned();
        let routes = match parts.sessions {
            Some(_) => routes.get("/who", Rule::authenticated(), who),
            None => routes,
        };
        (parts.shield.protect(routes).unwrap(), parts.sessions)
    }
}

/// Opens a session for a principal, and returns the pair of its cookie.
async fn open(sessions: &Sessions, who: Principal) -> String {
    let opened = sessions.open(who).await.unwrap().set_cookie();
    opened
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

async fn read(app: &ProtectedRouter, cookie: &str) -> TestResponse {
    let mut read = request("GET", "/who", None);
    read.headers_mut()
        .insert(header::COOKIE, cookie.parse().unwrap());
    send_to(app, read).await
}

async fn write(app: &ProtectedRouter, headers: &[(&'static str, &str)]) -> TestResponse {
    let mut write = request("POST", "/write", None);
    for (name, value) in headers {
        write.headers_mut().insert(*name, value.parse().unwrap());
    }
    send_to(app, write).await
}

fn ann() -> Principal {
    Principal::builder("user", "ann").build()
}

#[tokio::test]
async fn each_key_of_the_section_changes_what_it_says() {
    let keys = "[session]\nlifetime_minutes = 60\nidle_minutes = 10\ncookie_name = \"__Host-notes\"\n\
                follow_links = true\nwithout_csrf_token = true\nmax_sessions = 3\nmax_per_principal = 2\n";
    let (app, sessions) = Setup::new(keys).start(Running::new());
    let sessions = sessions.unwrap();
    assert_eq!(sessions.lifetime().as_secs(), 3600);
    let set = sessions.open(ann()).await.unwrap().set_cookie();
    let set = set.to_str().unwrap();
    assert!(
        set.starts_with("__Host-notes=") && set.contains("SameSite=Lax"),
        "{set}"
    );
    assert!(
        format!("{sessions:?}").contains("idle: 600s"),
        "{sessions:?}"
    );
    for _ in 0..3 {
        drop(sessions.open(ann()).await.unwrap());
    }
    assert_eq!(sessions.list(&ann()).await.unwrap().len(), 2);
    drop(
        sessions
            .open(Principal::builder("user", "bob").build())
            .await
            .unwrap(),
    );
    let third = sessions
        .open(Principal::builder("user", "eve").build())
        .await;
    assert!(third.is_err(), "three places are taken");
    let cookie = open(&sessions, ann()).await;
    let own = [("cookie", &*cookie), ("sec-fetch-site", "same-origin")];
    assert_eq!(write(&app, &own).await.status, 200, "without X-CSRF-Token");
}

#[tokio::test]
async fn a_write_of_a_session_needs_its_token_by_default() {
    let (app, sessions) = Setup::new("[session]\n").start(Running::new());
    let cookie = open(&sessions.unwrap(), ann()).await;
    let refused = write(
        &app,
        &[("cookie", &*cookie), ("sec-fetch-site", "same-origin")],
    )
    .await;
    assert_eq!((refused.status, &*refused.code), (403, "csrf_token"));
    assert_eq!(read(&app, &cookie).await.body, "ann");
}

#[tokio::test]
async fn a_session_of_a_key_ends_with_the_key_of_the_file() {
    let setup = Setup::new("[session]\n[keys]\nfile = \"keys.toml\"\npepper = \"pepper\"\n");
    let now = std::time::Duration::from_secs(1_700_000_000);
    let minted = setup
        .scheme
        .mint(Grant::new(Environment::Live), now)
        .unwrap();
    let record = minted.record().clone();
    let id = record.id();
    setup.keys.update(|table| table.insert(record)).unwrap();
    let parts = setup.config().assemble().unwrap();
    let store = parts.keys.unwrap().1;
    let sessions = parts.sessions.unwrap();
    let routes = Routes::new().get("/who", Rule::authenticated(), async || "known");
    let app = parts.shield.protect(routes).unwrap();
    let of_key = open(&sessions, minted.record().principal().clone()).await;
    let of_user = open(&sessions, ann()).await;
    assert_eq!(read(&app, &of_key).await.status, 200);
    store.update(|table| table.revoke(id, now)).unwrap();
    assert_eq!(read(&app, &of_key).await.status, 401);
    assert_eq!(read(&app, &of_user).await.status, 200, "no key opened it");
}

#[tokio::test]
async fn without_keys_in_the_file_a_session_of_a_key_opens_nothing() {
    let (app, sessions) = Setup::new("[session]\n").start(Running::new());
    let of_key = Principal::builder("api_key", "7YRJFsEDPAbA").build();
    let cookie = open(&sessions.unwrap(), of_key).await;
    assert_eq!(read(&app, &cookie).await.status, 401);
}

#[tokio::test]
async fn sessions_stay_at_a_reload_that_passes_them_on() {
    let setup = Setup::new("[session]\n");
    let (app, sessions) = setup.start(Running::new());
    let cookie = open(sessions.as_ref().unwrap(), ann()).await;
    assert_eq!(read(&app, &cookie).await.status, 200);
    let (reloaded, _) = setup.start(Running::new().with_sessions(sessions));
    assert_eq!(read(&reloaded, &cookie).await.status, 200);
    let (other, _) = setup.start(Running::new());
    assert_eq!(
        read(&other, &cookie).await.status,
        401,
        "it does not know the session"
    );
    let changed = setup.folder.path().join("palisade.toml");
    fs::write(&changed, format!("{BASE}[session]\nidle_minutes = 5\n")).unwrap();
    let new = Config::read(&changed).unwrap();
    let old = Config::parse(&format!("{BASE}[session]\n")).unwrap();
    let error = new.refuse_changes(&old, &[]).unwrap_err();
    assert_eq!(error.key(), Some("session"));
}

#[tokio::test]
async fn sessions_in_redis_are_those_of_several_processes() {
    let Some(server) = palisade_internal::redis_server::RedisServer::start().unwrap() else {
        return;
    };
    let text = format!(
        "[session.redis]\nurl = \"{}\"\nseal_key = \"seal\"\nprefix = \"notes\"\ndeadline_millis = 2000\n",
        server.url()
    );
    let setup = Setup::new(&text);
    let ((one, sessions), (two, _)) = (setup.start(Running::new()), setup.start(Running::new()));
    let sessions = sessions.unwrap();
    let cookie = open(&sessions, ann()).await;
    for app in [&one, &two] {
        assert_eq!(read(app, &cookie).await.status, 200);
    }
    assert_eq!(sessions.end_all(&ann()).await.unwrap(), 1);
    assert_eq!(read(&two, &cookie).await.status, 401);
}

#[cfg(unix)]
#[test]
fn the_key_that_seals_sessions_is_kept_from_others_and_is_no_repetition() {
    use std::os::unix::fs::PermissionsExt as _;
    let text = "[session.redis]\nurl = \"redis://127.0.0.1\"\nseal_key = \"sealing\"\n";
    let assembled = |content: &[u8], mode| {
        let setup = Setup::new(text);
        let file = setup.folder.path().join("sealing");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let config = Config::read(setup.folder.path().join("palisade.toml")).unwrap();
        let assembled = config.assemble();
        assembled.map(drop).map_err(|error| error.to_string())
    };
    let key = b"0123456789abcdef";
    assert_eq!(assembled(key, 0o600), Ok(()));
    for (content, mode, problem) in [
        (&key[..], 0o666, "others may write it"),
        (b"aaaaaaaaaaaaaaaa", 0o600, "can be guessed"),
        (b"0123456789abcde\n", 0o600, "fewer than 16 bytes"),
    ] {
        let error = assembled(content, mode).unwrap_err();
        assert!(error.contains(problem), "{error}");
        assert!(error.contains("session.redis.seal_key"), "{error}");
    }
}

#[tokio::test]
async fn writes_of_other_origins_are_refused_but_for_those_that_the_section_names() {
    let (open, _) = Setup::new("").start(Running::new());
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://admin.example"),
    ];
    assert_eq!(
        write(&open, &foreign).await.status,
        200,
        "there is no section"
    );
    let (closed, _) = Setup::new("[cross_origin]\n").start(Running::new());
    let refused = write(&closed, &foreign).await;
    assert_eq!((refused.status, &*refused.code), (403, "cross_origin"));
    assert_eq!(write(&closed, &[]).await.status, 200, "a program");
    for exception in [
        "trusted_origins = [\"https://admin.example\"]",
        "except_paths = [\"/write\"]",
    ] {
        let section = format!("[cross_origin]\n{exception}\n");
        let (excepted, _) = Setup::new(&section).start(Running::new());
        assert_eq!(write(&excepted, &foreign).await.status, 200, "{exception}");
    }
}

#[test]
fn a_mistake_is_named_with_its_line_and_key() {
    for (text, place) in [
        (
            "[cross_origin]\nexcept_paths = [\"/*\"]",
            ":4: cross_origin.except_paths",
        ),
        (
            "[session]\nlifetime_minutes = 0",
            ":4: session.lifetime_minutes: ",
        ),
        (
            "[session]\nlifetime_minutes = 129601",
            ":4: session.lifetime_minutes: ",
        ),
        (
            "[session]\nidle_minutes = 721",
            ":4: session.idle_minutes: ",
        ),
        (
            "[session]\ncookie_name = \"session\"",
            ":4: session.cookie_name: ",
        ),
        ("[session]\nmax_sessions = 0", ":4: session.max_sessions: "),
        (
            "[session]\nmax_per_principal = 1001",
            ":4: session.max_per_principal: ",
        ),
        (
            "[session]\nredis = { url = \"http://a\", seal_key = \"seal\" }",
            ":4: session.redis.url: ",
        ),
        (
            "[session.redis]\nurl = \"redis://127.0.0.1\"\nseal_key = \"none\"",
            ":5: session.redis.seal_key: ",
        ),
        (
            "[session.redis]\nurl = \"redis://127.0.0.1\"\nseal_key = \"seal\"\nprefix = \"a:b\"",
            ":6: session.redis.prefix: ",
        ),
        (
            "[cross_origin]\ntrusted_origins = [\"https://a.example\",\n\"b.example\"]",
            ":5: cross_origin.trusted_origins: ",
        ),
        (
            "[cross_origin]\nexcept_paths = [\"/a/../b\"]",
            ":4: cross_origin.except_paths: ",
        ),
    ] {
        let error = Setup::new(text).error();
        assert!(error.contains(place), "{error}");
    }
}
