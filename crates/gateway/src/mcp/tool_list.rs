//! Removes from a server's lists of tools those that the client may not call.
//!
//! A list is the result of `tools/list`: `{"result": {"tools": [{"name": …}, …]}}`, as a document or in an event of a
//! stream. Every message below the path is looked at, since a stream that is resumed repeats responses.
//!
//! | response | what happens |
//! |---|---|
//! | `application/json` up to 4 MiB | passes when it is complete |
//! | `text/event-stream`, events up to 1 MiB | each event passes when it is complete |
//! | one of them, but encoded | 502: its tools could not be hidden |
//! | a longer document or event | breaks off |
//! | anything else | passes as it is |

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};
use palisade::core::{Rejection, SecurityContext};
use serde_json::Value;

use super::McpRules;
use crate::records::{Fate, Form, Records};

/// The longest document that is read.
const LONGEST: usize = 4 << 20;

/// Decides which tools one client sees.
#[derive(Clone, Debug)]
pub(crate) struct ToolFilter {
    /// The rules of the server.
    rules: McpRules,
    /// Which of the rules it is.
    index: usize,
    /// The client, with its scopes.
    cx: SecurityContext,
}

/// Reads one response, and leaves out tools.
#[derive(Debug)]
pub(crate) struct ToolListReader {
    filter: ToolFilter,
    content: Content,
}

/// How a body is read.
#[derive(Debug)]
enum Content {
    /// A document, as far as it has passed.
    Document(Vec<u8>),
    /// It was longer than what is read.
    Failed,
    /// Events, of which at most one is kept.
    Stream(Records),
}

impl ToolFilter {
    pub(super) const fn new(rules: McpRules, index: usize, cx: SecurityContext) -> Self {
        Self { rules, index, cx }
    }

    /// Returns what reads a response. `None`: it has no list of tools.
    ///
    /// # Errors
    ///
    /// 502: it is encoded.
    pub(crate) fn reader_for(
        self,
        head: &mut response::Parts,
    ) -> Result<Option<ToolListReader>, Box<Rejection>> {
        let value = |headers: &HeaderMap, name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_ascii_lowercase()
        };
        let media_type = value(&head.headers, header::CONTENT_TYPE);
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let content = match essence {
            "text/event-stream" => Content::Stream(Records::new(Form::Events)),
            json if json == "application/json" || json.ends_with("+json") => {
                Content::Document(Vec::new())
            }
            _ => return Ok(None),
        };
        let encoding = value(&head.headers, header::CONTENT_ENCODING);
        if !matches!(encoding.as_str(), "" | "identity") {
            return Err(Box::new(Rejection::new(
                StatusCode::BAD_GATEWAY,
                "mcp_response_unreadable",
                "The response of the server is encoded, so its list of tools cannot be read.",
            )));
        }
        head.headers.remove(header::CONTENT_LENGTH);
        Ok(Some(ToolListReader {
            filter: self,
            content,
        }))
    }

    /// Returns a message, or a list of them, without the tools that the client may not call. `None`: all of them stay.
    fn without_hidden_tools(&self, document: &Value) -> Option<Value> {
        let mut changed = document.clone();
        let messages = match &mut changed {
            Value::Array(messages) => messages.as_mut_slice(),
            message => std::slice::from_mut(message),
        };
        let mut has_changed = false;
        for message in messages {
            let tools = message.pointer_mut("/result/tools");
            let Some(tools) = tools.and_then(Value::as_array_mut) else {
                continue;
            };
            let before = tools.len();
            tools.retain(|tool| self.may_call(tool));
            has_changed |= tools.len() != before;
        }
        has_changed.then_some(changed)
    }

    /// Returns whether the client may call a tool. One without a name cannot be called.
    fn may_call(&self, tool: &Value) -> bool {
        let rule = self.rules.0.get(self.index);
        let name = tool.get("name").and_then(Value::as_str);
        rule.zip(name)
            .is_some_and(|(rule, name)| rule.check_tool(&self.cx, name).is_ok())
    }

    /// Decides what becomes of an event.
    fn fate_of(&self, event: &Value) -> Fate {
        self.without_hidden_tools(event)
            .map_or(Fate::Keep, Fate::Replace)
    }
}

impl ToolListReader {
    /// Takes a part, and returns what the client gets of it.
    pub(crate) fn pass_part(&mut self, part: &Bytes) -> Bytes {
        let filter = &self.filter;
        let is_too_long = match &mut self.content {
            Content::Failed => true,
            Content::Document(document) => {
                document.extend_from_slice(part);
                document.len() > LONGEST
            }
            Content::Stream(records) => {
                let passed = records.pass_part(part, |event| filter.fate_of(event));
                match records.is_unreadable {
                    true => true,
                    false => return passed,
                }
            }
        };
        if is_too_long {
            self.content = Content::Failed;
        }
        Bytes::new()
    }

    /// Takes the last part, and returns what the client gets of it and of what was held back.
    pub(crate) fn finish(&mut self, last: &Bytes) -> Bytes {
        let passed = self.pass_part(last);
        let filter = &self.filter;
        match &mut self.content {
            Content::Failed => Bytes::new(),
            Content::Document(document) => {
                let document = std::mem::take(document);
                let read: Option<Value> = serde_json::from_slice(&document).ok();
                let changed = read.and_then(|read| filter.without_hidden_tools(&read));
                match changed {
                    // What was parsed can be written.
                    Some(changed) => serde_json::to_vec(&changed).unwrap_or_default().into(),
                    None => document.into(),
                }
            }
            Content::Stream(records) => {
                let rest = records.finish(|event| filter.fate_of(event));
                [passed, rest].concat().into()
            }
        }
    }

    /// Returns whether the response was longer than what is read. Then it must break off.
    pub(crate) const fn has_failed(&self) -> bool {
        matches!(self.content, Content::Failed)
    }
}
