//! Checks the parts of a stack against each other and against the rules, before the first request.
//!
//! `build` calls [`check`]. Each private function finds one [`ShieldError`].

use std::fmt;

use palisade_audit::AuditLayer;
use palisade_core::{Access, Guard as _, RouteTable, Rule};
use palisade_rate_limit::RateLimitLayer;
use palisade_transport::HostLayer;

use super::ShieldBuilder;

/// Why a stack cannot be built.
///
/// `Display` says in one sentence what is wrong and what to do. Programs compare
/// [`code`](Self::code). The first problem is returned, not all.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShieldError {
    /// No allowed hosts were named. Call `ShieldBuilder::hosts`.
    NoHosts,
    /// A rule requires a credential, and there is no authenticator.
    NoAuthenticator {
        /// The template of the route.
        route: String,
    },
    /// Two limiters have a limit of the same name. In a shared store both would use one quota.
    SharedLimitName {
        /// The name of the limit.
        limit: String,
    },
    /// A rule names a limit that no limiter has.
    UnknownLimit {
        /// The template of the route.
        route: String,
        /// The name that the rule uses.
        limit: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A rule names a set of text fields that the sanitizing layer does not know.
    UnknownTextSchema {
        /// The template of the route.
        route: String,
        /// The name that the rule uses.
        schema: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A limit by principal was given to `limit_clients`, or one by client to `limit_principals`.
    MisplacedLimit {
        /// The method that it was given to.
        given_to: &'static str,
        /// The method that it belongs to.
        belongs_to: &'static str,
    },
    /// There is a limit by principal, and no authenticator to learn the principal.
    PrincipalLimitWithoutAuthenticator,
    /// A template cannot be used for a route.
    Template {
        /// The template.
        route: String,
        /// What is wrong with it, and what to write.
        problem: &'static str,
    },
    /// A template has two rules for one method, or one rule for all methods and another one.
    TwoRules {
        /// The template of the route.
        route: String,
    },
    /// A record before the handler was requested, and there is no audit sink that is fail-closed.
    GateWithoutPromise,
    /// Two authenticators read the same credential.
    Authenticators(palisade_core::AuthenticateBuildError),
    /// A template cannot be parsed, or conflicts with another.
    Routes(palisade_core::RouteTableBuildError),
}

impl fmt::Display for ShieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHosts => f.write_str(
                "no allowed hosts: name them with `.hosts(AllowedHosts::parse([\"api.example\"])?)`",
            ),
            Self::NoAuthenticator { route } => write!(
                f,
                "the rule of `{route}` asks for a credential, but there is no way to show one: add `.authenticate(..)` or make the route `Rule::public()`",
            ),
            Self::UnknownLimit { route, limit, known } => write!(
                f,
                "the rule of `{route}` names the limit `{limit}`, but no limiter has it (there is: {}): add a policy of that name",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            ),
            Self::UnknownTextSchema { route, schema, known } => write!(
                f,
                "the rule of `{route}` names the text schema `{schema}`, which is not defined (there is: {}): define it with `SanitizeLayer::builder().schema(..)`",
                known.join(", "),
            ),
            Self::SharedLimitName { limit } => write!(
                f,
                "two limiters have a limit `{limit}`: give each a name of its own",
            ),
            Self::GateWithoutPromise => f.write_str(
                "a record before the handler was asked for, but nothing promises one: give `.audit(..)` a sink that is `fail_closed()`",
            ),
            Self::Authenticators(error) => error.fmt(f),
            Self::MisplacedLimit { given_to, belongs_to } => write!(
                f,
                "`{given_to}` was given a limit of the other kind: give it to `{belongs_to}`",
            ),
            Self::PrincipalLimitWithoutAuthenticator => f.write_str(
                "a limit by principal needs to know who asks: add `.authenticate(..)`, or limit by client address with `.limit_clients(..)`",
            ),
            Self::Template { route, problem } => write!(f, "route `{route}`: {problem}"),
            Self::TwoRules { route } => write!(
                f,
                "route `{route}` has two rules for one method: keep one of them",
            ),
            Self::Routes(error) => error.fmt(f),
        }
    }
}

impl ShieldError {
    /// Returns a stable code, for programs that compare errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::core::RouteTable;
    /// use palisade::{Rule, Shield};
    ///
    /// let table = RouteTable::builder().any("/echo", Rule::public()).build()?;
    /// let error = Shield::builder().build(table).unwrap_err();
    /// assert_eq!(error.code(), "no-hosts");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Authenticators(_) => "authenticators",
            Self::GateWithoutPromise => "gate-without-promise",
            Self::MisplacedLimit { .. } => "misplaced-limit",
            Self::NoAuthenticator { .. } => "no-authenticator",
            Self::NoHosts => "no-hosts",
            Self::PrincipalLimitWithoutAuthenticator => "principal-limit-without-authenticator",
            Self::Routes(_) => "routes",
            Self::SharedLimitName { .. } => "shared-limit-name",
            Self::Template { .. } => "template",
            Self::TwoRules { .. } => "two-rules",
            Self::UnknownLimit { .. } => "unknown-limit",
            Self::UnknownTextSchema { .. } => "unknown-text-schema",
        }
    }
}

impl std::error::Error for ShieldError {}

impl From<palisade_core::AuthenticateBuildError> for ShieldError {
    fn from(error: palisade_core::AuthenticateBuildError) -> Self {
        Self::Authenticators(error)
    }
}

impl From<palisade_core::RouteTableBuildError> for ShieldError {
    fn from(error: palisade_core::RouteTableBuildError) -> Self {
        Self::Routes(error)
    }
}

/// Checks the parts against the rules. Returns the hosts, the one part that has no default.
pub(super) fn check(parts: &ShieldBuilder, table: &RouteTable) -> Result<HostLayer, ShieldError> {
    let promises = parts.audit.as_ref().is_some_and(AuditLayer::is_fail_closed);
    if parts.audit_before_handler && !promises {
        return Err(ShieldError::GateWithoutPromise);
    }
    let limits = known_limits(parts);
    let twice = |(place, name): &(usize, &String)| {
        limits.iter().skip(place + 1).any(|other| other == *name)
    };
    if let Some((_, limit)) = limits.iter().enumerate().find(twice) {
        let limit = limit.clone();
        return Err(ShieldError::SharedLimitName { limit });
    }
    limiters_in_place(parts)?;
    for rule in table.rules() {
        authenticated(parts, rule)?;
        limited(&limits, rule)?;
        text_schemas(parts, rule)?;
    }
    parts.hosts.clone().ok_or(ShieldError::NoHosts)
}

/// Checks that each limit has the right position.
///
/// A limit by principal before authentication would refuse every request. One by address after it
/// would not slow down guessing.
fn limiters_in_place(parts: &ShieldBuilder) -> Result<(), ShieldError> {
    let is = |limit: &Option<RateLimitLayer>, kind: &str| {
        limit.as_ref().is_some_and(|limit| limit.name() == kind)
    };
    let (clients, principals) = ("limit_clients", "limit_principals");
    if is(&parts.client_limit, "limit_principal") {
        return Err(ShieldError::MisplacedLimit {
            given_to: clients,
            belongs_to: principals,
        });
    }
    if is(&parts.principal_limit, "limit_client") {
        return Err(ShieldError::MisplacedLimit {
            given_to: principals,
            belongs_to: clients,
        });
    }
    if parts.principal_limit.is_some() && parts.authenticators.0.is_empty() {
        return Err(ShieldError::PrincipalLimitWithoutAuthenticator);
    }
    Ok(())
}

/// Checks that there is an authenticator if the rule requires a credential.
fn authenticated(parts: &ShieldBuilder, rule: &Rule) -> Result<(), ShieldError> {
    if parts.authenticators.0.is_empty() && *rule.access() != Access::Public {
        let route = rule.template().to_owned();
        return Err(ShieldError::NoAuthenticator { route });
    }
    Ok(())
}

/// Checks that each limit that the rule names exists.
fn limited(known: &[String], rule: &Rule) -> Result<(), ShieldError> {
    let mut named = rule.limits().iter();
    let Some(unknown) = named.find(|name| !known.iter().any(|one| **one == ***name)) else {
        return Ok(());
    };
    Err(ShieldError::UnknownLimit {
        route: rule.template().to_owned(),
        limit: unknown.to_string(),
        known: known.to_vec(),
    })
}

/// Checks that each text schema that the rule names exists.
fn text_schemas(parts: &ShieldBuilder, rule: &Rule) -> Result<(), ShieldError> {
    if rule.text_schemas().is_empty() {
        return Ok(());
    }
    let layer = parts.sanitize.clone().unwrap_or_default();
    let mut named = rule.text_schemas().iter();
    match named.find(|name| layer.schemas().all(|known| known != &***name)) {
        None => Ok(()),
        Some(unknown) => Err(ShieldError::UnknownTextSchema {
            route: rule.template().to_owned(),
            schema: unknown.to_string(),
            known: layer.schemas().map(ToOwned::to_owned).collect(),
        }),
    }
}

/// Returns the names of all limits of both limiters.
fn known_limits(parts: &ShieldBuilder) -> Vec<String> {
    let limiters = [&parts.client_limit, &parts.principal_limit];
    let names = limiters
        .into_iter()
        .flatten()
        .flat_map(|limiter| limiter.policies());
    names.map(ToOwned::to_owned).collect()
}
