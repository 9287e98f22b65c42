//! The order of the guards: one list, with the reason for each position.
//!
//! Two rules give the order. A guard that may refuse is inside the audit layer, so that refusals
//! are recorded. A guard whose result another one needs is outside that one.

use palisade_audit::{AuditGate, AuditLayer};
use palisade_core::{
    AccessLayer, AuthenticateLayer, GuardList, Guards as _, NotFoundLayer, RenderLayer,
    RequestIdLayer, RouteLayer, TraceLayer,
};
use palisade_rate_limit::RateLimitLayer;
use palisade_transport::{ClientInfoLayer, HeadersLayer, HostLayer, HttpsLayer};

/// Defines the type of the sequence, the guards by name, and their description, from one list.
macro_rules! order {
    ($($part:ident: $guard:ty, $reason:literal;)+) => {
        /// The guards of a shield as one sequence, from the outside in.
        pub(crate) type Sequence = ($($guard,)+);

        /// The guards by name, before they become the sequence. `None` and an empty list are
        /// positions without a guard.
        pub(super) struct Order {
            $(pub(super) $part: $guard,)+
        }

        impl Order {
            /// Describes each position that has a guard.
            pub(super) fn describe(&self) -> Vec<Position> {
                let all = [$(Position { names: self.$part.guard_names(), reason: $reason },)+];
                all.into_iter().filter(|position| !position.names.is_empty()).collect()
            }

            /// Returns the sequence that the service runs.
            pub(super) fn into_sequence(self) -> Sequence {
                ($(self.$part,)+)
            }
        }
    };
}

order! {
    request_id: Option<RequestIdLayer>, "every response has the identifier, refusals of observers included";
    trace: Option<TraceLayer>, "begins the trace, which the record and all log lines of the handler name";
    observers: GuardList, "the application sees every request and how it ended";
    audit: Option<AuditLayer>, "records every request, refused ones included";
    render: Option<RenderLayer>, "writes refusals in the form of the application";
    headers: HeadersLayer, "adds security headers to every response";
    cors: GuardList, "lets scripts of allowed origins read every response";
    client: ClientInfoLayer, "finds the client address, which all guards inside need";
    route: RouteLayer, "finds the rule, which all guards inside need";
    challenges: GuardList, "tells a refused client where to get a token, and with which scopes";
    hosts: HostLayer, "refuses other hosts before any costly work";
    https: HttpsLayer, "refuses or redirects requests without TLS";
    client_limit: Option<RateLimitLayer>, "by address: slows down guessing and scanning";
    not_found: NotFoundLayer, "404 and 405, before a credential is read";
    cross_origin: GuardList, "refuses writes that a page of another origin caused, before a credential is read";
    authenticate: Option<AuthenticateLayer>, "checks the credential and sets the principal";
    access: AccessLayer, "compares the principal with the rule";
    principal_limit: Option<RateLimitLayer>, "by principal, which is known now";
    guards: GuardList, "decisions of the application: the principal is known";
    audit_gate: Option<AuditGate>, "waits for the record before the handler starts";
}

/// A position that has a guard.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// The names of the guards. Several where the application adds several.
    pub(super) names: Vec<&'static str>,
    /// Why the position is where it is.
    pub(super) reason: &'static str,
}
