//! Which methods and tools of an MCP server (Model Context Protocol) a client may use: `[[mcp]]`.
//!
//! Over streamable HTTP a client posts JSON-RPC messages. The gateway reads each of them, compares method and tool with the
//! rules, and writes the body again from what was parsed: a key that is there twice reaches the server with the value that
//! was checked. Names of method and tool are in the audit record.
//!
//! Some servers read messages under every method, and no field for another method passes (see `forward`). So a body passes unread under none: `GET`, `HEAD`, `OPTIONS` and `DELETE`
//! (the stream, and the end of a session) have none, and every other method is read as `POST` is.
//!
//! The list of tools that the server sends (`tools/list`) has only those that the client may call ([`tool_list`]), unless
//! `hide_tools = false`.

mod message;
mod section;
mod tool_list;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{Either, Full};
use palisade::{
    config::{Config, ConfigFileError},
    core::{BoxError, Fact, Rejection, SecurityContext},
};

use self::message::{Message, parse_messages};
pub(crate) use self::tool_list::{ToolFilter, ToolListReader};
use crate::{
    collected_body::collect_body,
    pattern::{Pattern, first_match},
};

/// The methods and tools of servers. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct McpRules(Arc<[McpRule]>);

/// What may be used below one path.
#[derive(Clone, Debug)]
struct McpRule {
    /// The path without a slash at its end. Paths below it are meant too, in any case.
    path: String,
    /// Empty: all methods.
    methods: Vec<Pattern>,
    /// `None`: all tools.
    tools: Option<Vec<ToolRule>>,
    /// Whether lists of tools have only those that the client may call.
    hides_tools: bool,
    /// The longest body in bytes.
    max_body: usize,
}

/// Who may call some tools.
#[derive(Clone, Debug)]
struct ToolRule {
    /// The names of the tools that the rule is about.
    name: Pattern,
    /// All of them are needed.
    scopes: Vec<String>,
}

impl McpRules {
    /// Reads `[[mcp]]`.
    ///
    /// # Errors
    ///
    /// A value cannot be used. The error names line, key and remedy.
    pub(crate) fn from_config(config: &Config) -> Result<Self, ConfigFileError> {
        Ok(Self(section::read(config)?.into()))
    }

    /// Checks the messages of a request, and returns the body for the server.
    ///
    /// In shadow the body stays as it came, but one that is too long or breaks off is refused there too.
    ///
    /// # Errors
    ///
    /// 400: the messages cannot be read, or are where none may be. 403: a method or tool is not allowed. 413: the body is too long.
    pub(crate) async fn check_request<B>(
        &self,
        cx: &SecurityContext,
        head: &mut Parts,
        body: B,
        switches: bool,
        only_shadow: bool,
    ) -> Result<Either<B, Full<Bytes>>, Box<Rejection>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let Some(rule) = self.rule_at(head.uri.path()) else {
            return Ok(Either::Left(body));
        };
        let refuse = |rejection: Box<Rejection>| match only_shadow {
            true => {
                cx.would_refuse("mcp", &rejection);
                Ok(())
            }
            false => Err(rejection),
        };
        if switches {
            refuse(unreadable(
                "another protocol has messages that cannot be checked",
            ))?;
        }
        if has_no_message(&head.method) && body.is_end_stream() {
            return Ok(Either::Left(body));
        }
        let raw = collect_body(body, rule.max_body, || unreadable("it broke off")).await?;
        let checked = match rule.check_body(cx, head, &raw) {
            Ok(checked) => checked,
            Err(rejection) => {
                refuse(rejection)?;
                raw.clone()
            }
        };
        if only_shadow || checked.is_empty() {
            return Ok(Either::Right(Full::new(raw)));
        }
        // A server must read the body as it was checked.
        let json = HeaderValue::from_static("application/json");
        head.headers.insert(header::CONTENT_TYPE, json);
        Ok(Either::Right(Full::new(checked)))
    }

    /// Returns what hides tools of the server at a path from a client, and asks the server for a response that can be read.
    /// `None`: nothing is hidden.
    pub(crate) fn tool_filter(&self, cx: &SecurityContext, head: &mut Parts) -> Option<ToolFilter> {
        let path = head.uri.path();
        let index = self.0.iter().position(|rule| rule.is_above(path))?;
        let rule = self.0.get(index)?;
        if !rule.hides_tools || rule.tools.is_none() {
            return None;
        }
        head.headers.remove(header::ACCEPT_ENCODING);
        Some(ToolFilter::new(self.clone(), index, cx.clone()))
    }

    /// The first rule of a path, or of a path above it.
    fn rule_at(&self, path: &str) -> Option<&McpRule> {
        self.0.iter().find(|rule| rule.is_above(path))
    }
}

impl McpRule {
    /// Some servers compare paths without case, or take a slash at the end for none.
    fn is_above(&self, path: &str) -> bool {
        let Some((begin, rest)) = path.split_at_checked(self.path.len()) else {
            return false;
        };
        begin.eq_ignore_ascii_case(&self.path) && (rest.is_empty() || rest.starts_with('/'))
    }

    /// Checks a body, and returns it for the server.
    ///
    /// # Errors
    ///
    /// 400: the method has no messages. Otherwise those of [`check_messages`](Self::check_messages).
    fn check_body(
        &self,
        cx: &SecurityContext,
        head: &Parts,
        raw: &Bytes,
    ) -> Result<Bytes, Box<Rejection>> {
        match has_no_message(&head.method) {
            true if raw.is_empty() => Ok(Bytes::new()),
            true => Err(unreadable("send them with the method POST")),
            false => self.check_messages(cx, head, raw),
        }
    }

    /// Checks all messages, and returns them as they were read.
    ///
    /// # Errors
    ///
    /// 400: they cannot be read. 403: one of them is not allowed.
    fn check_messages(
        &self,
        cx: &SecurityContext,
        head: &Parts,
        raw: &Bytes,
    ) -> Result<Bytes, Box<Rejection>> {
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(unreadable("its content is encoded"));
        }
        let (messages, written) = parse_messages(raw).map_err(unreadable)?;
        for message in &messages {
            record_message(cx, message);
        }
        for message in &messages {
            self.check_message(cx, message)?;
        }
        Ok(written)
    }

    /// # Errors
    ///
    /// 403: its method is not on the list, or its tool is not, or the client lacks a scope of the tool.
    fn check_message(&self, cx: &SecurityContext, message: &Message) -> Result<(), Box<Rejection>> {
        let Message::Call { method, tool } = message else {
            return Ok(());
        };
        if !self.methods.is_empty() && first_match(&self.methods, method).is_none() {
            let detail = "This method of the server may not be used.";
            return Err(Box::new(Rejection::new(
                StatusCode::FORBIDDEN,
                "mcp_method_not_allowed",
                detail,
            )));
        }
        match tool {
            Some(tool) => self.check_tool(cx, tool),
            None => Ok(()),
        }
    }

    /// # Errors
    ///
    /// 403: the tool is not on the list, or the client lacks a scope of it.
    fn check_tool(&self, cx: &SecurityContext, tool: &str) -> Result<(), Box<Rejection>> {
        let Some(rules) = &self.tools else {
            return Ok(());
        };
        let rule = rules.iter().find(|rule| rule.name.matches(tool));
        let rule = rule.ok_or_else(|| {
            let detail = "This tool of the server may not be used.";
            Rejection::new(StatusCode::FORBIDDEN, "mcp_tool_not_allowed", detail)
        })?;
        let has = |scope: &String| cx.principal().is_some_and(|who| who.has_scope(scope));
        match rule.scopes.iter().all(has) {
            true => Ok(()),
            false => Err(Box::new(Rejection::insufficient_scope())),
        }
    }
}

/// Returns whether requests of this method have no messages. Methods are compared with case: `get` is another one.
fn has_no_message(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE
    )
}

/// Notes method and tool for the audit record, which escapes and cuts them.
fn record_message(cx: &SecurityContext, message: &Message) {
    let Message::Call { method, tool } = message else {
        return;
    };
    let note = |key, value: &str| {
        cx.record(Fact::Noted {
            key,
            value: value.to_owned().into(),
        });
    };
    note("mcp_method", method);
    if let Some(tool) = tool {
        note("mcp_tool", tool);
    }
}

/// The messages cannot be checked. `reason` is for the client.
fn unreadable(reason: &'static str) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "mcp_message_unreadable",
        "The messages of this request cannot be checked.",
    );
    Box::new(rejection.with_detail(format!(
        "The messages of this request cannot be checked: {reason}."
    )))
}
