//! Completes an operation with what its rule demands: credentials, refusals, headers of limits, `HEAD`.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use palisade::Rule;
use palisade::core::{Access, RouteTable};
use serde_json::{Map, Value, json};

use super::{
    edit::{members, put},
    headers, problem, refusals,
};

/// Where a handler names its own refusals: a list of codes for each status.
const OWN: &str = "x-refusals";

/// Completes the operations of a path that stand under a rule.
pub(super) fn complete(operations: &mut Value, rule: &Rule, routes: &RouteTable) {
    let Some(operations) = operations.as_object_mut() else {
        return;
    };
    for (method, operation) in operations.iter_mut() {
        if is_under(rule, method, routes) {
            secure(operation, rule, method);
            refuse(operation, rule);
            count(operation);
            unwrap(operation);
        }
    }
    if is_under(rule, "head", routes) {
        let described = operations.get("head").map(bodiless);
        if let Some(head) = described.or_else(|| operations.get("get").map(head)) {
            operations.insert("head".to_owned(), head);
        }
    }
}

fn is_under(rule: &Rule, method: &str, routes: &RouteTable) -> bool {
    let method = Method::from_bytes(method.to_uppercase().as_bytes());
    let served = method
        .ok()
        .and_then(|method| routes.rule_at(rule.template(), &method));
    served.is_some_and(|served| served.index() == rule.index())
}

/// Adds the credentials that are accepted. What changes something needs the token of the session beside its cookie.
fn secure(operation: &mut Value, rule: &Rule, method: &str) {
    if *rule.access() == Access::Public || operation.get("security").is_some() {
        return;
    }
    let session = match method {
        "get" => json!({ "session": [] }),
        _ => json!({ "session": [], "csrf": [] }),
    };
    let either = json!([{ "key": [] }, { "bearer": [] }, session]);
    put(operation, "security", either);
}

fn refuse(operation: &mut Value, rule: &Rule) {
    let mut codes: BTreeMap<u16, BTreeSet<String>> = own(operation);
    for refusals in refusals::of(rule) {
        let known = codes.entry(refusals.status).or_default();
        known.extend(refusals.codes.iter().map(|code| (*code).to_owned()));
    }
    let Some(responses) = operation.get_mut("responses") else {
        return;
    };
    for (status, codes) in codes {
        put(
            responses,
            &status.to_string(),
            problem::response(status, &codes, rule),
        );
    }
}

/// Takes the refusals out that the handler named.
fn own(operation: &mut Value) -> BTreeMap<u16, BTreeSet<String>> {
    let named = operation
        .as_object_mut()
        .and_then(|operation| operation.remove(OWN));
    named
        .and_then(|named| serde_json::from_value(named).ok())
        .unwrap_or_default()
}

/// Every response can hold the state of the limits that counted the request.
fn count(operation: &mut Value) {
    for (_, response) in members(operation, "responses") {
        let limit_fields = headers::some(&["RateLimit", "RateLimit-Policy"]);
        match (response.get_mut("headers"), limit_fields) {
            (Some(Value::Object(there)), Value::Object(limit_fields)) => there.extend(limit_fields),
            (_, limit_fields) => put(response, "headers", limit_fields),
        }
    }
}

/// Bytes are described by the type of their content alone, events by what the lines of one hold.
fn unwrap(operation: &mut Value) {
    for (_, response) in members(operation, "responses") {
        for (kind, content) in members(response, "content") {
            if kind.starts_with("audio/") {
                *content = json!({});
            }
            if kind == "text/event-stream" {
                let data = content.get_mut("schema").map(Value::take);
                let data = json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": data });
                let event = json!({ "type": "object", "required": ["data"], "properties": { "data": data } });
                put(content, "schema", event);
            }
        }
    }
}

/// Describes `HEAD` as `GET` without bodies.
fn head(get: &Value) -> Value {
    let mut head = get.clone();
    let id = get
        .get("operationId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    put(&mut head, "operationId", json!(format!("{id}_head")));
    put(
        &mut head,
        "summary",
        json!("The head of what `GET` responses."),
    );
    if let Some(head) = head.as_object_mut() {
        head.remove("description");
    }
    bodiless(&head)
}

/// Takes the bodies out of the responses of an operation.
fn bodiless(operation: &Value) -> Value {
    let mut operation = operation.clone();
    for (_, response) in members(&mut operation, "responses") {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
    }
    operation
}

/// Adds what operations refer to.
pub(super) fn components(document: &mut Value) {
    if let Some(components) = document.get_mut("components") {
        put(components, "headers", headers::all());
        put(components, "securitySchemes", schemes());
    }
}

fn schemes() -> Value {
    let mut schemes = Map::new();
    let mut add = |name: &str, scheme: Value| schemes.insert(name.to_owned(), scheme);
    let key = "An API key, or a token where the operator trusts an issuer.";
    add(
        "bearer",
        json!({ "type": "http", "scheme": "bearer", "description": key }),
    );
    add(
        "csrf",
        json!({ "type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "The `csrf` of the session, beside its cookie, wherever something changes. The request must come from the server's own page." }),
    );
    add(
        "key",
        json!({ "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key." }),
    );
    add(
        "session",
        json!({ "type": "apiKey", "in": "cookie", "name": crate::sessions::COOKIE, "description": "A session, which `POST /session` opens for an hour." }),
    );
    Value::Object(schemes)
}
