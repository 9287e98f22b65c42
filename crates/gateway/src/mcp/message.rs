//! Messages of JSON-RPC 2.0, one or a list of them, as far as rules need them.
//!
//! Keys are compared as they are written. A key that some servers take for another one (`METHOD`) is refused: they would see
//! a message that was not checked.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::json_text::{fold_name, has_too_many_values};

/// The method that calls a tool.
const CALL_TOOL: &str = "tools/call";
/// Keys that decide what a message is.
const KEYS: [&str; 6] = ["error", "id", "jsonrpc", "method", "params", "result"];
/// Keys of the parameters that decide which tool is called.
const PARAMETERS: [&str; 2] = ["arguments", "name"];
/// The longest name of a method or a tool, in bytes.
const LONGEST: usize = 128;
/// The most messages of one request.
const MOST: usize = 100;

/// One message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Message {
    /// A request or a notification.
    Call {
        method: String,
        /// The tool, if it is called.
        tool: Option<String>,
    },
    /// A response of the client to a request of the server.
    Response,
}

/// Reads the messages of a body, and writes them again.
///
/// # Errors
///
/// The reason why they cannot be checked.
pub(super) fn parse_messages(raw: &Bytes) -> Result<(Vec<Message>, Bytes), &'static str> {
    if has_too_many_values(raw) {
        return Err("it has more than 100000 values");
    }
    let document: Value = serde_json::from_slice(raw).map_err(|_| "it is no JSON, or too deep")?;
    let messages = match &document {
        Value::Array(messages) if messages.len() > MOST => {
            return Err("it has more than 100 messages");
        }
        Value::Array(messages) if !messages.is_empty() => messages
            .iter()
            .map(Message::read)
            .collect::<Result<_, _>>()?,
        message => vec![Message::read(message)?],
    };
    // What was parsed can be written.
    let written = serde_json::to_vec(&document).unwrap_or_default();
    Ok((messages, written.into()))
}

impl Message {
    /// # Errors
    ///
    /// It is no message, or one that servers read in two ways.
    fn read(value: &Value) -> Result<Self, &'static str> {
        let fields = value.as_object().ok_or("a message is no object")?;
        check_keys(fields, &KEYS)?;
        let Some(method) = fields.get("method") else {
            let is_response = fields.contains_key("result") || fields.contains_key("error");
            return match is_response {
                true => Ok(Self::Response),
                false => Err("a message has no method"),
            };
        };
        let method = name(method).ok_or("`method` is no text, or too long")?;
        let tool = match method.as_str() {
            CALL_TOOL => Some(tool_of(fields)?),
            _ => None,
        };
        Ok(Self::Call { method, tool })
    }
}

/// # Errors
///
/// The call names no tool.
fn tool_of(fields: &Map<String, Value>) -> Result<String, &'static str> {
    let parameters = fields.get("params").and_then(Value::as_object);
    let parameters = parameters.ok_or("a call of a tool has no `params`")?;
    check_keys(parameters, &PARAMETERS)?;
    let tool = parameters.get("name").and_then(name);
    tool.ok_or("the name of a tool is no text, or too long")
}

/// Refuses keys that are a known one in other letters.
///
/// # Errors
///
/// There is such a key.
fn check_keys(fields: &Map<String, Value>, known: &[&str]) -> Result<(), &'static str> {
    let is_misspelled =
        |key: &String| !known.contains(&key.as_str()) && known.contains(&fold_name(key).as_str());
    match fields.keys().any(is_misspelled) {
        true => Err("a key has the name of another one, but in upper case or with other letters"),
        false => Ok(()),
    }
}

/// A text of 1 to 128 bytes without control characters.
fn name(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_name = (1..=LONGEST).contains(&text.len()) && !text.contains(char::is_control);
    is_name.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parsed(text: &str) -> Option<Vec<Message>> {
        let parsed = parse_messages(&Bytes::copy_from_slice(text.as_bytes()));
        parsed.ok().map(|(messages, _)| messages)
    }

    fn call(method: &str, tool: Option<&str>) -> Message {
        Message::Call {
            method: method.to_owned(),
            tool: tool.map(str::to_owned),
        }
    }

    #[test]
    fn messages_are_read_alone_and_in_lists() {
        let one = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"NAME":1}}}"#;
        assert_eq!(parsed(one), Some(vec![call("tools/call", Some("search"))]));
        let list = format!("[{one},{{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}}]");
        assert_eq!(
            parsed(&list),
            Some(vec![call("tools/call", Some("search")), call("ping", None)])
        );
        assert_eq!(
            parsed(r#"{"id":1,"result":{}}"#),
            Some(vec![Message::Response])
        );
    }

    #[test]
    fn what_servers_read_in_two_ways_is_refused() {
        for text in [
            "",
            "[]",
            "1",
            "[1]",
            "{}",
            r#"{"method":5}"#,
            r#"{"method":""}"#,
            r#"{"METHOD":"tools/call","result":1}"#,
            r#"{"method":"ping","Method":"tools/call"}"#,
            r#"{"method":"tools/call"}"#,
            r#"{"method":"tools/call","params":["search"]}"#,
            r#"{"method":"tools/call","params":{}}"#,
            r#"{"method":"tools/call","params":{"name":5}}"#,
            r#"{"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
            "{\"method\":\"a\\nb\"}",
            &format!("{{\"method\":\"{}\"}}", "a".repeat(129)),
            &format!("[{}]", vec![r#"{"method":"ping"}"#; 101].join(",")),
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_written_as_it_was_checked() {
        let text = br#"{"method":"tools/call","params":{"name":"delete","name":"search"}}"#;
        let (messages, written) = parse_messages(&Bytes::from_static(text)).unwrap();
        assert_eq!(messages, [call("tools/call", Some("search"))]);
        assert!(!String::from_utf8_lossy(&written).contains("delete"));
    }
}
