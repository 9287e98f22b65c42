//! `palisade key` on the records of a fleet, in a real server. Skipped where `redis-server` is missing, except in CI.

use std::fs;

use palisade_api_key::{KeyScheme, Pepper, RedisKeyStore};
use palisade_core::{Clock as _, Secret, SystemClock};
use palisade_internal::redis_server::RedisServer;

use crate::support::{Folder, Ran};

/// A folder with the files of an operator, and the server of the fleet.
struct Fleet {
    folder: Folder,
    server: RedisServer,
}

impl Fleet {
    fn start() -> Option<Self> {
        let server = RedisServer::start().unwrap()?;
        let folder = Folder::new();
        fs::write(folder.path("keys.seal"), SEAL).unwrap();
        Some(Self { folder, server })
    }

    /// Adds the server and the seal to a command line.
    fn line(&self, command: &str) -> String {
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        let url = self.server.url();
        format!("key {name} --redis {url} --seal-key keys.seal {rest}")
    }

    fn good(&self, command: &str) -> String {
        self.folder.good(&self.line(command))
    }

    fn bad(&self, command: &str) -> String {
        self.folder.bad(&self.line(command))
    }

    fn run(&self, command: &str) -> Ran {
        self.folder.run(&self.line(command))
    }

    /// Makes a key with some options.
    fn new_key(&self, options: &str) -> String {
        self.good(&format!("new --pepper pepper {options}"))
    }

    /// Decides about a key as a process of the fleet does that has asked nothing yet.
    fn accepts(&self, key: &str) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let scheme = KeyScheme::new(Pepper::read_file(self.folder.path("pepper")).unwrap());
        let store = RedisKeyStore::builder(&self.server.url(), Secret::new(SEAL));
        let store = store.build().unwrap();
        let presented = scheme.present(key.as_bytes()).unwrap();
        let record = runtime
            .unwrap()
            .block_on(store.get(presented.id()))
            .unwrap();
        let now = SystemClock::default().unix_time();
        record.is_some_and(|record| record.check(&presented, now, None).is_ok())
    }
}

const SEAL: &[u8] = b"a key of the fleet: thirty-two b";

fn id(key: &str) -> &str {
    key.split('_').nth(2).unwrap()
}

#[test]
fn a_key_of_a_fleet_is_made_listed_shown_rotated_disabled_and_revoked() {
    let Some(fleet) = Fleet::start() else { return };
    let key = fleet.new_key("--scope a --owner team --limit speak=500 --limit api-day=7");
    let id = id(&key).to_owned();
    assert!(fleet.accepts(&key));
    let listed = fleet.folder.json(&fleet.line("list --json"));
    assert_eq!(listed[0]["id"], id.as_str());
    let shown = fleet.folder.json(&fleet.line(&format!("show --json {id}")));
    assert_eq!(shown, listed[0]);
    assert_eq!(
        shown["limits"],
        serde_json::json!({ "api-day": 7, "speak": 500 })
    );
    let text = fleet.good(&format!("show {id}"));
    for line in [
        "status: active",
        "owner: team",
        "limits: api-day=7 speak=500",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} in {text}");
    }
    assert!(!text.contains("digest") && !text.contains("note"), "{text}");

    let rotated = fleet.good(&format!("rotate --pepper pepper --overlap 0s {id}"));
    assert!(fleet.accepts(&rotated) && !fleet.accepts(&key));
    let ran = fleet.run(&format!("disable {id}"));
    assert_eq!((ran.code, ran.err), (Some(0), format!("disabled {id}\n")));
    assert!(!fleet.accepts(&rotated));
    fleet.good(&format!("enable {id}"));
    assert!(fleet.accepts(&rotated));
    // A whole key that was found is accepted for its id.
    let ran = fleet.run(&format!("revoke {rotated}"));
    assert_eq!((ran.code, ran.err), (Some(0), format!("revoked {id}\n")));
    assert!(!fleet.accepts(&rotated));
    let problem = fleet.bad(&format!("enable {id}"));
    assert!(problem.contains("revoked"), "{problem}");
}

#[test]
fn all_keys_of_an_owner_are_revoked_and_an_unknown_id_changes_nothing() {
    let Some(fleet) = Fleet::start() else { return };
    let [one, two] = [fleet.new_key("--owner team"), fleet.new_key("--owner team")];
    let other = fleet.new_key("--owner another");
    let problem = fleet.bad(&format!("revoke {} 000000000000", id(&one)));
    assert!(problem.contains("000000000000"), "{problem}");
    assert!(fleet.accepts(&one));
    fleet.good("revoke --owner team");
    assert!(!fleet.accepts(&one) && !fleet.accepts(&two) && fleet.accepts(&other));
    let problem = fleet.bad("revoke --owner nobody");
    assert_eq!(problem, "error: this owner has no keys\n");
}

#[test]
fn verify_says_whether_the_fleet_could_use_its_server() {
    let Some(mut fleet) = Fleet::start() else {
        return;
    };
    fleet.new_key("");
    let usable = fleet.good("verify --pepper pepper");
    assert_eq!(usable, "usable: the server: 1 keys, made with pepper");
    fs::write(
        fleet.folder.path("other.seal"),
        "another key of sixteen bytes",
    )
    .unwrap();
    let url = fleet.server.url();
    let other = format!("key verify --redis {url} --seal-key other.seal");
    let ran = fleet.folder.run(&other);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("--seal-key is not that of the fleet"),
        "{}",
        ran.out
    );
    fleet.folder.good("key new-pepper pepper.new");
    let ran = fleet.run("verify --pepper pepper.new");
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("another pepper"), "{}", ran.out);
    fleet.server.kill().unwrap();
    let ran = fleet.run("verify");
    assert_eq!(
        (ran.code, &*ran.out),
        (
            Some(1),
            "not usable: the key store is unavailable: no connection\n"
        )
    );
}

#[test]
fn a_revocation_that_no_replica_confirms_is_made_and_told() {
    let Some(fleet) = Fleet::start() else { return };
    let [one, two] = [fleet.new_key(""), fleet.new_key("")];
    let (a, b) = (id(&one), id(&two));
    let ran = fleet.run(&format!("revoke --replicas 1 --replicas-within 1s {a} {b}"));
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains(&format!("revoked {a}\nrevoked {b}\n")),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("0 of 1 replicas"), "{}", ran.err);
    assert!(!fleet.accepts(&one) && !fleet.accepts(&two));
}

/// Arguments are in the list of processes and in the history of a shell.
#[test]
fn no_password_is_an_argument() {
    let Some(fleet) = Fleet::start() else { return };
    let folder = &fleet.folder;
    fleet.new_key("");
    let port = fleet.server.url().replace("redis://127.0.0.1:", "");
    let problem = folder.bad(&format!(
        "key list --redis redis://:canary@127.0.0.1:{port} --seal-key keys.seal"
    ));
    assert!(
        problem.contains("list of processes") && !problem.contains("canary"),
        "{problem}"
    );
    // In a file of the owner alone it is accepted.
    fs::write(folder.path("address"), format!("{}\n", fleet.server.url())).unwrap();
    let with_file = "key list --json --redis-file address --seal-key keys.seal";
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |mode| {
            fs::set_permissions(folder.path("address"), fs::Permissions::from_mode(mode)).unwrap()
        };
        mode(0o644);
        assert!(folder.bad(with_file).contains("set its mode to 0600"));
        mode(0o600);
    }
    assert_eq!(folder.json(with_file).as_array().unwrap().len(), 1);
    // The server knows no password, and refuses one.
    let mut command = folder.command(&fleet.line("list --password-env PALISADE_TEST_PASSWORD"));
    let output = command
        .env("PALISADE_TEST_PASSWORD", "canary")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!text.contains("canary"), "{text}");
    let problem = fleet.bad("list --password-env PALISADE_TEST_UNSET");
    assert!(
        problem.contains("PALISADE_TEST_UNSET is not set"),
        "{problem}"
    );
}

#[test]
fn settings_of_a_server_are_refused_for_a_file_and_a_server_needs_its_seal() {
    let folder = Folder::new();
    folder.good("key new --store keys.toml --pepper pepper");
    for option in ["--seal-key keys.toml", "--redis-prefix a", "--replicas 1"] {
        let problem = folder.bad(&format!("key list --store keys.toml {option}"));
        assert!(problem.contains("for keys in Redis"), "{problem}");
    }
    let problem = folder.bad("key list --redis redis://127.0.0.1:1");
    assert!(problem.contains("--redis needs --seal-key"), "{problem}");
    let problem = folder.bad("key list --store keys.toml --redis redis://127.0.0.1:1");
    assert!(problem.contains("cannot be used with"), "{problem}");
    let text = folder.good(&format!("key show --store keys.toml {}", {
        let all = folder.json("key list --store keys.toml --json");
        all[0]["id"].as_str().unwrap().to_owned()
    }));
    assert!(text.contains("status: active"), "{text}");
    assert!(
        folder
            .bad("key show --store keys.toml 000000000000")
            .contains("000000000000")
    );
}
