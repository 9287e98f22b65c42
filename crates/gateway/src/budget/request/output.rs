//! The bound of tokens out: read from the fields of one interface, and written into one field.
//!
//! | interface | fields that are read | field that is written |
//! |---|---|---|
//! | OpenAI chat | `max_tokens`, `max_completion_tokens` | `output_field` of `[metering]` |
//! | OpenAI responses | `max_output_tokens` | the same |
//! | OpenAI completions, Anthropic messages | `max_tokens` | the same |
//! | Ollama | `num_predict` of `options` | the same |
//!
//! All other fields of the table are removed: a server could read one that was not counted. Zero is no
//! limit, since some servers take it for none; so is a number below zero at Ollama.

use palisade::core::Rejection;
use serde_json::{Map, Value};

use super::super::{api::Api, refusal};

/// The most responses of one request.
const MOST_CHOICES: u64 = 128;
/// A larger number of tokens is a mistake.
const MOST_TOKENS: u64 = 1 << 31;
/// Fields that limit tokens out at any interface.
const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

/// Returns the greatest limit of a request. `None`: it has none.
///
/// # Errors
///
/// 400: a limit is no number of tokens.
pub(super) fn requested_limit(
    api: Api,
    document: &Map<String, Value>,
) -> Result<Option<u64>, Box<Rejection>> {
    let fields: &[&str] = match api {
        Api::OpenAiChat => &["max_tokens", "max_completion_tokens"],
        Api::OpenAiResponses => &["max_output_tokens"],
        _ if api.is_ollama() => return ollama_limit(document),
        _ => &["max_tokens"],
    };
    let mut greatest = None;
    for field in fields {
        greatest = greatest.max(read_tokens(document.get(*field))?);
    }
    Ok(greatest)
}

/// Reads `options.num_predict`. A number below zero means "no limit" there.
///
/// # Errors
///
/// 400: it is no number of tokens.
fn ollama_limit(document: &Map<String, Value>) -> Result<Option<u64>, Box<Rejection>> {
    let options = document.get("options");
    let asked = options.and_then(|options| options.get("num_predict"));
    // Below zero means without end.
    read_tokens(asked.filter(|asked| asked.as_i64().is_none_or(|number| number >= 0)))
}

/// Writes the limit into the one field that counts, and removes the others. `chat` is that of a chat.
pub(super) fn write_limit(
    api: Api,
    document: &mut Map<String, Value>,
    chat: &'static str,
    limit: u64,
) {
    for field in LIMITS {
        document.remove(field);
    }
    let field = match api {
        Api::OpenAiChat => chat,
        Api::OpenAiResponses => "max_output_tokens",
        _ if api.is_ollama() => {
            set_inner(document, "options", "num_predict", limit.into());
            return;
        }
        _ => "max_tokens",
    };
    document.insert(field.to_owned(), limit.into());
}

/// Writes a value into the object of a field, and returns what it replaced. Anything else in the place of the
/// object is replaced by a new one.
pub(super) fn set_inner(
    document: &mut Map<String, Value>,
    field: &str,
    name: &str,
    value: Value,
) -> Option<Value> {
    let place = document.entry(field).or_insert(Value::Null);
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut()?.insert(name.to_owned(), value)
}

/// Returns how many responses are generated: choices of a chat, and those of each prompt.
///
/// # Errors
///
/// 400: `n` or `best_of` is no number from 1 to 128.
pub(super) fn count_choices(document: &Map<String, Value>) -> Result<u64, Box<Rejection>> {
    let mut most = 1;
    for field in ["n", "best_of"] {
        let wanted = match document.get(field) {
            None | Some(Value::Null) => 1,
            Some(number) => number.as_u64().unwrap_or(0),
        };
        if !(1..=MOST_CHOICES).contains(&wanted) {
            return Err(refusal::unreadable_request(
                "`n` or `best_of` is out of range",
            ));
        }
        most = most.max(wanted);
    }
    let prompts = match document.get("prompt") {
        // A list of numbers is one prompt, in tokens.
        Some(Value::Array(prompts)) if !prompts.iter().any(Value::is_number) => prompts.len(),
        _ => 1,
    };
    Ok(most.saturating_mul(prompts.max(1) as u64))
}

/// Reads a number of tokens. Zero is none.
///
/// # Errors
///
/// 400: it is no whole number, or larger than 2^31.
fn read_tokens(written: Option<&Value>) -> Result<Option<u64>, Box<Rejection>> {
    match written {
        None | Some(Value::Null) => Ok(None),
        Some(number) => {
            let number = number.as_u64().filter(|number| *number <= MOST_TOKENS);
            let refused =
                || refusal::unreadable_request("the limit of tokens is no number of tokens");
            let number = number.ok_or_else(refused)?;
            Ok(Some(number).filter(|number| *number > 0))
        }
    }
}
