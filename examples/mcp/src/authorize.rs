//! Decides about a message before the protocol's service sees it: the scope of its tool, and whose its session is.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, Method, StatusCode, header::WWW_AUTHENTICATE};
use palisade::Principal;
use palisade::core::{Fact, Rejection, SecurityContext, SharedClock, extract::Refused};

use crate::{
    message::{Malformed, Message},
    session_owners::SessionOwners,
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
    pub(crate) fn new(max_message: usize, clock: SharedClock) -> Self {
        Self {
            max_message,
            owners: SessionOwners::new(clock),
        }
    }

    /// Refuses the id of a session that another principal opened, as if there were none.
    fn check_session(&self, request: &Request, principal: &Principal) -> Result<(), Rejection> {
        let mut sessions = request.headers().get_all(SESSION).iter();
        match (sessions.next(), sessions.next()) {
            (None, _) => Ok(()),
            (Some(id), None) if self.owners.owns(id.as_bytes(), principal) => Ok(()),
            _ => Err(Rejection::not_found().with_reason("no session of this principal")),
        }
    }

    /// Refuses a call without the scope of its tool, and a session beyond the limit.
    fn check_message(
        &self,
        cx: &SecurityContext,
        principal: &Principal,
        message: &Message,
    ) -> Result<(), Rejection> {
        match message {
            Message::Call(name) => {
                let tool = TOOLS.iter().find(|tool| tool.name == name);
                // Names are those of the table: a client must not write into the trail.
                let noted = tool.map_or("unknown", |tool| tool.name);
                cx.record(Fact::Noted {
                    key: "mcp_tool",
                    value: noted.into(),
                });
                match tool {
                    Some(tool) if !principal.has_scope(tool.scope) => {
                        Err(insufficient_scope(principal, tool))
                    }
                    // One that there is not: the protocol has an error for it.
                    _ => Ok(()),
                }
            }
            Message::Initialize if !self.owners.has_place_for(principal) => {
                let refusal = Rejection::unavailable(Duration::from_secs(60));
                Err(refusal.with_reason("too many sessions of the protocol"))
            }
            Message::Initialize | Message::Other => Ok(()),
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
    gate.check_session(&request, &principal).map_err(refused)?;
    let ends = (request.method() == Method::DELETE)
        .then(|| request.headers().get(SESSION).cloned())
        .flatten();
    let request = match *request.method() {
        Method::POST => {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, gate.max_message).await;
            let body = body.map_err(|_| refused(Rejection::payload_too_large()))?;
            let message = Message::parse(&body).map_err(|Malformed| refused(malformed()))?;
            gate.check_message(&cx, &principal, &message)
                .map_err(refused)?;
            Request::from_parts(head, Body::from(body))
        }
        _ => request,
    };
    let response = next.run(request).await;
    if let Some(session) = response.headers().get(SESSION) {
        gate.owners.note(session.as_bytes(), &principal);
    }
    if let Some(session) = ends.filter(|_| response.status().is_success()) {
        gate.owners.forget(session.as_bytes());
    }
    Ok(response)
}

fn malformed() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "message_malformed",
        "The body must be one message of JSON-RPC, each member once.",
    )
}

/// Names the scopes to ask for: that of the tool, and those that the client has, so that it loses none
/// (MCP authorization, step-up).
fn insufficient_scope(principal: &Principal, tool: &ToolEntry) -> Rejection {
    let kept = TOOLS.iter().map(|tool| tool.scope);
    let mut scopes: Vec<&str> = kept
        .filter(|scope| *scope == tool.scope || principal.has_scope(scope))
        .collect();
    scopes.dedup();
    let challenge = format!(
        "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"{}\"",
        scopes.join(" ")
    );
    let refusal = Rejection::insufficient_scope().with_member("required_scopes", vec![tool.scope]);
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => refusal.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => refusal,
    }
}
