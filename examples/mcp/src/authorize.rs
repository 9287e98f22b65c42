//! Decides about a message before the protocol's service sees it: the scope of its tool, and whose its session is.
//!
//! What is not listed is refused: a method, a tool, a session.

use std::{collections::BTreeSet, error::Error, iter::successors, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::WWW_AUTHENTICATE};
use http_body_util::LengthLimitError;
use palisade::Principal;
use palisade::core::{Fact, Rejection, SecurityContext, extract::Refused};

use crate::{
    message::{Malformed, Message},
    session_owners::{Place, SessionOwners},
    tools::{TOOLS, ToolEntry},
};

const SESSION: &str = "mcp-session-id";

/// What stands before the protocol's service.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    max_message: usize,
    owners: SessionOwners,
}

impl Gate {
    pub(crate) fn new(max_message: usize, owners: SessionOwners) -> Self {
        Self {
            max_message,
            owners,
        }
    }

    /// Finds the session of a request. Refuses the id of one that another client opened, as if there were none.
    fn session<'a>(
        &self,
        headers: &'a HeaderMap,
        principal: &Principal,
    ) -> Result<Option<&'a str>, Rejection> {
        let mut sessions = headers.get_all(SESSION).iter();
        let id = match (sessions.next(), sessions.next()) {
            (None, _) => return Ok(None),
            (Some(id), None) => id.to_str().ok(),
            _ => None,
        };
        let own = id.filter(|id| self.owners.owns(id, principal));
        own.map(Some)
            .ok_or_else(|| Rejection::not_found().with_reason("no session of this client"))
    }

    /// Reads a message.
    async fn read(&self, body: Body) -> Result<(Bytes, Message), Rejection> {
        let body = to_bytes(body, self.max_message).await;
        let body = body.map_err(|error| unreadable(&error))?;
        let message = Message::parse(&body).map_err(|Malformed| malformed())?;
        Ok((body, message))
    }

    /// Refuses a call without the scope of its tool, a session beyond the limit, and every method that is not listed.
    /// Returns the place of a session that the message may open.
    async fn check_message(
        &self,
        cx: &SecurityContext,
        principal: &Principal,
        session: Option<&str>,
        message: &Message,
    ) -> Result<Option<Place>, Rejection> {
        match message {
            Message::Call(name) => {
                let tool = called_tool(cx, principal, name)?;
                if let Some(session) = session {
                    self.owners.note_scope(session, tool.scope);
                }
                Ok(None)
            }
            Message::Initialize => {
                let place = self.owners.reserve(principal).await;
                place.map(Some).ok_or_else(full)
            }
            Message::Open => Ok(None),
            Message::Unlisted => Err(unlisted_method()),
        }
    }

    /// Refuses the stream of a session to a token without a scope that was used in it: results may come in it.
    fn check_stream(&self, principal: &Principal, session: Option<&str>) -> Result<(), Rejection> {
        let used = session.map(|session| self.owners.used_scopes(session));
        let used = used.unwrap_or_default();
        match used.iter().all(|scope| principal.has_scope(scope)) {
            true => Ok(()),
            false => Err(insufficient_scope(principal, &used)),
        }
    }
}

/// Reads a message, decides, and passes it on byte for byte.
pub(crate) async fn authorize(
    State(gate): State<Gate>,
    cx: SecurityContext,
    principal: Principal,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let refused = |rejection| Refused::new(&cx, rejection);
    let (head, mut body) = request.into_parts();
    let session = gate.session(&head.headers, &principal).map_err(refused)?;
    let mut place = None;
    let mut ends = None;
    match head.method {
        Method::POST => {
            let (bytes, message) = gate.read(body).await.map_err(refused)?;
            let checked = gate.check_message(&cx, &principal, session, &message);
            place = checked.await.map_err(refused)?;
            body = Body::from(bytes);
        }
        Method::DELETE => ends = session.map(str::to_owned),
        _ => gate.check_stream(&principal, session).map_err(refused)?,
    }
    let response = next.run(Request::from_parts(head, body)).await;
    if let Some(place) = place {
        let opened = response.headers().get(SESSION);
        gate.owners
            .opened(place, opened.and_then(|id| id.to_str().ok()));
    }
    if let Some(session) = ends.filter(|_| response.status().is_success()) {
        gate.owners.forget(&session);
    }
    Ok(response)
}

/// Finds the tool of a call, and records its name. Refuses one that is not in the table, or without its scope.
fn called_tool(
    cx: &SecurityContext,
    principal: &Principal,
    name: &str,
) -> Result<&'static ToolEntry, Rejection> {
    let tool = ToolEntry::find(name);
    // Names are those of the table: a client must not write into the trail.
    let noted = tool.map_or("unknown", |tool| tool.name);
    cx.record(Fact::Noted {
        key: "mcp_tool",
        value: noted.into(),
    });
    let tool = tool.ok_or_else(unknown_tool)?;
    match principal.has_scope(tool.scope) {
        true => Ok(tool),
        false => Err(insufficient_scope(principal, &BTreeSet::from([tool.scope]))),
    }
}

/// Distinguishes a message that is too long from one whose connection broke.
fn unreadable(error: &(dyn Error + 'static)) -> Rejection {
    let mut causes = successors(Some(error), |&cause| cause.source());
    match causes.any(|cause| cause.is::<LengthLimitError>()) {
        true => Rejection::payload_too_large(),
        false => Rejection::new(
            StatusCode::BAD_REQUEST,
            "body_unreadable",
            "The body of the request could not be read.",
        ),
    }
}

fn malformed() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "message_malformed",
        "The body must be one message of JSON-RPC, each member once.",
    )
}

fn unlisted_method() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "method_not_offered",
        "This server does not offer this method of the protocol.",
    )
}

fn unknown_tool() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "tool_unknown",
        "There is no tool of this name.",
    )
}

fn full() -> Rejection {
    let refusal = Rejection::unavailable(Duration::from_secs(60));
    refusal.with_reason("too many sessions of the protocol")
}

/// Names the scopes to ask for: the needed ones, and those that the client has, so that it loses none
/// (MCP authorization, step-up).
fn insufficient_scope(principal: &Principal, needed: &BTreeSet<&'static str>) -> Rejection {
    let all = TOOLS.iter().map(|tool| tool.scope);
    let scopes = all.filter(|scope| needed.contains(scope) || principal.has_scope(scope));
    // Of two tools with one scope, it is named once.
    let scopes: BTreeSet<&str> = scopes.collect();
    let scopes: Vec<&str> = scopes.into_iter().collect();
    let challenge = format!(
        "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"{}\"",
        scopes.join(" ")
    );
    let needed: Vec<&str> = needed.iter().copied().collect();
    let refusal = Rejection::insufficient_scope().with_member("required_scopes", needed);
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => refusal.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => refusal,
    }
}
