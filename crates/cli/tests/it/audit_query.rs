//! `palisade audit query`, `report` and `export`, on trails that the real layer wrote.

use std::fs;

use crate::{
    audit::{change, trail},
    support::Folder,
};

#[test]
fn records_are_found_by_their_conditions() {
    let folder = Folder::new();
    trail(&folder, None);
    let all = folder.good("audit query audit.jsonl");
    assert!(
        all.lines().count() >= 7 && all.lines().next().unwrap().contains("opened"),
        "{all}"
    );
    let requests =
        folder.good("audit query audit.jsonl --type request --status 2xx --since 1h --json");
    assert_eq!(requests.lines().count(), 5);
    let text = folder.text("audit.jsonl");
    assert!(
        requests.lines().all(|line| text.contains(line)),
        "as they stand in the file"
    );
    let last = folder.good("audit query audit.jsonl --type request --last 2 --json");
    assert_eq!(
        last.lines().collect::<Vec<_>>(),
        requests.lines().skip(3).collect::<Vec<_>>()
    );
    let id = serde_json::from_str::<serde_json::Value>(last.lines().next().unwrap()).unwrap();
    let id = id["id"].as_str().unwrap();
    assert_eq!(
        folder
            .good(&format!("audit query audit.jsonl --id {id}"))
            .lines()
            .count(),
        1
    );
    let none = folder.run("audit query audit.jsonl --principal anna");
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
    for (wrong, output) in [
        ("--client 203.0.113.0/33", "0 to 32"),
        ("--status 4x", "404"),
        ("--since yesterday", "2w"),
    ] {
        assert!(
            folder
                .bad(&format!("audit query audit.jsonl {wrong}"))
                .contains(output),
            "{wrong}"
        );
    }
    assert!(
        folder
            .bad("audit query none.jsonl")
            .contains("cannot read none.jsonl")
    );
}

#[test]
fn control_characters_of_a_trail_are_escaped() {
    let folder = Folder::new();
    let hostile = r#"{"type":"event","event_id":"\u001b[2J\u202eevil","data":{"a":"\u0007"}}"#;
    fs::write(folder.path("audit.jsonl"), format!("{hostile}\n")).unwrap();
    let shown = folder.good("audit query audit.jsonl");
    assert!(
        !shown.contains(['\u{1b}', '\u{202e}', '\u{7}']),
        "{shown:?}"
    );
    assert!(shown.contains("\\u{1b}[2J\\u{202e}evil"), "{shown}");
}

#[test]
fn a_report_says_what_its_numbers_are_worth() {
    let folder = Folder::new();
    trail(&folder, None);
    let output = folder.good("audit report audit.jsonl --output report.html");
    assert_eq!(output, "report.html: 5 requests, 0 refused");
    let page = folder.text("report.html");
    assert!(page.contains("Intact") && page.contains("<svg"), "{page}");
    change(&folder, |text| text.replacen("200", "500", 1));
    let ran = folder.run("audit report audit.jsonl --output report.html");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(folder.text("report.html").contains("Not intact"));
    assert!(
        folder
            .bad("audit report audit.jsonl --output none/report.html")
            .contains("cannot write none/report.html")
    );
}

#[test]
fn records_are_exported_in_three_forms() {
    let folder = Folder::new();
    trail(&folder, None);
    for (format, sign) in [
        ("ocsf", "\"class_uid\":4002"),
        ("ecs", "\"@timestamp\""),
        ("cef", "CEF:0|"),
    ] {
        let lines = folder.good(&format!("audit export audit.jsonl --format {format}"));
        assert_eq!(lines.lines().count(), 5, "{lines}");
        assert!(lines.lines().all(|line| line.contains(sign)), "{lines}");
    }
    assert_eq!(
        folder.good("audit export audit.jsonl --format ecs --refused"),
        ""
    );
    assert!(
        folder
            .bad("audit export audit.jsonl --format xml")
            .contains("xml")
    );
}
