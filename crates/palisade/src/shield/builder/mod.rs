//! Collects the parts of the stack.
//!
//! Each method stores one part. `build.rs` checks them against each other and puts them in order, so
//! no method here can fail.

mod http_parts;

use palisade_audit::AuditLayer;
use palisade_core::{AnyGuard, Guard, PublicDocument, RenderLayer, TraceLayer};
use palisade_rate_limit::RateLimitLayer;
use palisade_sanitize::SanitizeLayer;
use palisade_transport::{ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};

use super::parts::{Authenticators, RequestId};
use crate::rules::Rules;

/// Collects the parts of a [`Shield`](super::Shield). Made by
/// [`Shield::builder`](super::Shield::builder).
///
/// The order of the calls does not matter: [`build`](Self::build) puts the parts in order. A second
/// call of one method replaces the first, but for [`authenticate`](Self::authenticate),
/// [`document`](Self::document), [`guard`](Self::guard), [`observe`](Self::observe),
/// [`rules`](Self::rules) and [`accept_warning`](Self::accept_warning), which add.
///
/// | part | default | if it is missing or refuses |
/// |---|---|---|
/// | [`hosts`](Self::hosts) | none: required | [`ShieldBuildError::NoHosts`](super::ShieldBuildError::NoHosts); status 421 |
/// | [`rules`](Self::rules) | none: required | [`ShieldBuildError::NoRules`](super::ShieldBuildError::NoRules); status 404 |
/// | [`authenticate`](Self::authenticate) | no credential | an error, if a rule requires one; status 401 |
/// | [`limit_clients`](Self::limit_clients) | no limit | the warning `no-client-limit`; status 429 |
/// | [`limit_principals`](Self::limit_principals) | no limit | status 429 |
/// | [`audit`](Self::audit) | no trail | the warning `no-audit` |
/// | [`https`](Self::https) | TLS only | status 403 |
/// | [`client`](Self::client) | the peer | |
/// | [`headers`](Self::headers) | for an API | |
/// | [`sanitize`](Self::sanitize) | fields of 500 characters | status 413, 415 or 422 |
/// | `inspect` (feature `inspect`) | nothing is inspected | status 403 or 413 |
///
/// # Examples
///
/// The least that can be built, for a service with public routes alone:
///
/// ```
/// use palisade::{AllowedHosts, Rule, Rules, Shield};
///
/// let shield = Shield::builder()
///     .hosts(AllowedHosts::parse(["status.example"])?)
///     .rules(Rules::new().get("/status", Rule::public()))
///     .build()?;
/// # let _ = shield; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct ShieldBuilder {
    /// Codes of the warnings that are not logged.
    pub(super) accepted_warnings: Vec<&'static str>,
    /// The trail. `None`: nothing is recorded.
    pub(super) audit: Option<AuditLayer>,
    /// Whether the handler waits for the record of the request.
    pub(super) audit_before_handler: bool,
    /// All that were given; a credential of any of them is accepted.
    pub(super) authenticators: Authenticators,
    /// Complete the challenges of refusals.
    pub(super) challenges: Vec<AnyGuard>,
    /// `None`: the peer is the client.
    pub(super) client: Option<ClientInfoLayer>,
    /// The limits before authentication.
    pub(super) client_limit: Option<RateLimitLayer>,
    /// `None`: preflights get status 405.
    #[cfg(feature = "cors")]
    pub(super) cors: Option<tower_http::cors::CorsLayer>,
    /// Refuses writes from other origins. Empty: none is refused here.
    pub(super) cross_origin: Vec<AnyGuard>,
    /// What the shield itself responds with at public paths.
    pub(super) documents: Vec<PublicDocument>,
    /// Guards of the application, innermost.
    pub(super) guards: Vec<AnyGuard>,
    /// `None`: the headers for an API.
    pub(super) headers: Option<HeadersLayer>,
    /// Required. `None` is an error of `build`.
    pub(super) hosts: Option<HostLayer>,
    /// `None`: requests without TLS are refused.
    pub(super) https: Option<HttpsLayer>,
    /// Guards of the application, outermost.
    pub(super) observers: Vec<AnyGuard>,
    /// The limits after authentication.
    pub(super) principal_limit: Option<RateLimitLayer>,
    /// Whether a panic of the handler ends the connection, in place of a response with status 500.
    pub(super) propagate_panics: bool,
    /// `None`: refusals have the form of the core crate.
    pub(super) render: Option<RenderLayer>,
    /// By default an identifier is sent.
    pub(super) request_id: RequestId,
    /// Firewall rules. `None`: no request is inspected.
    #[cfg(feature = "inspect")]
    pub(super) inspect: Option<palisade_inspect::InspectLayer>,
    /// All that were given, merged. `None` is an error of `build`.
    pub(super) rules: Option<Rules>,
    /// `None`: the default limits of text and bodies.
    pub(super) sanitize: Option<SanitizeLayer>,
    /// `None`: requests have no trace, and `traceparent` is left to the handler.
    pub(super) trace: Option<TraceLayer>,
    /// Whether what rules and credentials refuse is only recorded.
    pub(super) only_shadow: bool,
}

impl ShieldBuilder {
    /// Records what rules and credentials would refuse, and lets it pass. Default: off. Use it only
    /// while rolling out.
    ///
    /// Hosts, limits and text fields have the same option on the builders of their layers. Requests without TLS are
    /// still refused. The shield has the warning `only-shadow`.
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().get("/notes", Rule::public()))
    ///     .dangerously_only_shadow()
    ///     .build()?;
    /// assert!(shield.warnings().iter().any(|warning| warning.code == "only-shadow"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.only_shadow = true;
        self
    }

    /// Records every request, also refused ones. Default: nothing is recorded, which is the warning
    /// `no-audit`.
    ///
    /// Keep [`AuditLayer::handle`] to flush and close the trail at the end. If the trail cannot be
    /// written, the policy of its sink decides: the loss is counted, or requests get status 503.
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

    /// Decides the client address. Default: the address of the peer, [`ClientInfoLayer::direct`].
    ///
    /// Behind a proxy use [`ClientInfoLayer::behind`]; otherwise all clients share the limits of
    /// the proxy.
    ///
    /// ```
    /// use palisade::transport::ForwardedHeader;
    /// use palisade::{ClientInfoLayer, Shield, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::parse("10.0.0.0/8")?;
    /// let header = ForwardedHeader::named("x-forwarded-for")?;
    /// let shield = Shield::builder().client(ClientInfoLayer::behind(proxies, header));
    /// # let _ = shield; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// Several guards run in the order of the calls. Metrics belong here. No principal and no rule is
    /// known yet when a request arrives; both are known when it ends.
    pub fn observe(mut self, guard: impl Guard) -> Self {
        self.observers.push(AnyGuard::new(guard));
        self
    }

    /// Cleans the text fields that the rules name, and limits the length of every body. Default:
    /// [`SanitizeLayer::default`].
    pub fn sanitize(mut self, sanitize: SanitizeLayer) -> Self {
        self.sanitize = Some(sanitize);
        self
    }

    /// Compares requests with firewall rules (feature `inspect`). Default: no request is inspected.
    ///
    /// They are asked last, inside [`sanitize`](Self::sanitize), so they see what the handler gets.
    /// A layer without `enforce()` only records; a request that it refuses gets status 403
    /// `inspected`. Bodies longer than its `max_body` get status 413.
    ///
    /// ```
    /// use palisade::inspect::InspectLayer;
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().get("/notes", Rule::public()))
    ///     .inspect(InspectLayer::builder().build()?)
    ///     .build()?;
    /// assert_eq!(shield.order().last(), Some(&"inspect"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "inspect")]
    pub fn inspect(mut self, inspect: palisade_inspect::InspectLayer) -> Self {
        self.inspect = Some(inspect);
        self
    }

    /// Does not log a [`Warning`](super::Warning) of this code or number at the start, because the setting
    /// is intended. An unknown code has no effect.
    ///
    /// It stays in [`Shield::warnings`](super::Shield::warnings) and in
    /// [`Shield::explain`](super::Shield::explain), so a review still finds it.
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
}
