//! What only the running server knows: its voices, and the limits that were configured.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::shared::values;
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
            voices: vec![VoiceInfo::clone(&app.voice)],
        }
    }

    /// Fills them into every field and parameter that has their name: it means the same everywhere.
    pub(super) fn fill(&self, document: &mut Value) {
        document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
        let schemas = document.pointer_mut("/components/schemas");
        for schema in values(schemas) {
            let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
            for (name, field) in fields.into_iter().flatten() {
                self.bound(name, field);
            }
        }
        let operations = values(document.get_mut("paths")).flat_map(|path| values(Some(path)));
        for operation in operations {
            let parameters = operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap_or_default().to_owned();
                self.bound(&name, &mut parameter["schema"]);
            }
        }
    }

    fn bound(&self, name: &str, schema: &mut Value) {
        if schema["type"] == "array" {
            return;
        }
        match name {
            "file" => choose(schema, page::names().map(|name| json!(name)).collect()),
            "version" => choose(schema, vec![json!(page::version())]),
            "emotion" => choose(schema, self.emotions()),
            "speed" => {
                schema["minimum"] = json!(SPEED.start());
                schema["maximum"] = json!(SPEED.end());
                schema["default"] = json!(1);
            }
            // `maxLength` counts code points; the limit counts what a reader takes for one character.
            "text" => {
                schema["minLength"] = json!(1);
                schema["x-max-graphemes"] = json!(self.max_graphemes);
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
    if schema["type"].is_array() {
        among.push(Value::Null);
    }
    schema["enum"] = Value::Array(among);
}
