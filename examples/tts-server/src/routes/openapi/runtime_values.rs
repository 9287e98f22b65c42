//! What only the running server knows: its voices, and the limits that were configured.

use std::{collections::BTreeSet, ops::RangeInclusive};

use serde::Serialize;
use serde_json::{Value, json};

use super::edit::{members, operations, put};
use crate::{
    encoding::Format,
    routes::page,
    state::{App, OPENAI_SPEED, SPEED},
};

/// What the description says of the running server.
#[derive(Debug)]
pub(crate) struct RuntimeValues {
    any_model: bool,
    any_openai_voice: bool,
    any_voice: bool,
    emotions: BTreeSet<String>,
    formats: BTreeSet<String>,
    max_graphemes: usize,
    models: BTreeSet<String>,
    voices: BTreeSet<String>,
}

impl RuntimeValues {
    pub(crate) fn of(app: &App) -> Self {
        let strings = |names: Vec<&'static str>| names.into_iter().map(str::to_owned);
        let voices = || app.voices.all();
        Self {
            any_model: app.models.takes_any() || app.accepts_any_name,
            any_openai_voice: app.voices.takes_any() || app.accepts_any_name,
            any_voice: app.voices.takes_any(),
            // Of all voices; a voice that lacks one says so.
            emotions: voices().flat_map(|voice| voice.emotions.clone()).collect(),
            formats: voices()
                .flat_map(|voice| strings(Format::names(voice.sample_rate)))
                .collect(),
            max_graphemes: app.max_graphemes,
            models: app.models.names().map(str::to_owned).collect(),
            voices: app.voices.known().map(str::to_owned).collect(),
        }
    }

    /// Fills them into every field and parameter that has their name: it means the same everywhere.
    pub(super) fn fill(&self, document: &mut Value) {
        if let Some(info) = document.get_mut("info") {
            put(info, "version", json!(env!("CARGO_PKG_VERSION")));
        }
        if let Some(components) = document.get_mut("components") {
            for (kind, schema) in members(components, "schemas") {
                let openai = kind == "OpenAiRequest";
                for (name, field) in members(schema, "properties") {
                    self.bound(name, field);
                    if openai && name == "speed" {
                        range(field, &OPENAI_SPEED);
                    }
                }
            }
        }
        for place in ["0", "1/properties/id"] {
            let place = format!("/components/schemas/Name/oneOf/{place}");
            let name = document.pointer_mut(&place);
            if let Some(name) = name.filter(|_| !self.any_openai_voice) {
                choose(name, &self.voices);
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

    /// Bounds a single value; a list of them belongs to a response.
    fn bound(&self, name: &str, schema: &mut Value) {
        let kind = schema.get("type");
        if kind.is_none_or(|kind| kind == "array") {
            return;
        }
        match name {
            "emotion" => choose(schema, &self.emotions),
            "file" => choose(schema, page::names()),
            "format" | "response_format" => choose(schema, &self.formats),
            "model" if !self.any_model => choose(schema, &self.models),
            "voice" if !self.any_voice => choose(schema, &self.voices),
            "speed" => range(schema, &SPEED),
            // `maxLength` counts code points; the limit counts what a reader takes for one character.
            "instructions" => put(schema, "x-max-graphemes", json!(self.max_graphemes)),
            "input" | "ssml" | "text" => {
                put(schema, "minLength", json!(1));
                put(schema, "x-max-graphemes", json!(self.max_graphemes));
            }
            _ => {}
        }
    }
}

fn range(schema: &mut Value, range: &RangeInclusive<f32>) {
    put(schema, "minimum", json!(range.start()));
    put(schema, "maximum", json!(range.end()));
    put(schema, "default", json!(1));
}

/// Leaves a field the choice of some values, and of none where it may be null.
fn choose<T: Serialize>(schema: &mut Value, among: impl IntoIterator<Item = T>) {
    let mut among: Vec<Value> = among.into_iter().map(|value| json!(value)).collect();
    if schema.get("type").is_some_and(Value::is_array) {
        among.push(Value::Null);
    }
    put(schema, "enum", Value::Array(among));
}
