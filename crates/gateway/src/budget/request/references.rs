//! What a request names without having it: files, images, earlier responses, tools of the server.
//!
//! Each reference counts as `reference_tokens` of `[metering]`, since the model reads something whose length the gateway
//! does not know. Unknown keys that end in `_url`, `_file` or `_id` count too: it is safer to reserve too much, and the
//! usage that the upstream reports replaces it.
//!
//! | in the request | counts as |
//! |---|---|
//! | `"file_id": "f"` | 1 |
//! | `"images": ["a", "b"]` | 2: one for each entry |
//! | `{"type": "image", …}`, `document`, `item_reference` | 1, besides the keys in it |
//! | a tool of the server, such as `{"type": "web_search"}` | 1; a `function` of the client counts nothing |
//! | `"prompt": {"id": …}` | 1: a prompt that the server keeps |
//! | `call_id`, `user_id` and other names without content | 0 |
//! | anything in `metadata`, and in the arguments of a call | 0: no model reads it by its name |

use serde_json::{Map, Value};

/// Keys whose value names something that is longer than its name. Each entry of a list counts.
const REFERENCES: [&str; 21] = [
    "audio_url",
    "container",
    "conversation",
    "data_sources",
    "file",
    "file_data",
    "file_id",
    "file_ids",
    "file_url",
    "image_url",
    "image_urls",
    "images",
    "input_audio",
    "input_video",
    "mcp_servers",
    "previous_response_id",
    "vector_store_ids",
    "video",
    "video_url",
    "videos",
    "web_search_options",
];
/// Ends of other keys that name something, if their value is text.
const ENDS: [&str; 3] = ["_url", "_file", "_id"];
/// Keys with such an end that name nothing longer.
const NAMES: [&str; 6] = [
    "call_id",
    "request_id",
    "session_id",
    "tool_call_id",
    "tool_use_id",
    "user_id",
];

/// Counts what a request names, at any depth.
pub(super) fn count_references(document: &Map<String, Value>) -> u64 {
    let tools = document.get("tools").and_then(Value::as_array);
    let is_of_server = |tool: &&Value| {
        let kind = tool.get("type").and_then(Value::as_str);
        !matches!(kind, None | Some("function" | "custom"))
    };
    let tools = tools.map_or(0, |tools| tools.iter().filter(is_of_server).count());
    let prompt = document.get("prompt").filter(|prompt| prompt.is_object());
    let prompt = u64::from(prompt.is_some());
    // Notes of the client, which no model reads.
    let fields = document.iter().filter(|(key, _)| *key != "metadata");
    fields
        .map(|(key, value)| count_in_field(key, value))
        .sum::<u64>()
        + prompt
        + tools as u64
}

/// Returns whether a request asks a server to keep a part of it in a cache, which may cost more.
pub(super) fn writes_cache(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(writes_cache),
        Value::Object(fields) => has_cache_control(fields),
        _ => false,
    }
}

/// Does the same for the fields of an object.
pub(super) fn has_cache_control(fields: &Map<String, Value>) -> bool {
    fields.contains_key("cache_control") || fields.values().any(writes_cache)
}

/// Counts keys that name something, at any depth. The depth is bounded by the parser.
fn count_in_value(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(count_in_value).sum(),
        // The arguments of a call: a model reads them as text.
        Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "tool_use") => 0,
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| count_in_field(key, value))
            .sum(),
        _ => 0,
    }
}

/// Returns how many things one field names, with those inside its value.
fn count_in_field(key: &str, value: &Value) -> u64 {
    let is_name = REFERENCES.contains(&key) && !value.is_null();
    let has_end = || value.is_string() && ENDS.iter().any(|end| key.ends_with(end));
    let is_kind =
        key == "type" && (value == "image" || value == "document" || value == "item_reference");
    let own = match value {
        Value::Array(items) if is_name => items.len().max(1) as u64,
        _ => u64::from(is_name || is_kind || (has_end() && !NAMES.contains(&key))),
    };
    own + count_in_value(value)
}
