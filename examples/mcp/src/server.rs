//! The stack around the protocol's service.

use std::{error::Error, sync::Arc};

use axum::{Router, middleware};
use http::uri::Authority;
use palisade::core::SharedClock;
use palisade::jwt::resource_server::ResourceServerBuilder;
use palisade::session::CrossOriginLayer;
use palisade::{
    AllowedHosts, AuditLayer, Policy, ProtectedRouter, RateLimitLayer, Rule, Rules, Shield,
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};

use crate::{
    authorize::{self, Gate},
    session_owners::{CLIENT, SessionOwners},
    tools::Notes,
};

/// Why the server cannot start.
pub type StartError = Box<dyn Error + Send + Sync>;

/// Bytes of the longest message.
const MAX_MESSAGE: usize = 64 * 1024;

/// What a deployment decides.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // The parts of one example.
pub struct ServerParts {
    /// Verifies tokens, and tells clients where to get them. `protect` adds that a token must name its client
    /// (`client_id`, RFC 9068): a session belongs to it.
    pub resource: ResourceServerBuilder,
    /// The host that clients ask for, such as `notes.example` or `localhost:8443`.
    pub host: String,
    /// Where requests are recorded.
    pub audit: AuditLayer,
    /// The time that sessions and limits go by.
    pub clock: SharedClock,
}

/// Puts the whole stack around the tools.
///
/// # Errors
///
/// A part does not fit the others; the error says which and what to do.
pub fn protect(parts: ServerParts) -> Result<ProtectedRouter, StartError> {
    let sessions = Arc::new(LocalSessionManager::default());
    let owners = SessionOwners::new(Arc::clone(&sessions), parts.clock.clone());
    let gate = Gate::new(MAX_MESSAGE, owners);
    let service = mcp_service(&own_origin(&parts.host)?, sessions);
    let resource = parts.resource.verifier(|tokens| tokens.require(CLIENT));
    let resource = resource.tokens(|tokens| tokens.attribute(CLIENT)).build()?;
    let router = Router::new()
        .route_service("/mcp", service)
        .layer(middleware::from_fn_with_state(gate, authorize::authorize));
    // Which scopes a call needs depends on its tool, which is in the body.
    let rule = || Rule::authenticated().limit("calls");
    let rules = Rules::new().post("/mcp", rule()).get("/mcp", rule());
    let clients = RateLimitLayer::by_client().clock(parts.clock.clone());
    let principals = RateLimitLayer::by_principal().clock(parts.clock);
    let clients = clients.policy(Policy::named("client").rate("600/minute")?);
    let calls = Policy::named("calls").rate("120/minute")?.on_named_routes();
    let app = Shield::builder()
        .audit(parts.audit)
        .hosts(AllowedHosts::parse([&parts.host])?)
        .resource_server(resource)
        .cross_origin(CrossOriginLayer::new())
        .limit_clients(clients.build()?)
        .limit_principals(principals.policy(calls).build()?)
        .rules(rules.delete("/mcp", rule()))
        .protect(router)?;
    Ok(app)
}

/// The origin of the server's own pages, with its port: without one, rmcp accepts every port.
fn own_origin(host: &str) -> Result<String, StartError> {
    let authority: Authority = host.parse()?;
    let port = authority.port_u16().unwrap_or(443);
    Ok(format!("https://{}:{port}", authority.host()))
}

/// The protocol, by rmcp: messages, sessions of older versions, streams.
fn mcp_service(
    origin: &str,
    sessions: Arc<LocalSessionManager>,
) -> StreamableHttpService<Notes, LocalSessionManager> {
    let notes = Notes::default();
    let config = StreamableHttpServerConfig::default()
        // The shield has checked the host.
        .disable_allowed_hosts()
        // Also for reads: the protocol demands it of every request with `Origin`.
        .with_allowed_origins([origin])
        .enforce_origin_validation()
        .with_max_request_body_bytes(MAX_MESSAGE);
    StreamableHttpService::new(move || Ok(notes.clone()), sessions, config)
}
