//! Every record that a test reads has only members of the schema, with their types.

use std::sync::LazyLock;

use palisade_audit::RECORD_SCHEMA;
use serde_json::Value;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(RECORD_SCHEMA).unwrap());

/// Fails if a record has a member that the schema does not have, or one of another type.
#[track_caller]
pub(crate) fn assert_fits(record: &Value) {
    let problems = problems(&SCHEMA, record, "");
    assert!(problems.is_empty(), "{problems:?} in {record}");
    for required in ["v", "type"] {
        assert!(record.get(required).is_some(), "{required}: {record}");
    }
}

fn problems(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return problems(SCHEMA.pointer(&name[1..]).unwrap(), value, path);
    }
    let fits = match schema.get("type").and_then(Value::as_str) {
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        None => true,
        Some(other) => panic!("{other}"),
    };
    if !fits {
        return vec![format!("{path}: another type")];
    }
    match value {
        Value::Array(items) => {
            let of_item = |item| problems(&schema["items"], item, path);
            items.iter().flat_map(of_item).collect()
        }
        Value::Object(members) => {
            let of_member = |(name, member): (&String, &Value)| {
                let path = format!("{path}/{name}");
                let known = schema.get("properties").and_then(|all| all.get(name));
                match known.or_else(|| schema.get("additionalProperties")) {
                    Some(schema) => problems(schema, member, &path),
                    None => vec![format!("{path}: not in the schema")],
                }
            };
            members.iter().flat_map(of_member).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn what_the_schema_does_not_have_is_found() {
    let fits = |text: &str| problems(&SCHEMA, &serde_json::from_str(text).unwrap(), "").is_empty();
    assert!(fits(
        r#"{"v":2,"refused":[{"guard":"a"}],"settled":{"unit":3},"data":{"x":[1]}}"#
    ));
    for other in [
        r#"{"v":"2"}"#,
        r#"{"new":1}"#,
        r#"{"refused":[{"new":1}]}"#,
        r#"{"settled":{"unit":"3"}}"#,
        r#"{"principal":"anna"}"#,
    ] {
        assert!(!fits(other), "{other}");
    }
}
