//! `palisade try`, `palisade token inspect` and `palisade token revoke`.

use serde_json::Value;

use crate::support::Folder;

const MINT: &str = "token mint --key dev.pem --jwks dev.jwks --issuer https://dev.test --audience tts \
                    --subject lin --scope tts:speak";
const TRY: &str = "try token --jwks dev.jwks --issuer https://dev.test --audience tts";

/// Feeds lines to a command and returns the objects that it printed.
fn decisions(folder: &Folder, line: &str, input: &[u8]) -> Vec<Value> {
    let ran = folder.run_with_input(line, input);
    assert_eq!(ran.code, Some(0), "{line}: {}", ran.err);
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_token_of_the_input_gets_one_line() {
    let folder = Folder::new();
    let good = folder.good(MINT);
    let expired = folder.good(&format!("{MINT} --claim exp=1"));
    let other = folder.good(&MINT.replace("--audience tts", "--audience other"));
    let mut forged = good.clone();
    forged.replace_range(..1, "f");
    let mut input = [good, expired, other, forged, String::new()]
        .join("\r\n")
        .into_bytes();
    input.extend(b"\n\xff\xfe\n");
    let all = decisions(&folder, TRY, &input);
    assert_eq!(all.len(), 6);
    assert_eq!(all[0]["accepted"], true);
    assert_eq!(all[0]["principal"]["id"], "lin");
    assert_eq!(
        all[0]["principal"]["scopes"],
        serde_json::json!(["tts:speak"])
    );
    let code = |index: usize| all[index]["code"].as_str().unwrap();
    assert_eq!(code(1), "expired");
    assert_eq!(code(2), "audience_mismatch");
    assert!(
        ["base64", "json", "header"].contains(&code(3)),
        "{}",
        code(3)
    );
    assert_eq!((code(4), code(5)), ("shape", "shape"));
    assert!(all[1..].iter().all(|one| one["accepted"] == false));
}

#[test]
fn tokens_are_tried_by_the_settings_that_are_given() {
    let folder = Folder::new();
    let token = folder.good(&format!(
        "{MINT} --claim permissions=[\"a\"] --claim nonce=n"
    ));
    let first = |line: &str| decisions(&folder, line, token.as_bytes()).remove(0);
    assert_eq!(first(TRY)["code"], "not_an_access_token");
    let lax = format!("{TRY} --dangerously-accept-id-tokens");
    assert_eq!(first(&lax)["accepted"], true);
    let scopes = first(&format!("{lax} --scopes-from permissions"));
    assert_eq!(
        scopes["principal"]["scopes"],
        serde_json::json!(["a", "tts:speak"])
    );
    assert_eq!(
        first(&format!("{lax} --require org"))["code"],
        "claim_missing"
    );
    assert_eq!(
        first(&format!("{lax} --max-lifetime 10m"))["code"],
        "lifetime_too_long"
    );
    let ran = folder.run("try token --jwks missing --issuer i --audience a");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("missing"), "{}", ran.err);
}

#[test]
fn keys_are_tried_as_the_layer_decides() {
    let folder = Folder::new();
    let new = "key new --store keys.toml --pepper pepper --scope tts:speak";
    let live = folder.good(new);
    let test = folder.good(&format!("{new} --env test"));
    let bound = folder.good(&format!("{new} --network 203.0.113.0/24"));
    let try_key = "try key --store keys.toml --pepper pepper";
    let input = [&*live, &test, &bound, "psk_live_guess", ""].join("\n");
    let all = decisions(&folder, try_key, input.as_bytes());
    assert_eq!(all[0]["accepted"], true, "{all:?}");
    assert_eq!(
        all[0]["principal"]["scopes"],
        serde_json::json!(["tts:speak"])
    );
    let codes: Vec<_> = all[1..]
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes[..3],
        ["wrong_environment", "client_unknown", "malformed"]
    );
    let client = format!("{try_key} --env test --client 203.0.113.7");
    let all = decisions(&folder, &client, input.as_bytes());
    assert_eq!(all[1]["accepted"], true);
    assert_eq!(all[0]["code"], "wrong_environment");
    // The key is on no line of the output.
    let shown = folder.run_with_input(try_key, input.as_bytes()).out;
    assert!(!shown.contains(&live[22..40]), "{shown}");
}

#[test]
fn a_token_is_shown_without_being_verified() {
    let folder = Folder::new();
    let token = folder.good(MINT);
    let input = format!("{token}\nno token\n");
    let all = decisions(&folder, "token inspect", input.as_bytes());
    assert_eq!(all[0]["verified"], false);
    assert_eq!(all[0]["claims"]["sub"], "lin");
    assert_eq!(all[0]["header"]["typ"], "at+jwt");
    assert!(all[1]["error"].as_str().unwrap().contains("three parts"));
}

#[test]
fn revoked_tokens_are_added_to_a_list() {
    let folder = Folder::new();
    let revoke = "token revoke --list revoked.json";
    let first = folder.good(&format!("{revoke} --token t-1"));
    assert_eq!(first, "revoked.json: 1 entries");
    let second = folder.good(&format!("{revoke} --principal lin"));
    assert_eq!(second, "revoked.json: 2 entries");
    folder.good(&format!("{revoke} --all"));
    let list: Value = serde_json::from_str(&folder.text("revoked.json")).unwrap();
    assert_eq!(list["tokens"][0]["credential"], "t-1");
    assert_eq!(list["principals"][0]["principal"], "lin");
    assert!(list["all_issued_before"].is_string());
    assert_eq!(folder.mode("revoked.json"), 0o600);
    folder.bad(&format!("{revoke} --token t-1 --all"));
    folder.bad(revoke);
}

/// The characters that change a terminal, reverse a line, or show nothing.
const MISLEADING: &str = "\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}";

fn hides(line: &str) -> bool {
    line.trim_end().contains(|c| MISLEADING.contains(c))
}

#[test]
fn what_a_token_says_cannot_control_the_terminal() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let folder = Folder::new();
    let part = |member: &str| {
        let object = serde_json::json!({ member: format!("a{MISLEADING}b"), "sub": "中文" });
        URL_SAFE_NO_PAD.encode(object.to_string())
    };
    let token = format!("{}.{}.AAAA", part("kid"), part(MISLEADING));
    let ran = folder.run_with_input("token inspect", token.as_bytes());
    assert!(!hides(&ran.out), "{ran:?}");
    assert!(
        ran.out.contains("中文") && ran.out.contains("\\u009b"),
        "{ran:?}"
    );
    // Readers of JSON see what was there.
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["header"]["kid"], format!("a{MISLEADING}b"));
    let text = serde_json::to_string(&format!("a{MISLEADING}b")).unwrap();
    let ran = folder.run_with_input("try text --preset speech --explain", text.as_bytes());
    assert!(!hides(&ran.out), "{ran:?}");
}

#[test]
fn what_a_note_says_cannot_reverse_a_line() {
    let folder = Folder::new();
    let new =
        "key new --store keys.toml --pepper pepper --note a\u{202e}b\u{200b}c --owner x\u{2067}y";
    let key = folder.good(new);
    let id = &key[9..21];
    for command in [
        "key list",
        "key list --json",
        &format!("key show {id}"),
        &format!("key show {id} --json"),
    ] {
        let ran = folder.run(&format!("{command} --store keys.toml"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(
            !ran.out.contains(['\u{202e}', '\u{200b}', '\u{2067}']),
            "{ran:?}"
        );
    }
}
