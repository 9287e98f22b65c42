//! The whole stack, in the order that is right.

#[cfg(feature = "axum")]
pub(crate) mod axum;
mod builder;
mod check;
mod explain;

use std::{fmt, sync::Arc};

use palisade_audit::{AuditGate, AuditLayer};
use palisade_core::{
    AccessLayer, AuthenticateLayer, Chain, GuardList, GuardService, Guards as _, KnownLayer,
    RenderLayer, RouteLayer, RouteTable,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_sanitize::{SanitizeLayer, SanitizeService};
use palisade_transport::{ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};
use tower_layer::Layer;

pub use self::{builder::ShieldBuilder, check::ShieldError, explain::Warning};

/// The order, from the outside in, with the reason for each place.
///
/// *Who may refuse sits inside audit; who is needed by another sits outside it.*
pub(crate) type Sequence = Chain<
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
/// Nothing can be added behind its back. As a tower [`Layer`] it goes around tonic and hyper
/// services; axum routers go through [`protect`](Self::protect).
#[derive(Clone)]
#[must_use]
pub struct Shield {
    sequence: Arc<Sequence>,
    sanitize: SanitizeLayer,
    table: Arc<RouteTable>,
    explanation: Arc<explain::Explanation>,
}

impl Shield {
    /// Starts from the defaults: a direct client, headers for an API, https only, no guest anywhere.
    pub fn builder() -> ShieldBuilder {
        ShieldBuilder::default()
    }

    /// Puts the stack around a service.
    pub fn wrap<S>(&self, inner: S) -> Protected<S> {
        GuardService::new(Arc::clone(&self.sequence), self.sanitize.layer(inner)).catch_panics()
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

impl<S> Layer<S> for Shield {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Protected<S> {
        self.wrap(inner)
    }
}

impl fmt::Debug for Shield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield")
            .field("order", &self.order())
            .finish_non_exhaustive()
    }
}
