//! The names of keys: those that servers read in more than one way are refused.
//!
//! Some servers compare names of keys without case, by the folding of Unicode: `MAX_TOKENS` and
//! `max_to\u{212A}ens` are `max_tokens` for them. The gateway would not see such a limit.

use palisade::core::Rejection;
use palisade_internal::percent;
use serde_json::{Map, Value};

use super::super::{
    field_names::{self, NameMatch, all_pairs},
    refusal,
};
use crate::json_text::fold_name;

/// Keys that the gateway reads or writes.
const KNOWN: [&str; 27] = [
    "background",
    "best_of",
    "extra_body",
    "fallbacks",
    "include_usage",
    "max_completion_tokens",
    "max_new_tokens",
    "max_output_tokens",
    "max_tokens",
    "model",
    "models",
    "n",
    "n_cmpl",
    "n_predict",
    "num_predict",
    "options",
    "plugins",
    "prediction",
    "prompt",
    "provider",
    "route",
    "service_tier",
    "speed",
    "stream",
    "stream_options",
    "tools",
    "web_search_options",
];
/// Limits, numbers of responses, and an object with either, that only some servers read, beside the fields that are counted.
const UNREAD: [&str; 5] = [
    "extra_body",
    "max_new_tokens",
    "n_cmpl",
    "n_predict",
    "num_predict",
];
/// Begins of the types of tools that the server runs, at a price for each call.
const PRICED_TOOLS: [&str; 5] = [
    "code_execution",
    "code_interpreter",
    "file_search",
    "image_generation",
    "web_search",
];
/// The longest name that could be a known one: three bytes for each letter.
const LONGEST: usize = 64;

/// Checks the keys whose meaning could be another one for the server.
///
/// # Errors
///
/// 400: a key is a known name in another spelling, or its value could not be counted.
pub(super) fn check_names(document: &Map<String, Value>) -> Result<(), Box<Rejection>> {
    let inner = ["stream_options", "options"].map(|field| document.get(field)?.as_object());
    for fields in inner.into_iter().flatten().chain([document]) {
        if fields.keys().any(|key| is_misspelled(key)) {
            let reason =
                "a key has the name of another one, but in upper case or with other letters";
            return Err(refusal::unreadable_request(reason));
        }
    }
    let is_there = |field: &&str| document.get(*field).is_some_and(|value| !value.is_null());
    if UNREAD.iter().any(is_there) {
        let reason = "it has `n_predict`, `num_predict`, `max_new_tokens`, `n_cmpl` or `extra_body` at the top; \
                      use the field of the API for the limit";
        return Err(refusal::unreadable_request(reason));
    }
    match (document.get("background"), document.get("stream")) {
        (Some(background), _) if !matches!(background, Value::Null | Value::Bool(false)) => {
            Err(refusal::unreadable_request("`background` is not false"))
        }
        (_, Some(stream)) if !matches!(stream, Value::Null | Value::Bool(_)) => {
            Err(refusal::unreadable_request("`stream` is not true or false"))
        }
        _ => Ok(()),
    }
}

/// Returns whether a request names further models beside `model`.
pub(super) fn names_further_models(document: &Map<String, Value>) -> bool {
    let mut fields = document.iter().filter(|(_, value)| !value.is_null());
    fields.any(|(name, _)| field_names::names_further_models(name))
}

/// Checks the keys that choose a service with another price: a faster tier, a search, tools that the server runs.
///
/// # Errors
///
/// 400: the service may cost more than the price that is known.
pub(super) fn check_price(document: &Map<String, Value>) -> Result<(), Box<Rejection>> {
    let field = |name| document.get(name).filter(|value| !value.is_null());
    let is_priced = |tier: &Value| {
        matches!(
            tier.as_str(),
            Some("auto" | "default" | "flex" | "standard_only")
        )
    };
    let tools = field("tools").and_then(Value::as_array);
    let is_priced_apart = |tool: &Value| {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        PRICED_TOOLS.iter().any(|begin| kind.starts_with(begin))
    };
    let has_searches = ["plugins", "provider", "web_search_options"]
        .iter()
        .any(|name| field(name).is_some());
    if has_searches || tools.is_some_and(|tools| tools.iter().any(is_priced_apart)) {
        return Err(refusal::unreadable_request(
            "searches, tools that the server runs, and a choice of providers have no price here",
        ));
    }
    match field("speed").is_none() && field("service_tier").is_none_or(is_priced) {
        true => Ok(()),
        false => Err(refusal::unreadable_request(
            "`speed` or `service_tier` has no price here",
        )),
    }
}

/// Checks that a query names no other model, and no limit: some servers read it before the body.
///
/// # Errors
///
/// 400: it does, or it has a field that some servers take for such a name.
pub(super) fn check_query(query: &str, model: &str) -> Result<(), Box<Rejection>> {
    for (name, value) in all_pairs(query) {
        let name = String::from_utf8_lossy(&percent::decode_form(name)).into_owned();
        let known = |known: &&str| NameMatch::of(&name, known) != NameMatch::Other;
        let is_same = || name == "model" && &*percent::decode_form(value) == model.as_bytes();
        if KNOWN.iter().any(known) && !is_same() {
            return Err(refusal::unreadable_request(
                "the query names a model or a limit; name them in the body alone",
            ));
        }
    }
    Ok(())
}

/// Returns whether a key is another spelling of a known one: `MAX_TOKENS`, or `max_to\u{212A}ens` with a Kelvin sign.
fn is_misspelled(key: &str) -> bool {
    if key.len() > LONGEST || KNOWN.contains(&key) {
        return false;
    }
    KNOWN.contains(&fold_name(key).as_str())
}
