//! Which requests are recorded, and how much of them.
//!
//! Only what succeeded can be left out: a record of a refusal or a failure is what an audit trail is for. Whether one of
//! several is recorded depends on a number that is generated for each request, under a key. The text of an identifier that
//! a client sent through a proxy has no influence.
//!
//! Before a response starts, a stream is none of these yet: in fail-closed mode it has a record of its head whatever a rule
//! says about successes. See [`AuditRule`].
//!
//! | | success | failure | refusal |
//! |---|---|---|---|
//! | what it is | a status below 400, a whole response, no fact but ordinary notes | any other end | refused, would have been, or with a bad credential |
//! | `None` | allowed | not | not |
//! | sampling | allowed | not | not |

mod decision;

use std::fmt;

pub(super) use self::decision::Rules;
use crate::error::AuditBuildError;

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuditLevel {
    /// Everything, with the headers and query parameters that were chosen.
    #[default]
    Fields,
    /// Without these headers and query parameters.
    Metadata,
    /// Nothing: the request has no record. For successes only.
    None,
}

impl AuditLevel {
    /// Returns its name in a configuration and in records: `fields`, `metadata` or `none`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fields => "fields",
            Self::Metadata => "metadata",
            Self::None => "none",
        }
    }
}

/// How much is recorded of the requests of some routes. For [`AuditLayerBuilder::rule`](crate::AuditLayerBuilder::rule).
///
/// | setting | default |
/// |---|---|
/// | [`successes`](Self::successes), [`failures`](Self::failures), [`refusals`](Self::refusals) | [`AuditLevel::Fields`] |
/// | [`sample_successes`](Self::sample_successes) | 1: all |
///
/// A request is a *refusal* if a guard refused it, would have refused it in shadow mode, or noticed a credential that is
/// not valid. It is a *success* if its status is below 400, its response is complete, a gRPC call has the status 0 in a header or trailer, and no guard
/// or handler recorded a [`Fact`](palisade_core::Fact) about it but ordinary notes. Everything else is a *failure*, and
/// always recorded. Not ordinary are notes whose key begins with `credential_`, `inspect_`, `key_` or `session_`, except
/// `inspect_response`, and `moderation_flagged`, `personal_data`, `response_text`, `text_flagged` and `text_would_be_cleaned`.
///
/// # Fail closed
///
/// Before the response starts, a request is a success if its head says all: the status is below 400 and the body has a
/// known length. A stream, a gRPC call without a status in the head, and a WebSocket are undecided then: they have a
/// record of their head and one of their end, also where a rule leaves out successes. So no failure of the service is
/// without a record if the process is killed. What a rule leaves out by its head and the client does not read to its
/// end has a record when it is over.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLevel, AuditRule};
///
/// // Health checks that succeed are not recorded, others are.
/// let health = AuditRule::route("/healthz").successes(AuditLevel::None);
/// // Of what is read in the catalogue, one of a hundred is recorded.
/// let catalogue = AuditRule::routes_under("/catalogue").sample_successes(100);
/// // Chosen headers and parameters are recorded only where something was refused.
/// let others = AuditRule::any_route()
///     .successes(AuditLevel::Metadata)
///     .failures(AuditLevel::Metadata);
/// # let _ = (health, catalogue, others);
/// ```
///
/// What must not be left out is an error of the layer:
///
/// ```
/// use palisade_audit::{AuditLayer, AuditLevel, AuditRule, MemorySink};
///
/// let without_refusals = AuditRule::any_route().refusals(AuditLevel::None);
/// let error = AuditLayer::builder().sink(MemorySink::new()).rule(without_refusals).build().unwrap_err();
/// assert!(error.to_string().contains("refusals are always recorded"), "{error}");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct AuditRule {
    /// Which requests the rule is about.
    routes: Routes,
    /// How much of a success is recorded. Default: everything.
    successes: AuditLevel,
    /// How much of a failure is recorded: status 400 or higher, or an end before the whole
    /// response.
    failures: AuditLevel,
    /// How much of a refusal is recorded. Never nothing.
    refusals: AuditLevel,
    /// Of so many successes one is recorded.
    one_of: u32,
}

/// The routes of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Routes {
    /// All, and requests without a known route.
    Any,
    /// The one with this template.
    One(Box<str>),
    /// Those whose template is this path, or begins with it and a slash.
    Under(Box<str>),
}

impl AuditRule {
    /// Begins a rule for the route with this template, such as `/voices/{id}`.
    pub fn route(template: impl Into<Box<str>>) -> Self {
        Self::of(Routes::One(template.into()))
    }

    /// Begins a rule for all routes whose template is this path or is under it.
    ///
    /// `/internal` fits `/internal` and `/internal/jobs`, and not `/internals`.
    pub fn routes_under(path: impl Into<Box<str>>) -> Self {
        let path: Box<str> = path.into();
        Self::of(Routes::Under(path.trim_end_matches('/').into()))
    }

    /// Begins a rule for all routes, and for requests without a known one.
    pub fn any_route() -> Self {
        Self::of(Routes::Any)
    }

    /// Begins a rule that records everything.
    fn of(routes: Routes) -> Self {
        Self {
            routes,
            successes: AuditLevel::default(),
            failures: AuditLevel::default(),
            refusals: AuditLevel::default(),
            one_of: 1,
        }
    }

    /// Sets how much is recorded of requests that succeed.
    pub fn successes(mut self, level: AuditLevel) -> Self {
        self.successes = level;
        self
    }

    /// Sets how much is recorded of requests that fail. [`AuditLevel::None`] is refused when the layer is built.
    pub fn failures(mut self, level: AuditLevel) -> Self {
        self.failures = level;
        self
    }

    /// Sets how much is recorded of requests that are refused. [`AuditLevel::None`] is refused when the layer is built.
    pub fn refusals(mut self, level: AuditLevel) -> Self {
        self.refusals = level;
        self
    }

    /// Records one of so many requests that succeed. Default: 1, all of them.
    ///
    /// Each record that is one of several has a member `sampled` with this number. Which ones have a record is decided by
    /// a code of a number that is generated for each request, under the correlation key, or under a random key of the
    /// process if there is none. A client cannot choose it, also where identifiers of proxies are accepted.
    pub fn sample_successes(mut self, one_of: u32) -> Self {
        self.one_of = one_of;
        self
    }

    /// Returns whether the rule is about a route.
    fn fits(&self, route: Option<&str>) -> bool {
        match (&self.routes, route) {
            (Routes::Any, _) => true,
            (Routes::One(template), Some(route)) => **template == *route,
            (Routes::Under(path), Some(route)) => route
                .strip_prefix(&**path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            (Routes::One(_) | Routes::Under(_), None) => false,
        }
    }

    /// Finds what would leave out a record that must be there.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] names the method that would leave out refusals or
    /// failures.
    fn check(&self) -> Result<(), AuditBuildError> {
        let checks = [
            (
                self.refusals == AuditLevel::None,
                "AuditRule::refusals",
                "refusals are always recorded; use metadata",
            ),
            (
                self.failures == AuditLevel::None,
                "AuditRule::failures",
                "failures are always recorded; use metadata",
            ),
            (
                self.one_of == 0,
                "AuditRule::sample_successes",
                "use 1 or more; to record none, set the level of successes",
            ),
        ];
        match checks.into_iter().find(|(wrong, ..)| *wrong) {
            Some((_, setting, problem)) => {
                Err(AuditBuildError::InvalidSetting { setting, problem })
            }
            None => Ok(()),
        }
    }
}

/// Levels and rate, then the routes: a long template that is cut leaves what matters.
impl fmt::Display for AuditRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [successes, failures, refusals] =
            [self.successes, self.failures, self.refusals].map(AuditLevel::as_str);
        write!(
            f,
            "successes {successes}, failures {failures}, refusals {refusals}"
        )?;
        if self.one_of != 1 {
            write!(f, ", one of {} successes", self.one_of)?;
        }
        match &self.routes {
            Routes::Any => f.write_str(": any route"),
            Routes::One(template) => write!(f, ": {template}"),
            Routes::Under(path) => write!(f, ": under {path}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_fits_its_routes() {
        let under = AuditRule::routes_under("/internal/");
        for (route, expected) in [
            (Some("/internal"), true),
            (Some("/internal/jobs"), true),
            (Some("/internals"), false),
            (None, false),
        ] {
            assert_eq!(under.fits(route), expected, "{route:?}");
        }
        let one = AuditRule::route("/voices/{id}");
        assert!(one.fits(Some("/voices/{id}")) && !one.fits(Some("/voices")));
        assert!(AuditRule::any_route().fits(None));
        assert!(AuditRule::routes_under("/").fits(Some("/any")));
    }

    #[test]
    fn a_rule_says_what_it_is() {
        let rule = AuditRule::routes_under("/a")
            .successes(AuditLevel::Metadata)
            .sample_successes(10);
        let expected =
            "successes metadata, failures fields, refusals fields, one of 10 successes: under /a/";
        assert_eq!(rule.to_string(), expected);
    }
}
