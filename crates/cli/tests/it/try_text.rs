//! `palisade try text`.

use serde_json::{Value, json};

use crate::support::Folder;

/// Feeds lines to the command, and returns the objects that it printed: one for each line.
fn tried(options: &str, lines: &[&[u8]]) -> Vec<Value> {
    let folder = Folder::new();
    let input = lines.join(&b'\n');
    let ran = folder.run_with_input(&format!("try text {options}"), &input);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let all: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(all.len(), lines.len(), "{all:?}");
    all
}

fn tried_text(options: &str, text: &str) -> Value {
    let line = serde_json::to_string(text).unwrap();
    tried(options, &[line.as_bytes()]).remove(0)
}

#[test]
fn each_line_gets_one_object_and_a_line_that_is_no_string_does_not_end_the_run() {
    let all = tried(
        "--preset speech",
        &[
            b"\xef\xbb\xbf\"a\\u200bb\"\r",
            b"no string",
            b"",
            br#"{"text":"a"}"#,
            b"\"\xff\"",
            br#""\ud800""#,
            br#""""#,
            br#""a\nb\u2028c""#,
        ],
    );
    assert_eq!(all[0]["text"], "ab");
    for (index, found) in [(1, "column"), (2, "empty"), (3, "map"), (4, "UTF-8")] {
        assert_eq!(all[index]["error"], "not_a_json_string", "{all:?}");
        let detail = all[index]["detail"].as_str().unwrap();
        assert!(detail.contains(found), "{detail}");
    }
    assert_eq!(all[5]["refused"], "json_malformed");
    assert_eq!(
        all[6],
        json!({ "refused": "text_empty", "detail": "the text is empty" })
    );
    assert_eq!(all[7]["text"], "a\nb\nc");
}

#[test]
fn masks_are_reported_in_code_points_of_the_input() {
    // Before the number: an emoji of several code points, a dropped character, full-width digits.
    let text = "👨‍👩‍👧\u{202e}打１38\u{200b}00138000，写a@example.com。";
    let shown = tried_text("--preset prompt --mask phone,email", text);
    assert_eq!(shown["text"], "👨‍👩‍👧打***********，写*************。");
    let report = shown["report"].as_array().unwrap();
    assert_eq!(
        report[0],
        json!({ "kind": "phone", "start": 7, "end": 19, "score": 0.8 })
    );
    assert_eq!(
        report[1],
        json!({ "kind": "email", "start": 21, "end": 34, "score": 0.95 })
    );
    let class = json!({ "class": "bidirectional controls", "action": "changed", "count": 1 });
    assert!(report.contains(&class), "{report:?}");
    // Kinds that are not named stay, and white space before them is counted.
    let shown = tried_text(
        "--preset search_query --mask email",
        " \t a  a@example.com 13800138000",
    );
    assert_eq!(shown["text"], "a ************* 13800138000");
    assert_eq!(shown["report"][0]["start"], 6);
    assert_eq!(shown["report"][0]["end"], 19);
}

#[test]
fn all_kinds_can_be_masked_at_once() {
    let shown = tried_text(
        "--mask all",
        "京A12345 192.0.2.7 110105194912310021 GB29 NWBK 6016 1331 9268 19",
    );
    let kinds = |key: &str| -> Vec<Value> {
        let report = shown["report"].as_array().unwrap();
        report.iter().map(|entry| entry[key].clone()).collect()
    };
    assert_eq!(kinds("kind"), ["plate", "ipv4", "iban"]);
    assert_eq!(kinds("start"), [0, 8, 37]);
    let unknown = Folder::new().bad("try text --mask shoe-size");
    assert!(
        unknown.contains("resident-id") && unknown.contains("all"),
        "{unknown}"
    );
    assert!(
        Folder::new()
            .bad("try text --preset poem")
            .contains("log-line")
    );
}

#[test]
fn code_points_are_shown_on_request() {
    let shown = tried_text("--preset display_name --explain", "a\u{202e}");
    assert_eq!(shown["refused"], "text_forbidden");
    let input = json!([
        { "code": "U+0061" },
        { "code": "U+202E", "class": "bidirectional controls", "action": "refuse" },
    ]);
    assert_eq!(shown["explain"]["input"], input);
    assert_eq!(shown["explain"]["output"], json!([]));
    let shown = tried_text("--preset log-line --explain", "a\tx\u{301}");
    assert_eq!(
        shown["explain"]["input"][1]["action"],
        "replace with U+0020"
    );
    assert_eq!(
        shown["explain"]["output"],
        json!(["U+0061", "U+0020", "U+0078", "U+0301"])
    );
}

#[test]
fn every_preset_has_a_result_for_every_character() {
    // One line for each code point that is no surrogate, in some contexts.
    let presets = [
        "display-name",
        "file-name",
        "identifier",
        "log-line",
        "prompt",
        "search-query",
        "speech",
        "text",
    ];
    let texts: Vec<String> = (0..0x3100)
        .step_by(3)
        .filter_map(char::from_u32)
        .map(|c| serde_json::to_string(&format!("好{c}ب{c}{c}a")).unwrap())
        .collect();
    let lines: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    for preset in presets {
        for shown in tried(&format!("--preset {preset}"), &lines) {
            assert!(
                shown["text"].is_string() != shown["refused"].is_string(),
                "{shown}"
            );
        }
    }
}
