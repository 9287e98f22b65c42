//! Forwards a request that the stack admitted to its upstream.
//!
//! 1. [`check_path`] refuses paths that the upstream could read differently.
//! 2. [`Upstreams::pick_upstream`] selects the upstream by host and longest path prefix.
//! 3. [`request`] writes the head again; the body is streamed.
//! 4. [`send()`](send::send) or [`Switch`] exchanges it with a server.
//! 5. [`response`] cleans the head of the response; its body is streamed.
//!
//! Steps 1 to 3 need no network, so a request that they refuse costs the upstream nothing. Each refusal
//! is recorded under the name `forward`.
//!
//! The service takes part in no decision about the client. It reads what the stack decided (client,
//! principal, request ID) from the security context. Without a stack outside, requests are forwarded
//! without these fields.
//!
//! Relevant standards: RFC 9110 section 7.6 (forwarding), RFC 9112 section 11.2 (request smuggling),
//! RFC 9113 section 8.2.2 (fields of a connection), RFC 7239 (`Forwarded`), RFC 6455 section 4
//! (WebSocket).

mod switch;
mod send;
mod exchange;
mod metered;
mod websocket;
mod open_tunnels;
mod tunnel;
mod request;
mod response;
mod failure;
mod hop_by_hop;

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts, uri::Authority};
use http_body::Body;
use palisade::core::{BoxError, GuardBody, Rejection, SecurityContext, refuse, refuse_response};
use tower_service::Service;

use self::{
    exchange::Exchange, request::Prepared, send::send_with_retries, switch::Switch,
    websocket::Handshake,
};
pub(crate) use self::{
    failure::{ambiguous_path, method_refused},
    open_tunnels::OpenTunnels,
};
use crate::{
    body::UpstreamBody,
    budget::{Admitted, Budgets, Caller},
    credential_watch::Credentials,
    mcp::{McpRules, ToolFilter},
    path::check_path,
    upstream::{Upstreams, WebSocketLimits},
};

/// The name in audit records.
///
/// It is also the name under which shadow mode counts refusals.
const NAME: &str = "forward";

/// The innermost service of a gateway: sends a request to its upstream and streams the response.
///
/// It decides nothing about the client; put it behind a [`Shield`](palisade::Shield). Bodies are
/// streamed in both directions, a WebSocket is passed on where the upstream allows it. Dropping the future or the body of the response ends the request at
/// the upstream too.
///
/// Cloning is cheap: two reference counts. There is no limit on requests at a time here; that is the
/// stack's.
///
/// A failure after the head of the response cannot change the status. The body breaks off then, and the
/// audit record has `body_failed`.
///
/// # Examples
///
/// A gateway by hand, with one open path:
///
/// ```
/// use palisade::{AllowedHosts, Rule, Rules, Shield, config::Config};
/// use palisade_gateway::{Forward, Upstreams};
///
/// let config = Config::parse_with("[[upstreams]]\nurl = 'http://127.0.0.1:5000'", &["upstreams"])?;
/// let shield = Shield::builder()
///     .hosts(AllowedHosts::parse(["voice.example"])?)
///     .rules(Rules::new().any("/health", Rule::public()))
///     .build()?;
/// let service = shield.wrap(Forward::new(Upstreams::of(&config)?));
/// # drop(service); Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Failures
///
/// | status | code | when |
/// |---|---|---|
/// | 400 | `ambiguous_path` | upstream and gateway could read the path differently |
/// | 400 | `body_unreadable` | the body of the request ended early, or is malformed |
/// | 400 | `connection_options` | `Connection` names a field that the upstream needs |
/// | 400, 402, 403, 429 | `budget_exceeded` and others | the request does not fit a budget, or cannot be counted |
/// | 400 | `websocket_handshake` | a WebSocket was asked for, but the handshake is not complete |
/// | 400, 403 | `mcp_message_unreadable`, `mcp_method_not_allowed`, `mcp_tool_not_allowed` | a message for an MCP server that no rule allows |
/// | 401 | `unauthenticated` | the credential ended while the request was open |
/// | 404 | `no_upstream` | no upstream takes this host and path |
/// | 405 | `method_not_allowed` | `CONNECT` and `TRACE` are never forwarded |
/// | 408 | `request_timeout` | the client stopped in the middle of its body |
/// | 413 | `body_too_large` | the body is longer than the stack allows |
/// | 426 | `websocket_version` | a WebSocket of another version than 13 was asked for |
/// | 429 | `websocket_limit` | the client has too many WebSockets open |
/// | 502 | `mcp_response_unreadable` | an MCP server encoded a response whose tools must be hidden |
/// | 502 | `upstream_unreachable` | no connection could be opened |
/// | 502 | `upstream_failed` | the connection broke, the response is no HTTP, or it switches protocols wrongly |
/// | 503 | `unavailable` | no server of the upstream takes requests now |
/// | 504 | `upstream_timeout` | the head of the response did not come in time |
#[derive(Clone, Debug)]
pub struct Forward {
    /// In the order in which they are tried.
    upstreams: Upstreams,
    /// Counts WebSockets, and ends them when the gateway stops.
    tunnels: OpenTunnels,
    /// Ends what is open when its credential ends. `None`: nothing is checked again.
    credentials: Option<Credentials>,
    /// What requests may cost. `None`: nothing is counted.
    budgets: Option<Budgets>,
    /// Which methods and tools of MCP servers may be used.
    mcp: McpRules,
    /// Whether nothing is refused or removed that the client sent.
    only_shadow: bool,
}

impl Forward {
    /// Makes the service. Clones share the connections of `upstreams`.
    ///
    /// WebSockets that it opens are not ended by anyone but the two sides and the idle timeout. A
    /// [`Gateway`](crate::Gateway) ends them when it stops.
    #[must_use]
    pub fn new(upstreams: Upstreams) -> Self {
        Self::with_tunnels(upstreams, OpenTunnels::default())
    }

    /// Makes the service with a list of tunnels, which outlives a reload.
    ///
    /// A gateway passes the same list to each stack, so that it can end sockets that an earlier stack
    /// opened.
    pub(crate) fn with_tunnels(upstreams: Upstreams, tunnels: OpenTunnels) -> Self {
        Self {
            upstreams,
            tunnels,
            credentials: None,
            budgets: None,
            mcp: McpRules::default(),
            only_shadow: false,
        }
    }

    /// Reserves and settles what requests cost.
    pub(crate) fn with_budgets(self, budgets: Option<Budgets>) -> Self {
        Self { budgets, ..self }
    }

    /// Allows some methods and tools of MCP servers alone.
    pub(crate) fn with_mcp(self, mcp: McpRules) -> Self {
        Self { mcp, ..self }
    }

    /// Checks the credential of what stays open again and again, and ends it with its credential.
    pub(crate) fn with_credentials(self, credentials: Credentials) -> Self {
        let credentials = Some(credentials);
        Self {
            credentials,
            ..self
        }
    }

    /// Records ambiguous paths and forwards them, and lets the client's credential pass.
    ///
    /// Everything else stays: hop-by-hop fields are removed, `X-Forwarded-*` is written again, and
    /// `CONNECT` and `TRACE` are refused.
    pub(crate) const fn in_shadow(mut self) -> Self {
        self.only_shadow = true;
        self
    }
}

/// Why a request got no response of an upstream.
struct Refusal {
    rejection: Box<Rejection>,
    /// Whether a server may have read the request. Then it counts as handled: it always has an audit record, and limits
    /// give nothing back.
    may_have_run: bool,
}

impl From<Box<Rejection>> for Refusal {
    /// Nothing was sent.
    fn from(rejection: Box<Rejection>) -> Self {
        Self {
            rejection,
            may_have_run: false,
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Box::new(rejection).into()
    }
}

impl<B> Service<Request<B>> for Forward
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<GuardBody<UpstreamBody>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    /// Always ready. A server that is busy is seen when a request is given to it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// Dropping the future ends the request at the upstream. Never fails: a refusal is a response.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let forward = self.clone();
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        Box::pin(async move {
            Ok(match forward.check_and_forward(&cx, head, body).await {
                Ok(response) => response.map(GuardBody::inner),
                Err(refusal) => match refusal.may_have_run {
                    true => refuse_response(&cx, NAME, *refusal.rejection),
                    false => refuse(&cx, NAME, *refusal.rejection),
                },
            })
        })
    }
}

impl Forward {
    /// Refuses a request. In shadow mode the refusal is recorded, and the request goes on.
    ///
    /// # Errors
    ///
    /// The refusal, unless the mode is shadow.
    fn refuse_unless_shadow(
        &self,
        cx: &SecurityContext,
        rejection: Rejection,
    ) -> Result<(), Box<Rejection>> {
        if !self.only_shadow {
            return Err(rejection.into());
        }
        cx.would_refuse(NAME, &rejection);
        Ok(())
    }

    /// Checks the request, picks the upstream and exchanges request and response.
    ///
    /// The order of the checks decides which refusal a client sees: method, path, upstream, WebSocket
    /// handshake, secrets.
    ///
    /// # Errors
    ///
    /// The refusal for the client, as in the table of [`Forward`].
    async fn check_and_forward<B>(
        &self,
        cx: &SecurityContext,
        mut head: Parts,
        body: B,
    ) -> Result<Response<UpstreamBody>, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if matches!(head.method, Method::CONNECT | Method::TRACE) {
            return Err(failure::method_refused().into());
        }
        if let Err(problem) = check_path(head.uri.path()) {
            self.refuse_unless_shadow(cx, failure::ambiguous_path(problem))?;
        }
        if hop_by_hop::names_end_to_end_field(&head.headers) {
            self.refuse_unless_shadow(cx, failure::connection_options())?;
        }
        let host = request::requested_host(&head);
        let name = host.as_ref().map(Authority::host);
        let upstream = self.upstreams.pick_upstream(name, head.uri.path());
        let upstream = upstream.ok_or_else(failure::no_upstream)?;
        let switch = match upstream.websocket {
            Some(limits) => self.begin_switch(cx, &mut head, limits)?,
            None => None,
        };
        let host = host.as_ref();
        let Prepared { mut head, secret } =
            request::rewrite_head(head, cx, host, upstream, self.only_shadow)?;
        let body = self
            .mcp
            .check_request(cx, &mut head, body, switch.is_some(), self.only_shadow)
            .await?;
        let tools = match self.only_shadow {
            true => None,
            false => self.mcp.tool_filter(cx, &mut head),
        };
        let Admitted { body, charge } = match &self.budgets {
            None => Admitted::uncounted(body),
            Some(budgets) => {
                let caller = Caller {
                    cx,
                    upstream: &upstream.addresses_and_path(),
                    switches: switch.is_some(),
                };
                budgets.admit(caller, &mut head, body).await?
            }
        };
        let client = self.credentials.as_ref().map(|it| (it.clone(), cx.clone()));
        let exchange = Exchange::begin_now(upstream.clone(), secret, client);
        let sent = match switch {
            None => send_with_retries(&exchange, head, host, body).await,
            Some(switch) => switch.run(&exchange, head, host, cx).await,
        };
        let sent = match tools {
            Some(tools) => sent.and_then(|response| hide_tools(tools, response)),
            None => sent,
        };
        let may_have_run = exchange.may_have_run();
        let followed = metered::follow_response(charge, sent, may_have_run);
        followed.map_err(|rejection| Refusal {
            rejection,
            may_have_run,
        })
    }

    /// Reads the handshake of a WebSocket, and counts it. `None`: the client wants no WebSocket.
    ///
    /// # Errors
    ///
    /// The handshake is not complete, or too many are open.
    fn begin_switch(
        &self,
        cx: &SecurityContext,
        head: &mut Parts,
        limits: WebSocketLimits,
    ) -> Result<Option<Switch>, Box<Rejection>> {
        let Some(handshake) = Handshake::from_request(head)? else {
            return Ok(None);
        };
        let entered = self.tunnels.count_tunnel(cx, limits)?;
        Ok(Some(Switch {
            handshake,
            entered,
            limits,
        }))
    }
}

/// Hides tools of an MCP server in a response.
///
/// # Errors
///
/// 502: the response cannot be read.
fn hide_tools(
    tools: ToolFilter,
    response: Response<UpstreamBody>,
) -> Result<Response<UpstreamBody>, Box<Rejection>> {
    let (mut head, body) = response.into_parts();
    let reader = tools.reader_for(&mut head)?;
    Ok(Response::from_parts(head, body.with_tools(reader)))
}
