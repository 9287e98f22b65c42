//! The description of the interface (OpenAPI 3.1): operations from the handlers, refusals from the
//! rules of the routes, limits and voices from the running server. Nothing is written in two places.

mod edit;
mod headers;
mod operation;
mod problem;
mod refusals;
mod runtime_values;
mod shared;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use palisade::core::RouteTable;
use serde_json::{Value, json};
use utoipa::OpenApi;

pub(crate) use self::runtime_values::RuntimeValues;
use super::{health, models, page, session, speech, tts, voices};

/// What the handlers say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Palisade Voice",
        description = "Mandarin text to speech.\n\n\
            Refusals are problem documents (RFC 9457); their `code` is stable, and the words are for people. \
            Besides what each operation lists, any path responses 404 where nothing is, and 405 with `Allow` to a \
            method that it does not have. In clear, pages move to HTTPS (308) and everything else is refused (403).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    tags(
        (name = "speech", description = "Text in, sound out."),
        (name = "openai", description = "The same in the manner of OpenAI, for clients that are written for it."),
        (name = "session", description = "A key becomes a cookie, for browsers."),
        (name = "page", description = "The page and what belongs to it."),
        (name = "server", description = "About the server itself."),
    ),
    paths(
        page::index,
        page::asset,
        page::robots,
        health::health,
        tts::get,
        tts::head,
        tts::post,
        voices::voices,
        speech::post,
        speech::voices::list,
        models::list,
        models::list_speech,
        models::one,
        session::show,
        session::open,
        session::close,
        show,
    ),
    components(schemas(problem::Problem, problem::OpenAiError)),
)]
struct Handlers;

/// The finished document.
#[derive(Clone, Debug)]
pub(crate) struct Document(Bytes);

impl Document {
    /// Writes the document for the routes of a running server.
    pub(crate) fn new(routes: &RouteTable, values: &RuntimeValues) -> Self {
        Self(written(routes, values).to_string().into())
    }
}

/// Describes the interface.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "server",
    operation_id = "describe",
    responses((status = 200, description = "This document.", content_type = "application/json", body = Object)),
)]
pub(crate) async fn show(State(Document(bytes)): State<Document>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, bytes).into_response()
}

fn written(routes: &RouteTable, values: &RuntimeValues) -> Value {
    let described = Handlers::openapi();
    let mut document = serde_json::to_value(described).unwrap_or_default();
    for rule in routes.rules() {
        let paths = document.get_mut("paths");
        if let Some(path) = paths.and_then(|paths| paths.get_mut(rule.template())) {
            operation::complete(path, rule, routes);
        }
    }
    operation::components(&mut document);
    values.fill(&mut document);
    choose_words(&mut document);
    shared::share(&mut document);
    document
}

/// Says that exactly one of two fields holds the words, which no derive can say.
fn choose_words(document: &mut Value) {
    if let Some(ask) = document.pointer_mut("/components/schemas/TtsRequest") {
        let only = |name: &str| json!({ "required": [name], "properties": { name: { "type": "string" } } });
        edit::put(ask, "oneOf", json!([only("text"), only("ssml")]));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use http::Method;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let routes = super::super::list().table().unwrap();
        let document = serde_json::to_value(Handlers::openapi()).unwrap();
        let mut described = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let rule = routes.rule_at(path, &method);
                let rule = rule.unwrap_or_else(|| panic!("there is no route {method} {path}"));
                assert_eq!(rule.template(), path);
                described.insert(rule.index());
            }
        }
        for rule in routes.rules() {
            let template = rule.template();
            assert!(
                described.contains(&rule.index()),
                "a route of {template} is not described"
            );
        }
    }
}
