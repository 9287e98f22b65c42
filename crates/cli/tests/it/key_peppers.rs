//! `palisade key new-pepper` and `key import`, and the options of other commands for them.

use crate::support::Folder;

const NEW: &str = "key new --store keys.toml --pepper pepper";
const LIST: &str = "key list --store keys.toml --json";

fn id(key: &str) -> &str {
    key.split('_').nth(2).unwrap()
}

fn good_with_input(folder: &Folder, line: &str, input: &str) -> String {
    let ran = folder.run_with_input(line, input.as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out.trim_end().to_owned()
}

/// Returns the error.
fn bad_with_input(folder: &Folder, line: &str, input: &str) -> String {
    let ran = folder.run_with_input(line, input.as_bytes());
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    ran.err
}

#[test]
fn a_pepper_is_replaced_while_keys_are_in_use() {
    let folder = Folder::new();
    let key = folder.good(NEW);
    folder.good("key new-pepper pepper.new");
    #[cfg(unix)]
    assert_eq!(folder.mode("pepper.new"), 0o600);
    folder.bad("key new-pepper pepper.new");
    folder.bad("key list --store keys.toml --pepper nowhere");
    let list = "key list --store keys.toml --pepper pepper.new --json";
    assert_eq!(folder.json(list)[0]["pepper"], "other");
    assert_eq!(folder.json(LIST)[0]["pepper"], serde_json::Value::Null);
    folder.bad("key new --store keys.toml --pepper pepper.new");
    let both = "--store keys.toml --pepper pepper.new --other-pepper pepper";
    let second = folder.good(&format!("key new {both}"));
    let all = folder.json(list);
    let pepper_of = |key: &str| {
        let mut all = all.as_array().unwrap().iter();
        all.find(|listed| listed["id"] == id(key)).unwrap()["pepper"].clone()
    };
    assert_eq!(
        (pepper_of(&key), pepper_of(&second)),
        ("other".into(), "current".into())
    );
    let verified = folder.good(&format!("key verify {both}"));
    let expected =
        "usable: keys.toml: 2 keys, made with pepper.new, and 1 of them still under another pepper";
    assert_eq!(verified, expected);
    let table = folder.good("key list --store keys.toml --pepper pepper.new");
    assert!(
        table.contains("PEPPER") && table.contains("other"),
        "{table}"
    );
    let try_key = |key: &str, options: &str| {
        let line = format!("try key --store keys.toml {options}");
        good_with_input(&folder, &line, key).contains("\"accepted\":true")
    };
    let ring = "--pepper pepper.new --other-pepper pepper";
    assert!(try_key(&key, ring) && try_key(&second, ring));
    assert!(!try_key(&key, "--pepper pepper.new"));
    // The key is rotated, since no one used it: now nothing needs the old pepper.
    let rotated = folder.good(&format!("key rotate {both} --overlap 0s {}", id(&key)));
    let all = folder.json(list);
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|key| key["pepper"] == "current"),
        "{all}"
    );
    assert!(try_key(&rotated, "--pepper pepper.new"));
}

#[test]
fn keys_of_another_system_are_imported_by_their_sha256() {
    let folder = Folder::new();
    // SHA-256 of `sk-0123456789abcdefghij`.
    let sha256 = "9b21de11b07dc56b7710253ad213adf9cd34e8ea36c5c53a6c81713139f2b10c";
    let import = "key import --store keys.toml --pepper pepper --owner acme --scope a";
    let input = format!("{sha256}\n\n{}\n", "ab".repeat(32));
    let ids = good_with_input(&folder, import, &input);
    assert_eq!(ids.lines().count(), 2, "{ids}");
    assert_eq!(folder.json(LIST)[0]["owner"], "acme");
    assert!(!folder.text("keys.toml").contains(sha256));
    let decide = |options: &str| {
        let line = format!("try key --store keys.toml --pepper pepper {options}");
        good_with_input(&folder, &line, "sk-0123456789abcdefghij")
    };
    let accepted = decide("--imported-keys");
    assert!(accepted.contains("\"accepted\":true"), "{accepted}");
    assert!(decide("").contains("malformed"), "{}", decide(""));
    // Twice, too short, none: nothing is stored.
    for wrong in [sha256, "ab", "sk-0123456789abcdefghij", ""] {
        let error = bad_with_input(&folder, import, wrong);
        assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
    }
    assert_eq!(folder.json(LIST).as_array().unwrap().len(), 2);
}
