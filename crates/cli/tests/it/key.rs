//! `palisade key`.

use std::{convert::Infallible, fs, process::Stdio};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use palisade_api_key::{ApiKeyLayer, FileKeyStore, KeyScheme, Pepper};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::Folder;

pub(crate) const NEW: &str = "key new --store keys.toml --pepper pepper";
pub(crate) const LIST: &str = "key list --store keys.toml --json";
const ROTATE: &str = "key rotate --store keys.toml --pepper pepper";

/// Sends a key to a server that has these files, and returns the status.
pub(crate) fn status(folder: &Folder, key: &str) -> StatusCode {
    let scheme = KeyScheme::new(Pepper::read_file(folder.path("pepper")).unwrap());
    let store = FileKeyStore::builder(folder.path("keys.toml"))
        .on_report(|_| {})
        .unwatched()
        .open()
        .unwrap();
    let handler = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = ApiKeyLayer::new(scheme, store).layer(handler);
    let request = Request::get("/")
        .header("x-api-key", key)
        .body(Full::default())
        .unwrap();
    service
        .oneshot(request)
        .now_or_never()
        .expect("the response is ready at once")
        .unwrap()
        .status()
}

pub(crate) fn id(key: &str) -> &str {
    key.split('_').nth(2).unwrap()
}

#[test]
fn a_new_key_opens_a_server_with_the_same_files() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    assert!(
        key.starts_with("psk_live_") && !key.contains(char::is_whitespace),
        "the key and nothing else: {key}"
    );
    assert_eq!(status(&folder, &key), StatusCode::OK);
    assert!(
        !folder
            .text("keys.toml")
            .contains(key.split('_').nth(3).unwrap())
    );
}

#[cfg(unix)]
#[test]
fn new_files_are_readable_for_their_owner_alone() {
    let folder = Folder::new();
    folder.good(NEW);
    assert_eq!(folder.mode("keys.toml"), 0o600);
    assert_eq!(folder.mode("pepper"), 0o600);
}

#[test]
fn a_second_key_uses_the_files_of_the_first() {
    let folder = Folder::new();
    let keys = [folder.good(NEW), folder.good(NEW)];
    assert_eq!(folder.json(LIST).as_array().unwrap().len(), 2);
    for key in keys {
        assert_eq!(status(&folder, &key), StatusCode::OK);
    }
}

#[test]
fn what_was_granted_is_listed() {
    let folder = Folder::new();
    let options = "--env test --owner team --tier gold --scope a --scope b --network 203.0.113.0/24 --note trial --metadata project=atlas --metadata note=a=b --limit speak=500 --limit api-day=20000";
    let key = folder.good(&format!(
        "{NEW} {options} --not-before 2026-01-01T00:00:00Z --expires 9000-01-01T00:00:00Z"
    ));
    let all = folder.json(LIST);
    let listed = &all[0];
    assert_eq!(listed["id"], id(&key));
    assert_eq!(listed["environment"], "test");
    assert_eq!(listed["owner"], "team");
    assert_eq!(listed["tier"], "gold");
    assert_eq!(listed["scopes"], serde_json::json!(["a", "b"]));
    assert_eq!(listed["networks"], serde_json::json!(["203.0.113.0/24"]));
    assert_eq!(listed["note"], "trial");
    let metadata = serde_json::json!({ "note": "a=b", "project": "atlas" });
    assert_eq!(listed["metadata"], metadata);
    let limits = serde_json::json!({ "api-day": 20_000, "speak": 500 });
    assert_eq!(listed["limits"], limits);
    assert_eq!(listed["imported"], false);
    assert_eq!(listed["not_before"], "2026-01-01T00:00:00Z");
    assert_eq!(listed["expires"], "9000-01-01T00:00:00Z");
    assert_eq!(listed["status"], "active");
    let table = folder.good("key list --store keys.toml");
    for text in [id(&key), "test", "active", "team", "gold", "a b", "trial"] {
        assert!(table.contains(text), "{text} in {table}");
    }
}

#[test]
fn a_listing_shows_neither_keys_nor_digests() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    let text = folder.text("keys.toml");
    let digest = text
        .lines()
        .find_map(|line| line.strip_prefix("digest = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    for listing in [folder.good("key list --store keys.toml"), folder.good(LIST)] {
        assert!(
            !listing.contains(key.split('_').nth(3).unwrap()),
            "{listing}"
        );
        assert!(!listing.contains(&digest[9..]), "{listing}");
    }
}

#[test]
fn a_revoked_key_opens_nothing() {
    let folder = Folder::new();
    let (key, other) = (folder.good(NEW), folder.good(NEW));
    folder.good(&format!("key revoke --store keys.toml {}", id(&key)));
    assert_eq!(status(&folder, &key), StatusCode::UNAUTHORIZED);
    assert_eq!(status(&folder, &other), StatusCode::OK);
    let all = folder.json(LIST);
    let listed = all
        .as_array()
        .unwrap()
        .iter()
        .find(|listed| listed["id"] == id(&key))
        .unwrap();
    assert_eq!(listed["status"], "revoked");
}

#[test]
fn a_whole_key_that_was_found_can_be_revoked_and_is_not_repeated() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    let ran = folder.run(&format!("key revoke --store keys.toml {key}"));
    assert_eq!(ran.code, Some(0));
    assert!(
        !ran.err.contains(&key) && ran.err.contains(id(&key)),
        "{}",
        ran.err
    );
    assert_eq!(status(&folder, &key), StatusCode::UNAUTHORIZED);
}

#[test]
fn a_damaged_key_is_not_repeated_either() {
    let folder = Folder::new();
    let secret = folder.good(NEW).split('_').nth(3).unwrap().to_owned();
    let problem = folder.bad(&format!("key revoke --store keys.toml psk_{secret}"));
    assert!(!problem.contains(&secret), "{problem}");
}

#[test]
fn all_keys_of_an_owner_can_be_revoked() {
    let folder = Folder::new();
    let theirs = folder.good(&format!("{NEW} --owner team"));
    let other = folder.good(NEW);
    folder.good("key revoke --store keys.toml --owner team");
    assert_eq!(status(&folder, &theirs), StatusCode::UNAUTHORIZED);
    assert_eq!(status(&folder, &other), StatusCode::OK);
    assert_eq!(
        folder.bad("key revoke --store keys.toml --owner no-one"),
        "error: this owner has no keys\n"
    );
}

#[test]
fn one_unknown_id_keeps_all_from_being_revoked() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    let problem = folder.bad(&format!(
        "key revoke --store keys.toml {} 000000000000",
        id(&key)
    ));
    assert_eq!(problem, "error: there is no key 000000000000\n");
    assert_eq!(status(&folder, &key), StatusCode::OK);
}

#[test]
fn both_secrets_are_accepted_during_a_rotation() {
    let folder = Folder::new();
    let old = folder.good(NEW);
    let new = folder.good(&format!("{ROTATE} {}", id(&old)));
    assert_eq!(id(&old), id(&new));
    assert_eq!(status(&folder, &old), StatusCode::OK);
    assert_eq!(status(&folder, &new), StatusCode::OK);
    assert_eq!(folder.json(LIST)[0]["status"], "rotating");
}

#[test]
fn a_rotation_without_overlap_ends_the_old_secret_at_once() {
    let folder = Folder::new();
    let old = folder.good(NEW);
    let new = folder.good(&format!("{ROTATE} --overlap 0s {}", id(&old)));
    assert_eq!(status(&folder, &old), StatusCode::UNAUTHORIZED);
    assert_eq!(status(&folder, &new), StatusCode::OK);
}

#[test]
fn a_revoked_key_is_not_rotated() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    folder.good(&format!("key revoke --store keys.toml {}", id(&key)));
    let problem = folder.bad(&format!("{ROTATE} {}", id(&key)));
    assert_eq!(
        problem,
        "error: the key is revoked or expired; mint a new one\n"
    );
}

#[test]
fn no_key_is_made_with_another_pepper_than_that_of_the_store() {
    let folder = Folder::new();
    folder.good(NEW);
    fs::remove_file(folder.path("pepper")).unwrap();
    assert!(folder.bad(NEW).contains("cannot read pepper"));
    assert!(
        !folder.path("pepper").exists(),
        "none is made behind the back of the keys"
    );
    Pepper::create_file(folder.path("pepper")).unwrap();
    assert!(folder.bad(NEW).contains("another pepper"));
}

#[test]
fn no_key_is_made_with_another_prefix_than_that_of_the_store() {
    let folder = Folder::new();
    let key = folder.good(&format!("{NEW} --prefix acme"));
    assert!(key.starts_with("acme_live_"));
    assert!(
        folder
            .bad(&format!("{ROTATE} {}", id(&key)))
            .contains("--prefix")
    );
    let rotated = folder.good(&format!("{ROTATE} --prefix acme {}", id(&key)));
    assert!(rotated.starts_with("acme_live_"));
}

#[cfg(unix)]
#[test]
fn files_that_others_may_use_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.good(NEW);
    let set = |name, mode| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap()
    };
    set("pepper", 0o644);
    assert!(folder.bad(NEW).contains("0600"));
    set("pepper", 0o600);
    set("keys.toml", 0o666);
    assert!(folder.bad(LIST).contains("0600"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_that_could_not_be_printed_is_removed() {
    let folder = Folder::new();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = folder
        .command(NEW)
        .stdout(Stdio::from(full))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
    assert_eq!(folder.json(LIST), serde_json::json!([]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_rotation_that_could_not_be_printed_changes_nothing() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    let before = folder.text("keys.toml");
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let rotate = format!("{ROTATE} {}", id(&key));
    let status = folder
        .command(&rotate)
        .stdout(Stdio::from(full))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
    assert_eq!(folder.text("keys.toml"), before);
}

#[test]
fn concurrent_commands_lose_no_key() {
    let folder = Folder::new();
    folder.good(NEW);
    let running: Vec<_> = (0..8)
        .map(|_| {
            folder
                .command(NEW)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        let key = String::from_utf8(output.stdout).unwrap();
        assert_eq!(status(&folder, key.trim_end()), StatusCode::OK);
    }
    assert_eq!(folder.json(LIST).as_array().unwrap().len(), 9);
}

fn check_bad(line: &str, expected: &str) {
    let folder = Folder::new();
    folder.good(NEW);
    let problem = folder.bad(line);
    assert!(problem.contains(expected), "{line}: {problem}");
    assert!(!problem.contains("panicked"), "{problem}");
}

#[test]
fn bad_input_gets_a_clear_line() {
    check_bad(&format!("{NEW} --expires yesterday"), "90d");
    check_bad(
        &format!("{NEW} --expires 2020-01-01T00:00:00Z"),
        "in the past",
    );
    check_bad(&format!("{NEW} --env prod"), "`live` or `test`");
    check_bad(&format!("{NEW} --network 10.0.0.1/8"), "203.0.113.0/24");
    check_bad(&format!("{NEW} --scope \""), "scope");
    check_bad(&format!("{NEW} --prefix PSK"), "lower-case");
    check_bad("key list --store none.toml", "cannot read none.toml");
    check_bad("key list", "--store");
    check_bad(
        "key revoke --store keys.toml short",
        "12 letters and digits",
    );
    check_bad("key revoke --store keys.toml", "<ID>");
    check_bad("key disable --store keys.toml", "<ID>");
    check_bad(
        "key new --store keys.toml --pepper pepper --metadata project",
        "NAME=VALUE",
    );
    for wrong in ["speak", "speak=", "speak=x", "speak=-1", "speak=4294967296"] {
        check_bad(&format!("{NEW} --limit {wrong}"), "NAME=AMOUNT");
    }
    check_bad(&format!("{NEW} --limit speak=0"), "revoke the credential");
}

#[test]
fn a_malformed_store_is_reported_with_line_and_remedy_and_not_changed() {
    let folder = Folder::new();
    folder.good(NEW);
    let broken = folder.text("keys.toml").replace("\"live\"", "\"prod\"");
    fs::write(folder.path("keys.toml"), &broken).unwrap();
    let problem = folder.bad(NEW);
    assert_eq!(
        problem,
        "error: keys.toml, line 6: the environment of a key is `live` or `test`\n"
    );
    assert_eq!(folder.text("keys.toml"), broken);
}
