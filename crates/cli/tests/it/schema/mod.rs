//! The JSON Schema of the configuration file is what the types read.

mod records;
mod source;
mod validate;

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use self::{source::Item, validate::problems};
use crate::support::Folder;

/// The files with the types of the configuration, from the folder `crates`.
const FILES: [&str; 26] = [
    "palisade/src/config/document/mod.rs",
    "palisade/src/config/document/audit/mod.rs",
    "palisade/src/config/document/audit/rules.rs",
    "palisade/src/config/document/audit/sinks.rs",
    "palisade/src/config/document/client_certificates.rs",
    "palisade/src/config/document/concurrency.rs",
    "palisade/src/config/document/cors.rs",
    "palisade/src/config/document/inspect.rs",
    "palisade/src/config/document/tokens/introspection.rs",
    "palisade/src/config/document/keys.rs",
    "palisade/src/config/document/limits.rs",
    "palisade/src/config/document/tokens/proofs.rs",
    "palisade/src/config/document/requests.rs",
    "palisade/src/config/document/tokens/resource_servers.rs",
    "palisade/src/config/document/routes.rs",
    "palisade/src/config/document/secret.rs",
    "palisade/src/config/document/server/mod.rs",
    "palisade/src/config/document/server/limits.rs",
    "palisade/src/config/document/session.rs",
    "palisade/src/config/document/tokens/mod.rs",
    "gateway/src/upstream/section.rs",
    "gateway/src/upstream/secret.rs",
    "gateway/src/upstream/websocket.rs",
    "gateway/src/upstream/header_rules.rs",
    "gateway/src/budget/section.rs",
    "gateway/src/mcp/section.rs",
];
/// The sections of the gateway, and the types of their values.
const GATEWAY: [(&str, &str); 9] = [
    ("upstreams", "Vec<Section>"),
    ("budgets", "Vec<BudgetSection>"),
    ("prices", "Vec<PriceSection>"),
    ("speech", "Vec<SpeechSection>"),
    ("transcriptions", "Vec<TranscriptionSection>"),
    ("model_rules", "Vec<ModelRuleSection>"),
    ("mcp", "Vec<McpSection>"),
    ("metering", "MeteringSection"),
    ("admin", "AdminSection"),
];

/// Makes the schema from the source of the types.
fn made() -> Value {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut items = BTreeMap::new();
    let settings = ["gateway/src/settings/admin.rs"];
    for file in FILES.iter().chain(&settings) {
        let text = fs::read_to_string(crates.join(file)).unwrap();
        for item in source::items(&text) {
            let is_used =
                item.is_read() && (!file.contains("settings") || item.name == "AdminSection");
            if is_used {
                let name = item.name.clone();
                assert!(
                    items.insert(name.clone(), item).is_none(),
                    "{name} is there twice"
                );
            }
        }
    }
    let root = items.remove("Document").unwrap();
    let mut schema = root.schema();
    let properties = schema["properties"].as_object_mut().unwrap();
    for (name, kind) in GATEWAY {
        properties.insert(name.to_owned(), source::schema_of(kind));
    }
    schema["title"] = json!("Palisade configuration");
    schema["description"] =
        json!("The sections of Palisade and of its gateway. An application may have others.");
    schema["required"] = json!(["server"]);
    with_definitions(schema, &items)
}

/// Adds the types that a schema refers to.
fn with_definitions(mut schema: Value, items: &BTreeMap<String, Item>) -> Value {
    let reached = reached(&schema, items);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["$defs"] = reached
        .iter()
        .map(|name| (name.clone(), items[name].schema()))
        .collect();
    schema
}

/// The names of the types that a schema refers to, directly or not.
fn reached(schema: &Value, items: &BTreeMap<String, Item>) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![schema.clone()];
    while let Some(value) = open.pop() {
        let text = value.to_string();
        for name in text.split("#/$defs/").skip(1) {
            let name = name.split('"').next().unwrap().to_owned();
            if !names.contains(&name) {
                let item = items.get(&name).unwrap_or_else(|| panic!("no type {name}"));
                open.push(item.schema());
                names.push(name);
            }
        }
    }
    names.sort();
    names
}

/// Compares with the committed file. `PALISADE_WRITE_SCHEMA=1` writes it again.
#[test]
fn the_committed_schema_is_made_from_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/schema.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&made()).unwrap());
    if std::env::var_os("PALISADE_WRITE_SCHEMA").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap();
    assert!(
        made == committed,
        "run this test with PALISADE_WRITE_SCHEMA=1"
    );
    assert_eq!(Folder::new().good("config schema"), committed.trim_end());
}

#[test]
fn every_key_has_a_description() {
    let schema = made();
    let types = schema["$defs"].as_object().unwrap();
    let mut keys = 0;
    for (name, kind) in types {
        let Some(properties) = kind.get("properties") else {
            continue;
        };
        for (key, property) in properties.as_object().unwrap() {
            assert!(property.get("description").is_some(), "{name}.{key}");
            keys += 1;
        }
    }
    assert!(keys > 150, "{keys}");
}

/// What the presets write is read by the types, so the schema must accept it too.
#[test]
fn files_that_are_read_fit_the_schema_and_misspelled_ones_do_not() {
    let schema = made();
    let presets = [
        "openai",
        "ollama",
        "vllm",
        "tgi",
        "flask-tts",
        "gradio",
        "comfyui",
        "jupyter",
        "grpc",
        "mcp",
    ];
    for preset in presets {
        let line =
            format!("gateway explain --preset {preset} --upstream http://127.0.0.1:1 --data data");
        let explained = Folder::new().good(&line);
        let (_, file) = explained.split_once("The same as a file:\n\n").unwrap();
        let value: Value = toml::from_str(file).unwrap();
        assert_eq!(problems(&schema, &schema, &value), [""; 0], "{preset}");
        for (right, wrong) in [
            ("hosts =", "host ="),
            ("[[upstreams]]\n", "[[upstreams]]\nweigth = 3\n"),
            ("access =", "acess ="),
        ] {
            assert!(file.contains(right), "{preset}: {right}");
            let value: Value = toml::from_str(&file.replacen(right, wrong, 1)).unwrap();
            assert!(
                !problems(&schema, &schema, &value).is_empty(),
                "{preset}: {wrong}"
            );
        }
    }
}
