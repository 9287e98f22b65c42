//! The JSON Schema of an audit record is what readers read, and the book has its members and all events.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Value, json};

use super::{source, with_definitions};
use crate::support::Folder;

/// The types that read records, from the folder `crates`.
const RECORD: [&str; 2] = [
    "audit/src/record/document.rs",
    "audit/src/record/members.rs",
];
/// The identifiers of events.
const EVENTS: &str = "audit/src/record/event_id.rs";
const SCHEMA: &str = "audit/src/record/schema.json";
const PAGE: &str = "../docs/src/reference/audit-records.md";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// Makes the schema from the source of the types.
fn made() -> Value {
    let items = RECORD
        .into_iter()
        .flat_map(|name| source::items(&text(name)));
    let read = items.filter(source::Item::is_read);
    let mut items: BTreeMap<String, _> = read.map(|it| (it.name.clone(), it)).collect();
    let mut schema = items.remove("Record").unwrap().schema();
    schema["title"] = json!("Record of a Palisade audit trail");
    schema["required"] = json!(["v", "type"]);
    with_definitions(schema, &items)
}

/// The identifiers of events, each with the first paragraph of its documentation.
fn events() -> BTreeMap<String, String> {
    let text = text(EVENTS);
    let mut events = BTreeMap::new();
    let mut words = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            words.push_str(more);
            words.push('\n');
        } else if let Some((_, value)) = line.split_once(": &str = \"") {
            let first = words.split("\n\n").next().unwrap();
            let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
            events.insert(value.trim_end_matches("\";").to_owned(), first);
            words.clear();
        } else {
            words.clear();
        }
    }
    events
}

/// The tables of the page, between its marks.
fn tables() -> String {
    let schema = made();
    let mut page = String::from("| member | what it says |\n|---|---|\n");
    for (name, member) in schema["properties"].as_object().unwrap() {
        let words = member["description"].as_str().unwrap();
        page.push_str(&format!("| `{name}` | {words} |\n"));
        let inner = member.pointer("/items/$ref").or_else(|| member.get("$ref"));
        let Some(inner) = inner.and_then(Value::as_str) else {
            continue;
        };
        let inner = schema.pointer(&inner[1..]).unwrap();
        for (part, member) in inner["properties"].as_object().unwrap() {
            let words = member["description"].as_str().unwrap();
            page.push_str(&format!("| `{name}` . `{part}` | {words} |\n"));
        }
    }
    page.push_str("\n## Events\n\n| `event_id` | what happened |\n|---|---|\n");
    for (id, words) in events() {
        page.push_str(&format!("| `{id}` | {words} |\n"));
    }
    page
}

/// Compares with the committed files. `PALISADE_WRITE_SCHEMA=1` writes them again.
#[test]
fn the_committed_schema_of_records_and_the_page_are_made_from_the_types() {
    let schema = format!("{}\n", serde_json::to_string_pretty(&made()).unwrap());
    let (begin, end) = ("<!-- made from the types -->\n\n", "\n<!-- end -->\n");
    let page = text(PAGE);
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let made_page = [before, begin, &tables(), end, after].concat();
    if std::env::var_os("PALISADE_WRITE_SCHEMA").is_some() {
        fs::write(file(SCHEMA), &schema).unwrap();
        fs::write(file(PAGE), &made_page).unwrap();
    }
    let hint = "run this test with PALISADE_WRITE_SCHEMA=1";
    assert!(schema == text(SCHEMA), "{hint}");
    assert!(made_page == text(PAGE), "{hint}");
}

#[test]
fn the_command_prints_the_schema_of_records() {
    let printed = Folder::new().good("audit schema");
    assert_eq!(printed, text(SCHEMA).trim_end());
}

/// What code of the workspace passes to `AuditEvent::new`, without tests and comments.
fn used(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![file(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let code = text.split("#[cfg(test)]\nmod").next().unwrap();
                let code = code.lines().filter(|it| !it.trim().starts_with("//"));
                let code = code.collect::<Vec<_>>().join(" ");
                let uses = code.split("AuditEvent::new(").skip(1);
                found.extend(uses.map(|it| it.trim_start().chars().take(48).collect::<String>()));
            }
        }
    }
    found
}

#[test]
fn every_event_of_the_workspace_is_in_the_catalogue() {
    let known = events();
    assert!(known.len() > 30, "{known:?}");
    let folders = [
        "audit/src",
        "palisade/src",
        "gateway/src",
        "cli/src",
        "../examples/tts-server/src",
    ];
    let used: Vec<_> = folders.iter().flat_map(|folder| used(folder)).collect();
    assert!(used.len() > 20, "{}", used.len());
    for literal in used.iter().filter_map(|it| it.strip_prefix('"')) {
        let id = literal.split('"').next().unwrap();
        assert!(known.contains_key(id), "{id} is not in the catalogue");
    }
}
