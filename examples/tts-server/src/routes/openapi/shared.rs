//! Describes refusals that several operations share once: they become components.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::edit::{members, operations, put};

/// Moves the refusals of all operations to the components.
pub(super) fn share(document: &mut Value) {
    let mut shared = Shared::default();
    for operation in operations(document) {
        for (status, response) in members(operation, "responses") {
            if status.starts_with(['4', '5']) {
                let name = shared.name(status, response);
                *response = json!({ "$ref": format!("#/components/responses/{name}") });
            }
        }
    }
    if let Some(components) = document.get_mut("components") {
        put(components, "responses", Value::Object(shared.named));
    }
}

#[derive(Default)]
struct Shared {
    names: BTreeMap<String, String>,
    named: Map<String, Value>,
}

impl Shared {
    /// Finds the name of a response: that of its status, with a number where responses differ.
    fn name(&mut self, status: &str, response: &Value) -> String {
        let known = self.names.entry(response.to_string());
        let name = known.or_insert_with(|| {
            let status = status.parse::<StatusCode>().ok();
            let reason = status.and_then(|status| status.canonical_reason());
            let reason = reason.unwrap_or_default().replace([' ', '-'], "");
            let free = |name: &String| !self.named.contains_key(name);
            let numbered = (2..).map(|number| format!("{reason}{number}"));
            let name = std::iter::once(reason.clone()).chain(numbered).find(free);
            let name = name.unwrap_or(reason);
            self.named.insert(name.clone(), response.clone());
            name
        });
        name.clone()
    }
}
