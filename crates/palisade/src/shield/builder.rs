//! Collects the parts of the stack and puts them in order.
//!
//! `build` checks them first and returns an error for parts that do not fit.

use std::sync::Arc;

use palisade_audit::AuditLayer;
use palisade_core::{
    AccessLayer, AnyGuard, AuthenticateLayer, Authenticator, Chain, Guard, GuardList,
    NotFoundLayer, RenderLayer, Renderer, RequestIdLayer, RouteLayer, RouteTable,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_sanitize::SanitizeLayer;
use palisade_transport::{AllowedHosts, ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};

use super::{Shield, ShieldError, Warning, check, explain::Explanation};

/// Collects the parts of a [`Shield`]. Made by [`Shield::builder`].
///
/// The order of the calls does not matter: [`build`](Self::build) puts the parts in order. A second
/// call of one method replaces the first, but for [`authenticate`](Self::authenticate),
/// [`guard`](Self::guard), [`observe`](Self::observe) and [`accept_warning`](Self::accept_warning),
/// which add.
#[derive(Debug, Default)]
#[must_use]
pub struct ShieldBuilder {
    /// Codes of the warnings that are not logged.
    pub(super) accepted_warnings: Vec<&'static str>,
    pub(super) audit: Option<AuditLayer>,
    pub(super) audit_before_handler: bool,
    pub(super) authenticators: Authenticators,
    pub(super) client: Option<ClientInfoLayer>,
    pub(super) client_limit: Option<RateLimitLayer>,
    /// Guards of the application, innermost.
    pub(super) guards: Vec<AnyGuard>,
    pub(super) headers: Option<HeadersLayer>,
    pub(super) hosts: Option<HostLayer>,
    pub(super) https: Option<HttpsLayer>,
    /// Guards of the application, outermost.
    pub(super) observers: Vec<AnyGuard>,
    pub(super) principal_limit: Option<RateLimitLayer>,
    pub(super) propagate_panics: bool,
    pub(super) render: Option<RenderLayer>,
    pub(super) request_id: RequestId,
    pub(super) sanitize: Option<SanitizeLayer>,
}

/// Whether responses carry the identifier of the request.
#[derive(Debug)]
pub(super) enum RequestId {
    /// No header is sent, and that of the request is left to the handler.
    Off,
    /// The header is sent as this layer says.
    Sent(RequestIdLayer),
}

impl Default for RequestId {
    fn default() -> Self {
        Self::Sent(RequestIdLayer::new())
    }
}

/// The authenticators. `Debug` shows their kinds, since they do not implement it.
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
    /// Records every request, also refused ones. Default: nothing is recorded, which is the warning
    /// `no-audit`.
    ///
    /// Keep [`AuditLayer::handle`] to flush and close the trail at the end.
    pub fn audit(mut self, audit: AuditLayer) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Starts the handler only after the arrival of the request is recorded. Default: the handler
    /// does not wait for the record.
    ///
    /// [`build`](Self::build) fails unless the sink of [`audit`](Self::audit) is fail-closed.
    pub fn audit_before_handler(mut self) -> Self {
        self.audit_before_handler = true;
        self
    }

    /// Accepts a kind of credential. With several calls, a credential of any of them is accepted.
    ///
    /// A request without a credential passes here; the rule of the route decides whether it is
    /// allowed. Default: no credential is accepted, and only public routes can be built. Two
    /// authenticators that read the same credential are an error of [`build`](Self::build).
    pub fn authenticate(mut self, one: impl Authenticator) -> Self {
        self.authenticators.0.push(Arc::new(one));
        self
    }

    /// Decides the client address. Default: the address of the peer, [`ClientInfoLayer::direct`].
    ///
    /// Behind a proxy use [`ClientInfoLayer::behind`]; otherwise all clients share the limits of
    /// the proxy.
    pub fn client(mut self, client: ClientInfoLayer) -> Self {
        self.client = Some(client);
        self
    }

    /// Limits requests by client address, before any credential is read. Default: no limit, which
    /// is the warning `no-client-limit`.
    ///
    /// Takes a limit made by [`RateLimitLayer::by_client`]; the other kind is an error of
    /// [`build`](Self::build). A request beyond the limit gets status 429.
    pub fn limit_clients(mut self, limit: RateLimitLayer) -> Self {
        self.client_limit = Some(limit);
        self
    }

    /// Limits requests by principal, after authentication. Default: no limit.
    ///
    /// Takes a limit made by [`RateLimitLayer::by_principal`], and needs an authenticator;
    /// otherwise [`build`](Self::build) fails. A request beyond the limit gets status 429.
    pub fn limit_principals(mut self, limit: RateLimitLayer) -> Self {
        self.principal_limit = Some(limit);
        self
    }

    /// Adds a custom guard inside the limits and outside the handler, where the principal is known.
    ///
    /// Several guards run in the order of the calls. See [`Guard`].
    pub fn guard(mut self, guard: impl Guard) -> Self {
        self.guards.push(AnyGuard::new(guard));
        self
    }

    /// Adds a custom guard, outermost: it sees every request, every response and how each request
    /// ended.
    ///
    /// Several guards run in the order of the calls. Metrics belong here.
    pub fn observe(mut self, guard: impl Guard) -> Self {
        self.observers.push(AnyGuard::new(guard));
        self
    }

    /// Adds security headers to every response, refusals included. Default: [`HeadersLayer::api`].
    pub fn headers(mut self, headers: HeadersLayer) -> Self {
        self.headers = Some(headers);
        self
    }

    /// Serves these hosts only. Required: a service that accepts any host is open to DNS rebinding
    /// and to forged redirects.
    ///
    /// For exceptions, use [`host_layer`](Self::host_layer).
    pub fn hosts(self, allowed: AllowedHosts) -> Self {
        self.host_layer(HostLayer::new(allowed))
    }

    /// Serves the hosts of a layer that has exceptions. Replaces [`hosts`](Self::hosts).
    pub fn host_layer(mut self, hosts: HostLayer) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// Decides what happens to requests without TLS. Default: they are refused,
    /// [`HttpsLayer::refuse`].
    pub fn https(mut self, https: HttpsLayer) -> Self {
        self.https = Some(https);
        self
    }

    /// Renders refusals in a custom form. Default: the form of the core crate.
    ///
    /// Requests that an [`observe`](Self::observe) guard refuses are outside it and keep the
    /// default form.
    pub fn render(mut self, renderer: impl Renderer) -> Self {
        self.render = Some(RenderLayer::new(renderer));
        self
    }

    /// Does not catch panics of the handler: an HTTP/1 server then closes the connection without a
    /// response. Default: a panic before the response begins becomes status 500 `internal_error`;
    /// see [`GuardService::catch_panics`](palisade_core::GuardService::catch_panics).
    ///
    /// For applications that catch panics outside the shield. The audit record says `panicked` in
    /// both cases.
    pub fn propagate_panics(mut self) -> Self {
        self.propagate_panics = true;
        self
    }

    /// Sends the request identifier in another header, or accepts the one that a proxy sends.
    /// Default: `X-Request-Id` on every response; an identifier in a request is removed.
    ///
    /// ```
    /// use palisade::core::RequestIdLayer;
    /// use palisade::Shield;
    ///
    /// let shield = Shield::builder().request_id(RequestIdLayer::new().accept_from_proxies());
    /// ```
    pub fn request_id(mut self, layer: RequestIdLayer) -> Self {
        self.request_id = RequestId::Sent(layer);
        self
    }

    /// Sends no request identifier. The header of a request reaches the handler unchanged.
    pub fn without_request_id(mut self) -> Self {
        self.request_id = RequestId::Off;
        self
    }

    /// Cleans the text fields that the rules name, and limits the length of every body. Default:
    /// [`SanitizeLayer::default`].
    pub fn sanitize(mut self, sanitize: SanitizeLayer) -> Self {
        self.sanitize = Some(sanitize);
        self
    }

    /// Does not log a [`Warning`] of this code at the start, because the setting is intended. It
    /// stays in [`Shield::warnings`] and [`Shield::explain`]. An unknown code has no effect.
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

    /// Checks that the parts fit each other and the rules, and puts them in order.
    ///
    /// Settings that work but should be looked at again are [`Warning`]s: they are logged, and
    /// returned by [`Shield::warnings`].
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
        // Requests without a credential pass here. `AccessLayer` compares them with the rule.
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
            Chain(NotFoundLayer::new(), Chain(authenticate, inner)),
        );
        let https = self.https.unwrap_or_else(HttpsLayer::refuse);
        // A credential sent without TLS is refused, and recorded by its public id.
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
