//! Collects the parts of the stack and puts them in order.
//!
//! `build` checks them first and returns an error for parts that do not fit.

use std::sync::Arc;

use palisade_audit::AuditLayer;
use palisade_core::{
    AccessLayer, AnyGuard, AuthenticateLayer, Authenticator, Guard, GuardList, NotFoundLayer,
    RenderLayer, Renderer, RequestIdLayer, RouteLayer, RouteTable,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_sanitize::SanitizeLayer;
use palisade_transport::{AllowedHosts, ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};

#[cfg(feature = "cors")]
use super::cors::{CorsGuard, SkipPreflight};
use super::{
    Shield, ShieldError, check,
    explain::{Explanation, Warning},
    order::Order,
};
use crate::rules::Rules;

/// Collects the parts of a [`Shield`]. Made by [`Shield::builder`].
///
/// The order of the calls does not matter: [`build`](Self::build) puts the parts in order. A second
/// call of one method replaces the first, but for [`authenticate`](Self::authenticate),
/// [`guard`](Self::guard), [`observe`](Self::observe), [`rules`](Self::rules) and
/// [`accept_warning`](Self::accept_warning), which add.
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
    #[cfg(feature = "cors")]
    pub(super) cors: Option<tower_http::cors::CorsLayer>,
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
    pub(super) rules: Option<Rules>,
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

impl Authenticators {
    /// Returns the kinds of credentials that are accepted.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.0.iter().map(|one| one.kind()).collect()
    }
}

impl std::fmt::Debug for Authenticators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.kinds()).finish()
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

    /// Adds the rules of the routes. Required, unless `Routes` are given to `protect`.
    ///
    /// For handlers that are defined elsewhere: an axum router, a tonic server. A second call adds
    /// to the first. A path without a rule gets status 404, as if there were no handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let rules = Rules::new().get("/health", Rule::public());
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(rules)
    ///     .build()?;
    /// # let _ = shield; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rules(mut self, rules: Rules) -> Self {
        let before = self.rules.take().unwrap_or_default();
        self.rules = Some(before.merge(rules));
        self
    }

    /// Lets scripts of other origins call the service (CORS, Fetch standard). Default: none, and a
    /// preflight gets status 405.
    ///
    /// The shield responds to the preflight of a known route with status 204, without a credential.
    /// Every response has the CORS headers, so scripts can read refusals too. Preflights are
    /// recorded, and limited by client address; guards of the application do not see them.
    ///
    /// Scripts read only a few headers by default: name others, such as `Retry-After`, with
    /// `CorsLayer::expose_headers`. Headers of a CORS layer of the handler are replaced.
    ///
    /// [`build`](Self::build) fails if the layer combines credentials with a wildcard.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderValue, Method, header};
    /// use palisade::Shield;
    /// use tower_http::cors::CorsLayer;
    ///
    /// let cors = CorsLayer::new()
    ///     .allow_origin(HeaderValue::from_static("https://app.example"))
    ///     .allow_methods([Method::GET, Method::POST])
    ///     .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
    ///     .expose_headers([header::RETRY_AFTER]);
    /// let shield = Shield::builder().cors(cors);
    /// ```
    #[cfg(feature = "cors")]
    pub fn cors(mut self, cors: tower_http::cors::CorsLayer) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Checks that the parts fit each other and the rules, and puts them in order.
    ///
    /// Settings that work but should be looked at again are [`Warning`]s: they are logged, and
    /// returned by [`Shield::warnings`].
    ///
    /// # Errors
    /// [`ShieldError`] names the part or the rule that does not fit, and the remedy.
    pub fn build(mut self) -> Result<Shield, ShieldError> {
        let mut rules = self.rules.take().ok_or(ShieldError::NoRules)?;
        if self.has_cors() {
            rules = rules.allow_preflight();
        }
        let table = Arc::new(rules.table()?);
        check::check(&self, &table)?;
        let mut explanation = Explanation::of(&self, &rules, &table);
        self.log_warnings(explanation.warnings());
        let responds_to_preflights = self.has_cors();
        let catches_panics = !self.propagate_panics;
        let sanitize = self.sanitize.take().unwrap_or_default();
        let order = self.into_order(&table)?;
        explanation.set_order(order.describe());
        Ok(Shield {
            sequence: Arc::new(order.into_sequence()),
            sanitize,
            table,
            #[cfg(feature = "axum")]
            fallback_from: rules.templates().len(),
            explanation: Arc::new(explanation),
            catches_panics,
            responds_to_preflights,
        })
    }

    /// Returns whether there is a CORS layer.
    fn has_cors(&self) -> bool {
        #[cfg(feature = "cors")]
        return self.cors.is_some();
        #[cfg(not(feature = "cors"))]
        false
    }

    /// Logs the warnings that are not accepted.
    fn log_warnings(&self, warnings: &[Warning]) {
        let accepted = |warning: &&Warning| self.accepted_warnings.contains(&warning.code);
        let warnings = warnings.iter().filter(|warning| !accepted(warning));
        warnings.for_each(Warning::log);
    }

    /// Gives each guard its position. Fails if two authenticators read one credential.
    fn into_order(self, table: &Arc<RouteTable>) -> Result<Order, ShieldError> {
        let (cors, guards) = self.cors_and_guards();
        // Requests without a credential pass here. `AccessLayer` compares them with the rule.
        let authenticate = match self.authenticators.0.is_empty() {
            true => None,
            false => Some(AuthenticateLayer::any(self.authenticators.0)?.optional()),
        };
        let challenges = authenticate.as_ref().map(AuthenticateLayer::challenges);
        let gate = self.audit.as_ref().filter(|_| self.audit_before_handler);
        let https = self.https.unwrap_or_else(HttpsLayer::refuse);
        Ok(Order {
            request_id: match self.request_id {
                RequestId::Off => None,
                RequestId::Sent(layer) => Some(layer),
            },
            observers: self.observers.into_iter().collect(),
            audit_gate: gate.map(AuditLayer::gate),
            audit: self.audit,
            render: self.render,
            headers: self.headers.unwrap_or_else(HeadersLayer::api),
            cors,
            client: self.client.unwrap_or_else(ClientInfoLayer::direct),
            route: RouteLayer::new(Arc::clone(table)),
            hosts: self.hosts.ok_or(ShieldError::NoHosts)?,
            // A credential sent without TLS is refused, and recorded by its public id.
            https: match &authenticate {
                Some(credentials) => https.credentials_of(credentials.clone()),
                None => https,
            },
            client_limit: self.client_limit,
            not_found: NotFoundLayer::new(),
            authenticate,
            access: AccessLayer::new(challenges.unwrap_or_default()),
            principal_limit: self.principal_limit,
            guards,
        })
    }

    /// Returns the CORS guard, if there is one, and the guards of the application. With CORS they
    /// do not see preflights.
    #[cfg(feature = "cors")]
    fn cors_and_guards(&self) -> (GuardList, GuardList) {
        let guards = self.guards.iter().cloned();
        match &self.cors {
            None => (GuardList::from_iter([]), guards.collect()),
            Some(cors) => {
                let cors = AnyGuard::new(CorsGuard(cors.clone()));
                let guards = guards.map(|guard| AnyGuard::new(SkipPreflight(guard)));
                (std::iter::once(cors).collect(), guards.collect())
            }
        }
    }

    /// Returns no CORS guard, and the guards of the application.
    #[cfg(not(feature = "cors"))]
    fn cors_and_guards(&self) -> (GuardList, GuardList) {
        (
            GuardList::from_iter([]),
            self.guards.iter().cloned().collect(),
        )
    }
}
