//! What the gate reads of a message: whether it calls a tool, and which one, and whether its method is one of the list.

use serde::{Deserialize, de::IgnoredAny};

/// The method that calls a tool.
const CALL: &str = "tools/call";
/// The method that opens a session in older versions of the protocol.
const INITIALIZE: &str = "initialize";

/// Other methods that every client may use. They show nothing of a user.
const OPEN: &[&str] = &["ping", "server/discover", "tools/list"];
/// What notifications begin with: they get no result.
const NOTIFICATION: &str = "notifications/";

/// What a message does, as far as access depends on it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Message {
    /// It calls this tool.
    Call(String),
    /// It may open a session.
    Initialize,
    /// It needs no scope: a method of the list, a notification, or a response to a request of the server.
    Open,
    /// It has a method that is not on the list.
    Unlisted,
}

/// A message that can be read in two ways, or is none.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

/// A member that is there twice is an error of serde, and so no one reads another one than the gate.
#[derive(Deserialize)]
struct Head {
    method: Option<String>,
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Call {
    params: CallParams,
}

#[derive(Deserialize)]
struct CallParams {
    name: String,
}

impl Message {
    /// Reads a message of JSON-RPC. A batch is none: the protocol has no batches since version 2025-06-18.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let is_object = body.trim_ascii_start().starts_with(b"{");
        if !is_object {
            return Err(Malformed);
        }
        let head: Head = serde_json::from_slice(body).map_err(|_| Malformed)?;
        match head.method.as_deref() {
            Some(CALL) => {
                let call: Call = serde_json::from_slice(body).map_err(|_| Malformed)?;
                Ok(Self::Call(call.params.name))
            }
            Some(INITIALIZE) => Ok(Self::Initialize),
            Some(method) if OPEN.contains(&method) => Ok(Self::Open),
            Some(method) if method.starts_with(NOTIFICATION) => Ok(Self::Open),
            Some(_) => Ok(Self::Unlisted),
            None if head.result.is_some() || head.error.is_some() => Ok(Self::Open),
            None => Err(Malformed),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Result<Message, Malformed>) {
        assert_eq!((body, Message::parse(body.as_bytes())), (body, expected));
    }

    #[test]
    fn the_tool_of_a_call_is_found() {
        let call = || Ok(Message::Call("add_note".to_owned()));
        check(
            r#"{"method":"tools/call","params":{"name":"add_note"}}"#,
            call(),
        );
        check(
            r#" {"params":{"x":[],"name":"add\u005fnote"},"id":1,"method":"tools\/call"}"#,
            call(),
        );
        check(
            r#"{"method":"initialize","params":{}}"#,
            Ok(Message::Initialize),
        );
    }

    #[test]
    fn a_method_that_is_not_on_the_list_is_found() {
        for open in [
            r#"{"method":"tools/list"}"#,
            r#"{"method":"ping"}"#,
            r#"{"method":"server\/discover"}"#,
            r#"{"method":"notifications/initialized"}"#,
            r#"{"id":1,"result":{}}"#,
            r#"{"id":1,"error":{}}"#,
        ] {
            check(open, Ok(Message::Open));
        }
        for method in [
            "",
            "Ping",
            "ping ",
            "resources/read",
            "tasks/get",
            "completion/complete",
            "tools/call2",
            "notifications",
        ] {
            check(
                &format!("{{\"method\":\"{method}\"}}"),
                Ok(Message::Unlisted),
            );
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_malformed() {
        for body in [
            "",
            "[]",
            r#"[{"method":"tools/call","params":{"name":"add_note"}}]"#,
            r#"["tools/call",{"name":"add_note"}]"#,
            r#"{"method":"tools/list","method":"tools/call","params":{"name":"add_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"list_notes"},"params":{"name":"add_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"list_notes","name":"add_note"}}"#,
            r#"{"method":"tools/call"}"#,
            r#"{"method":"tools/call","params":{"name":null}}"#,
            r#"{"method":"tools/call","params":{"name":"add_note"}} {}"#,
            r#"{"id":1,"result":{},"result":{}}"#,
            r#"{"id":1}"#,
            "{}",
            "\u{feff}{}",
        ] {
            check(body, Err(Malformed));
        }
    }
}
