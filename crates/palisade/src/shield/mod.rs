//! The whole stack, in the order that is right.
//!
//! `order.rs` is the list of the guards, with the reason for each position. `builder.rs` collects the
//! parts, `build.rs` makes the stack of them, `check.rs` finds what does not fit, `explain.rs`
//! describes the result, `protect.rs` puts it around an axum router. A stack that does not fit is not
//! built.

#[cfg(feature = "axum")]
mod protect;
mod build;
mod clients;
mod builder;
mod parts;
mod check;
mod layer;
mod explain;
#[cfg(feature = "axum")]
mod router_paths;
#[cfg(feature = "axum")]
mod same_rule;
mod order;
mod cors;
mod error;

use std::{fmt, sync::Arc};

use palisade_core::{AuthenticateLayer, DocumentService, GuardService, PublicDocument, RouteTable};
use palisade_sanitize::{SanitizeLayer, SanitizeService};
use tower_layer::Layer as _;

#[cfg(feature = "axum")]
pub use self::protect::{Application, ProtectedFuture, ProtectedRouter};
pub use self::{
    builder::ShieldBuilder,
    cors::{PreflightFuture, PreflightService},
    error::ShieldBuildError,
    explain::Warning,
    layer::ShieldLayer,
};
use self::{explain::Explanation, order::Sequence};
pub use crate::rules::RulesError;

/// A service behind the whole stack. Returned by [`Shield::wrap`].
///
/// Text fields are cleaned last, just before the service, where principal and rule are known. With
/// the feature `inspect`, firewall rules are asked after that.
pub type Protected<S> =
    GuardService<Arc<Sequence>, DocumentService<PreflightService<SanitizeService<Inspected<S>>>>>;

/// A service behind the firewall rules, if there are any.
#[cfg(feature = "inspect")]
type Inspected<S> = palisade_inspect::InspectService<S>;
/// The service itself: this build has no firewall rules.
#[cfg(not(feature = "inspect"))]
type Inspected<S> = S;

/// The finished stack. Made by [`ShieldBuilder::build`].
///
/// Clones are cheap and share limits, keys and audit trail, as do all services behind one shield.
///
/// An axum router is protected by [`protect`](Self::protect) alone: what it returns is a service,
/// so no route can be added to it that the shield does not see. Other services go through
/// [`wrap`](Self::wrap), or through [`as_layer`](Self::as_layer) where a tower layer is required.
///
/// A shield is no tower layer itself, since axum's `Router::layer` covers only the routes that are
/// there already. This does not compile:
///
/// ```compile_fail,E0277
/// # fn open_by_accident(shield: palisade::Shield) -> axum::Router {
/// use axum::{Router, routing::get};
///
/// Router::new()
///     .route("/a", get(async || "a"))
///     .layer(shield)
///     .route("/admin", get(async || "without any check"))
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Shield {
    /// All guards but the cleaning of text.
    sequence: Arc<Sequence>,
    /// Verifies credentials; also part of the sequence.
    authenticate: Option<AuthenticateLayer>,
    /// Cleans text fields and limits bodies, inside all guards.
    sanitize: SanitizeLayer,
    /// What the shield itself responds with at public paths.
    documents: Arc<[PublicDocument]>,
    /// Asks firewall rules, innermost: they see what the handler gets.
    #[cfg(feature = "inspect")]
    inspect: Option<palisade_inspect::InspectLayer>,
    /// The rules.
    table: Arc<RouteTable>,
    /// Rules from this index on are those of the fallback.
    #[cfg(feature = "axum")]
    fallback_from: usize,
    /// What [`Shield::explain`] prints.
    explanation: Arc<Explanation>,
    /// Whether a panic becomes a response with status 500.
    catches_panics: bool,
    /// Whether there is a CORS layer.
    responds_to_preflights: bool,
}

impl Shield {
    /// Returns a builder with the defaults.
    ///
    /// The client is the peer of the connection, headers are those for an API, requests without TLS
    /// are refused, and no authenticator is set. [`ShieldBuilder::hosts`] is required.
    pub fn builder() -> ShieldBuilder {
        ShieldBuilder::default()
    }

    /// Puts the stack around a service.
    ///
    /// For an axum router with handlers use `protect`, which also checks that router and rules
    /// agree. Call `wrap` as often as needed: the services share the state of the shield.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    /// use tower::service_fn;
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().any("/echo", Rule::public()))
    ///     .build()?;
    /// let service = shield.wrap(service_fn(async |request: http::Request<String>| {
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
    /// }));
    /// # let _ = service; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wrap<S>(&self, inner: S) -> Protected<S> {
        let inner = self.sanitize.layer(self.inspected(inner));
        let inner = PreflightService::new(inner, self.responds_to_preflights);
        let inner = DocumentService::new(inner, Arc::clone(&self.documents));
        let service = GuardService::new(Arc::clone(&self.sequence), inner);
        match self.catches_panics {
            true => service.catch_panics(),
            false => service,
        }
    }

    /// Puts the firewall rules around a service.
    #[cfg(feature = "inspect")]
    fn inspected<S>(&self, inner: S) -> Inspected<S> {
        match &self.inspect {
            Some(inspect) => inspect.layer(inner),
            None => palisade_inspect::InspectService::pass_through(inner),
        }
    }

    /// Returns the service itself.
    #[cfg(not(feature = "inspect"))]
    fn inspected<S>(&self, inner: S) -> Inspected<S> {
        inner
    }

    /// Describes the stack: the order of the guards, the rule of every route, the limits, and the
    /// warnings.
    ///
    /// The text is for people and may change; for programs there are [`order`](Self::order),
    /// [`table`](Self::table) and [`warnings`](Self::warnings).
    #[must_use]
    pub fn explain(&self) -> String {
        self.explanation.to_string()
    }

    /// Returns the layer that verifies credentials. `None`: the shield has no authenticator.
    ///
    /// For what outlives its request, such as a WebSocket: ask it with
    /// [`recheck`](AuthenticateLayer::recheck) from time to time, and close if the credential has ended.
    #[must_use]
    pub const fn authentication(&self) -> Option<&AuthenticateLayer> {
        self.authenticate.as_ref()
    }

    /// Returns what works but should be looked at again.
    ///
    /// The list is complete: it includes the warnings that [`ShieldBuilder::accept_warning`] keeps
    /// out of the log.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().any("/echo", Rule::public()))
    ///     .build()?;
    /// let codes: Vec<&str> = shield.warnings().iter().map(|warning| warning.code).collect();
    /// assert_eq!(codes, ["no-audit", "no-client-limit"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.explanation.warnings()
    }

    /// Returns the rules that the stack was built with.
    #[must_use]
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// Returns the names of the guards that are active, from the outside in. The last is
    /// `sanitize`, or `inspect` if there are firewall rules.
    ///
    /// A test of the application can compare it, so that a guard does not disappear unnoticed.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().any("/echo", Rule::public()))
    ///     .build()?;
    /// let order = shield.order();
    /// let place = |name: &str| order.iter().position(|guard| *guard == name);
    /// assert!(place("host") < place("https") && place("https") < place("access"));
    /// assert_eq!(order.last(), Some(&"sanitize"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn order(&self) -> Vec<&'static str> {
        self.explanation.order()
    }
}

impl fmt::Debug for Shield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield")
            .field("order", &self.order())
            .finish_non_exhaustive()
    }
}
