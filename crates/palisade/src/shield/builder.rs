//! Collects the parts; the order is not the caller's.

use std::sync::Arc;

use palisade_audit::AuditLayer;
use palisade_core::{
    AccessLayer, AnyGuard, AuthenticateLayer, Authenticator, Chain, Guard, GuardList, KnownLayer,
    RenderLayer, Renderer, RequestIdLayer, RouteLayer, RouteTable,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_sanitize::SanitizeLayer;
use palisade_transport::{AllowedHosts, ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};

use super::{Shield, ShieldError, Warning, check, explain::Explanation};

/// Collects the parts of a [`Shield`]. The order of the calls does not matter.
#[derive(Debug, Default)]
#[must_use]
pub struct ShieldBuilder {
    pub(super) accepted_warnings: Vec<&'static str>,
    pub(super) audit: Option<AuditLayer>,
    pub(super) audit_before_handler: bool,
    pub(super) authenticators: Authenticators,
    pub(super) client: Option<ClientInfoLayer>,
    pub(super) client_limit: Option<RateLimitLayer>,
    pub(super) guards: Vec<AnyGuard>,
    pub(super) headers: Option<HeadersLayer>,
    pub(super) hosts: Option<HostLayer>,
    pub(super) https: Option<HttpsLayer>,
    pub(super) observers: Vec<AnyGuard>,
    pub(super) principal_limit: Option<RateLimitLayer>,
    pub(super) propagate_panics: bool,
    pub(super) render: Option<RenderLayer>,
    pub(super) request_id: RequestId,
    pub(super) sanitize: Option<SanitizeLayer>,
}

/// The header with the identifier of the request.
#[derive(Debug)]
pub(super) enum RequestId {
    Off,
    Sent(RequestIdLayer),
}

impl Default for RequestId {
    fn default() -> Self {
        Self::Sent(RequestIdLayer::new())
    }
}

/// The ways to prove who one is. They have no `Debug` of their own.
#[derive(Default)]
pub(super) struct Authenticators(pub(super) Vec<Arc<dyn Authenticator>>);

impl std::fmt::Debug for Authenticators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|one| one.kind()))
            .finish()
    }
}

impl ShieldBuilder {
    /// Records every request.
    pub fn audit(mut self, audit: AuditLayer) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Also holds each request until its record is safe, before the handler starts.
    pub fn audit_before_handler(mut self) -> Self {
        self.audit_before_handler = true;
        self
    }

    /// Accepts a kind of credential; several calls accept any one of several. Whether a guest may
    /// pass is for the rule of the route to say.
    pub fn authenticate(mut self, one: impl Authenticator) -> Self {
        self.authenticators.0.push(Arc::new(one));
        self
    }

    /// Decides the client's address; the peer's, without.
    pub fn client(mut self, client: ClientInfoLayer) -> Self {
        self.client = Some(client);
        self
    }

    /// Limits by client address, before any credential is looked at.
    pub fn limit_clients(mut self, limit: RateLimitLayer) -> Self {
        self.client_limit = Some(limit);
        self
    }

    /// Limits by principal, when it is known who asks.
    pub fn limit_principals(mut self, limit: RateLimitLayer) -> Self {
        self.principal_limit = Some(limit);
        self
    }

    /// Adds a guard of one's own, inside the limits and outside the handler: it knows who asks.
    pub fn guard(mut self, guard: impl Guard) -> Self {
        self.guards.push(AnyGuard::new(guard));
        self
    }

    /// Adds a guard of one's own, outermost: it sees every request, every answer and every ending.
    pub fn observe(mut self, guard: impl Guard) -> Self {
        self.observers.push(AnyGuard::new(guard));
        self
    }

    /// Dresses every answer; as an API's, without.
    pub fn headers(mut self, headers: HeadersLayer) -> Self {
        self.headers = Some(headers);
        self
    }

    /// Answers to these hosts only. There is no default: a service that answers to any name can be
    /// led by the nose (DNS rebinding, poisoned redirects).
    pub fn hosts(self, allowed: AllowedHosts) -> Self {
        self.host_layer(HostLayer::new(allowed))
    }

    /// Answers to the hosts of a layer with exceptions.
    pub fn host_layer(mut self, hosts: HostLayer) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// Says what happens to requests in clear; they are refused, without.
    pub fn https(mut self, https: HttpsLayer) -> Self {
        self.https = Some(https);
        self
    }

    /// Renders refusals in a form of one's own.
    pub fn render(mut self, renderer: impl Renderer) -> Self {
        self.render = Some(RenderLayer::new(renderer));
        self
    }

    /// Lets a panic go on outwards: an HTTP/1 server then closes the connection without a response. Default: a
    /// panic before the response begins is answered with 500 `internal_error`; see
    /// [`GuardService::catch_panics`](palisade_core::GuardService::catch_panics).
    ///
    /// For applications that catch panics further out. The record says `panicked` either way.
    pub fn propagate_panics(mut self) -> Self {
        self.propagate_panics = true;
        self
    }

    /// Sends the identifier of the request in another header, or accepts the one that a proxy sends. Default:
    /// `X-Request-Id` with every response; what a request brings is removed and not accepted.
    ///
    /// ```
    /// use palisade::{RequestIdLayer, Shield};
    ///
    /// let shield = Shield::builder().request_id(RequestIdLayer::new().accept_from_proxies());
    /// ```
    pub fn request_id(mut self, layer: RequestIdLayer) -> Self {
        self.request_id = RequestId::Sent(layer);
        self
    }

    /// Sends no identifier of the request, and leaves the header of requests to the handler.
    pub fn without_request_id(mut self) -> Self {
        self.request_id = RequestId::Off;
        self
    }

    /// Cleans the text fields that the rules name, and caps every body.
    pub fn sanitize(mut self, sanitize: SanitizeLayer) -> Self {
        self.sanitize = Some(sanitize);
        self
    }

    /// Does not log a [`Warning`] of this code at the start: what it tells is meant. It stays in
    /// [`Shield::warnings`] and in what the shield explains.
    ///
    /// ```
    /// use palisade::Shield;
    ///
    /// // A listener that only this machine reaches, for metrics.
    /// let shield = Shield::builder().accept_warning("no-audit").accept_warning("no-client-limit");
    /// ```
    pub fn accept_warning(mut self, code: &'static str) -> Self {
        self.accepted_warnings.push(code);
        self
    }

    /// Checks that the parts fit each other and the rules, and puts them in order. What works but
    /// should be looked at again is a [`Warning`], in the log and in [`Shield::warnings`].
    ///
    /// # Errors
    /// [`ShieldError`] names the part or the rule that does not fit, and the remedy.
    pub fn build(self, table: RouteTable) -> Result<Shield, ShieldError> {
        let hosts = check::check(&self, &table)?;
        let table = Arc::new(table);
        let explanation = Arc::new(Explanation::of(&self, &hosts, &table));
        let accepted = |warning: &&Warning| self.accepted_warnings.contains(&warning.code);
        let warnings = explanation.warnings().iter();
        warnings
            .filter(|warning| !accepted(warning))
            .for_each(Warning::log);
        let all = self.authenticators.0;
        // Guests pass here; whether they pass the route is for its rule to say, further in.
        let authenticate = match all.is_empty() {
            true => None,
            false => Some(AuthenticateLayer::any(all)?.optional()),
        };
        let credentials = authenticate.clone();
        let challenges = authenticate.as_ref().map(AuthenticateLayer::challenges);
        let gate = self.audit.as_ref().filter(|_| self.audit_before_handler);
        let gate = gate.map(AuditLayer::gate);
        let guards: GuardList = self.guards.into_iter().collect();

        let inner = Chain(
            AccessLayer::new(challenges.unwrap_or_default()),
            Chain(self.principal_limit, Chain(guards, gate)),
        );
        let inner = Chain(
            self.client_limit,
            Chain(KnownLayer::new(), Chain(authenticate, inner)),
        );
        let https = self.https.unwrap_or_else(HttpsLayer::refuse);
        // A credential that came in clear is refused wherever it is read, and recorded by its id.
        let https = match credentials {
            Some(credentials) => https.credentials_of(credentials),
            None => https,
        };
        let inner = Chain(
            RouteLayer::new(Arc::clone(&table)),
            Chain(hosts, Chain(https, inner)),
        );
        let client = self.client.unwrap_or_else(ClientInfoLayer::direct);
        let headers = self.headers.unwrap_or_else(HeadersLayer::api);
        let inner = Chain(self.render, Chain(headers, Chain(client, inner)));
        let observers: GuardList = self.observers.into_iter().collect();
        let request_id = match self.request_id {
            RequestId::Off => None,
            RequestId::Sent(layer) => Some(layer),
        };
        let all = Chain(observers, Chain(self.audit, inner));
        Ok(Shield {
            sequence: Arc::new(Chain(request_id, all)),
            sanitize: self.sanitize.unwrap_or_default(),
            table,
            explanation,
            catches_panics: !self.propagate_panics,
        })
    }
}
