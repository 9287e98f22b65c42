//! The part of JSON Schema that the schema of the configuration uses.

use serde_json::Value;

/// Returns what does not fit. `root` has the definitions.
pub(super) fn problems(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let schema = root.pointer(name.trim_start_matches('#')).unwrap();
        return problems(root, schema, value);
    }
    if let Some(all) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = all.iter().any(|one| problems(root, one, value).is_empty());
        return if fits {
            Vec::new()
        } else {
            vec![format!("{value} fits none")]
        };
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let is_known = words.contains(value);
        return if is_known {
            Vec::new()
        } else {
            vec![format!("{value} is no word")]
        };
    }
    let kind = schema["type"].as_str().unwrap();
    let fits = match kind {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("{other}"),
    };
    if !fits {
        return vec![format!("{value} is no {kind}")];
    }
    match value {
        Value::Array(items) => {
            let each = |item| problems(root, &schema["items"], item);
            items.iter().flat_map(each).collect()
        }
        Value::Object(members) => {
            let mut found = Vec::new();
            for name in schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if !members.contains_key(name.as_str().unwrap()) {
                    found.push(format!("{name} is missing"));
                }
            }
            let other = schema.get("additionalProperties");
            for (name, member) in members {
                match schema.get("properties").and_then(|all| all.get(name)) {
                    Some(property) => found.extend(problems(root, property, member)),
                    None if other == Some(&Value::Bool(false)) => {
                        found.push(format!("{name} is unknown"));
                    }
                    None => found.extend(other.into_iter().flat_map(|s| problems(root, s, member))),
                }
            }
            found
        }
        _ => Vec::new(),
    }
}
