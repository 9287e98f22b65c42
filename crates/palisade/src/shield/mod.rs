//! The whole stack, in the order that is right.

#[cfg(feature = "axum")]
pub(crate) mod axum;
mod builder;
mod check;
mod explain;
mod layer;
#[cfg(feature = "axum")]
mod router_paths;

use std::{fmt, sync::Arc};

use palisade_audit::{AuditGate, AuditLayer};
use palisade_core::{
    AccessLayer, AuthenticateLayer, Chain, GuardList, GuardService, Guards as _, KnownLayer,
    RenderLayer, RequestIdLayer, RouteLayer, RouteTable,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_sanitize::{SanitizeLayer, SanitizeService};
use palisade_transport::{ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};
use tower_layer::Layer as _;

pub use self::{builder::ShieldBuilder, check::ShieldError, explain::Warning, layer::ShieldLayer};

/// The order, from the outside in, with the reason for each place.
///
/// *Who may refuse sits inside audit; who is needed by another sits outside it.*
pub(crate) type Sequence = Chain<
    Option<RequestIdLayer>, // every response has the identifier, those of observers too
    Chain<
        GuardList, // of the application: sees every request and every ending
        Chain<
            Option<AuditLayer>, // hears of every request, also of refused ones
            Chain<
                Option<RenderLayer>, // every refusal below looks as it says
                Chain<
                    HeadersLayer, // dresses every answer, refusals included
                    Chain<
                        ClientInfoLayer, // everyone below needs the client
                        Chain<
                            RouteLayer,                                 // everyone below needs the rule
                            Chain<HostLayer, Chain<HttpsLayer, Inner>>, // before anything is spent
                        >,
                    >,
                >,
            >,
        >,
    >,
>;

/// The second half: who may come in, and how often.
type Inner = Chain<
    Option<RateLimitLayer>, // by address: guessing and scanning end here
    Chain<
        KnownLayer, // unknown paths end before a credential is looked at
        Chain<
            Option<AuthenticateLayer>, // who
            Chain<
                AccessLayer, // may they
                Chain<
                    Option<RateLimitLayer>, // by principal: only now it is known
                    Chain<
                        GuardList,         // of the application: it knows who asks
                        Option<AuditGate>, // on record before the handler starts
                    >,
                >,
            >,
        >,
    >,
>;

/// A service behind the whole stack. Text is cleaned innermost, where it is known who sends it.
pub type Protected<S> = GuardService<Arc<Sequence>, SanitizeService<S>>;

/// The whole stack, finished: one value for any number of services, which share its state.
///
/// An axum router is protected by [`protect`](Self::protect) alone: what it returns is a service, so
/// no route can be added to it that the shield does not see. Other services go through
/// [`wrap`](Self::wrap), or through [`as_layer`](Self::as_layer) where a tower layer is asked for.
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
    sequence: Arc<Sequence>,
    sanitize: SanitizeLayer,
    table: Arc<RouteTable>,
    explanation: Arc<explain::Explanation>,
    catches_panics: bool,
}

impl Shield {
    /// Starts from the defaults: a direct client, headers for an API, https only, no guest anywhere.
    pub fn builder() -> ShieldBuilder {
        ShieldBuilder::default()
    }

    /// Puts the stack around a service.
    pub fn wrap<S>(&self, inner: S) -> Protected<S> {
        let service = GuardService::new(Arc::clone(&self.sequence), self.sanitize.layer(inner));
        match self.catches_panics {
            true => service.catch_panics(),
            false => service,
        }
    }

    /// Prints the order, the rule of every route, the limits, and what deserves a second look.
    #[must_use]
    pub fn explain(&self) -> String {
        self.explanation.to_string()
    }

    /// Returns what deserves a second look.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.explanation.warnings()
    }

    /// Returns the rules.
    #[must_use]
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// Names the guards from the outside in.
    #[must_use]
    pub fn order(&self) -> Vec<&'static str> {
        let mut names = self.sequence.names();
        names.push("sanitize");
        names
    }
}

impl fmt::Debug for Shield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield")
            .field("order", &self.order())
            .finish_non_exhaustive()
    }
}
