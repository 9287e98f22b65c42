//! What only the running server knows: its voices, and the limits that were configured.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::edit::{members, operations, put};
use crate::{
    routes::page,
    state::{App, SPEED},
    synthesis::VoiceInfo,
};

/// What the description says of the running server.
#[derive(Debug)]
pub(crate) struct Facts {
    max_graphemes: usize,
    voices: Vec<VoiceInfo>,
}

impl Facts {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            max_graphemes: app.max_graphemes,
            voices: app.voices.all().cloned().collect(),
        }
    }

    /// Fills them into every field and parameter that has their name: it means the same everywhere.
    pub(super) fn fill(&self, document: &mut Value) {
        if let Some(info) = document.get_mut("info") {
            put(info, "version", json!(env!("CARGO_PKG_VERSION")));
        }
        if let Some(components) = document.get_mut("components") {
            for (_, schema) in members(components, "schemas") {
                for (name, field) in members(schema, "properties") {
                    self.bound(name, field);
                }
            }
        }
        for operation in operations(document) {
            let parameters = operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let name = parameter.get("name").and_then(Value::as_str);
                let name = name.unwrap_or_default().to_owned();
                if let Some(schema) = parameter.get_mut("schema") {
                    self.bound(&name, schema);
                }
            }
        }
    }

    /// Bounds a single value; a list of them is an answer's.
    fn bound(&self, name: &str, schema: &mut Value) {
        let kind = schema.get("type");
        if kind.is_none_or(|kind| kind == "array") {
            return;
        }
        match name {
            "emotion" => choose(schema, self.emotions()),
            "file" => choose(schema, page::names().map(Into::into).collect()),
            "version" => choose(schema, vec![page::version().into()]),
            "speed" => {
                put(schema, "minimum", json!(SPEED.start()));
                put(schema, "maximum", json!(SPEED.end()));
                put(schema, "default", json!(1));
            }
            // `maxLength` counts code points; the limit counts what a reader takes for one character.
            "text" => {
                put(schema, "minLength", json!(1));
                put(schema, "x-max-graphemes", json!(self.max_graphemes));
            }
            _ => {}
        }
    }

    /// Of all voices; a voice that lacks one says so.
    fn emotions(&self) -> Vec<Value> {
        let all = self.voices.iter().flat_map(|voice| &voice.emotions);
        let all: BTreeSet<&String> = all.collect();
        all.into_iter().map(|emotion| json!(emotion)).collect()
    }
}

/// Leaves a field the choice of some values, and of none where it may be null.
fn choose(schema: &mut Value, mut among: Vec<Value>) {
    if schema.get("type").is_some_and(Value::is_array) {
        among.push(Value::Null);
    }
    put(schema, "enum", Value::Array(among));
}
