//! A description of the API that a stranger can read (OpenAPI 2 and 3).
//!
//! Decides `openapi-open` and `openapi-without-security`. Up to three GETs without a key; the first
//! description ends the search.
//!
//! Descriptions in YAML and those inside a page are not found.

use serde_json::Value;

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse},
    outcome::Outcomes,
    rules::exposure::{OPENAPI_OPEN, OPENAPI_WITHOUT_SECURITY},
};

/// Where frameworks put it.
const PATHS: &[&str] = &["/openapi.json", "/swagger.json", "/v3/api-docs"];
/// The members of a path that are operations.
const OPERATIONS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Looks for a description, and in it for operations without security.
///
/// If a request gets no response, both rules are skipped: a description at another path may exist.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    for path in PATHS {
        match site.send_request(ProbeRequest::get(*path)).await {
            Ok(response) => {
                if let Some(description) = description(&response) {
                    outcomes.record_finding(&OPENAPI_OPEN, response.summary_line());
                    let open = without_security(&description);
                    let seen = (open > 0).then(|| format!("{}: {open} operations", response.asked));
                    outcomes.record_decision(&OPENAPI_WITHOUT_SECURITY, seen);
                    return;
                }
            }
            Err(problem) => {
                outcomes.skip_all(&[&OPENAPI_OPEN, &OPENAPI_WITHOUT_SECURITY], problem);
                return;
            }
        }
    }
    outcomes.record_pass(&OPENAPI_OPEN);
    outcomes.record_skipped(&OPENAPI_WITHOUT_SECURITY, "no description was found");
}

/// The description, if the response is one. Its size is bounded by what the client reads.
///
/// A document that is cut at the bound of the client is not valid JSON, and so is no description.
fn description(response: &ProbeResponse) -> Option<Value> {
    if !response.status.is_success() {
        return None;
    }
    let document: Value = serde_json::from_slice(&response.body).ok()?;
    let is_one = document
        .get("openapi")
        .or(document.get("swagger"))
        .is_some_and(Value::is_string);
    (is_one && document.get("paths").is_some_and(Value::is_object)).then_some(document)
}

/// The number of operations for which no security is required. `security` of the document counts for
/// operations without their own; an empty list means none.
///
/// An empty requirement `{}` in the list makes security optional (OpenAPI 3.1, section 4.8.10), so
/// such an operation counts as open.
fn without_security(document: &Value) -> usize {
    let secured = |value: Option<&Value>| {
        let list = value.and_then(Value::as_array);
        list.map(|list| {
            !list.is_empty()
                && list
                    .iter()
                    .all(|one| one.as_object().is_some_and(|one| !one.is_empty()))
        })
    };
    let everywhere = secured(document.get("security")).unwrap_or(false);
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.into_iter().flat_map(|paths| paths.values());
    let operations = paths.filter_map(Value::as_object).flat_map(|path| {
        path.iter()
            .filter(|(name, _)| OPERATIONS.contains(&name.as_str()))
            .map(|(_, operation)| operation)
    });
    operations
        .filter(|operation| !secured(operation.get("security")).unwrap_or(everywhere))
        .count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_without_security_are_counted() {
        let two = json!({"get": {}, "post": {"security": [{"key": []}]}, "parameters": []});
        let paths = json!({"/a": two, "/b": {"get": {"security": []}}});
        assert_eq!(without_security(&json!({"paths": paths})), 2);
        let document = json!({"paths": paths, "security": [{"key": []}]});
        assert_eq!(without_security(&document), 1);
        // One alternative without a key is enough to call it.
        let optional = json!({"paths": {"/a": {"get": {"security": [{"key": []}, {}]}}}});
        assert_eq!(without_security(&optional), 1);
        assert_eq!(without_security(&json!({"paths": 3})), 0);
    }
}
