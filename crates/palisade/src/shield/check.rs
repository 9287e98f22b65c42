//! What can be known to be wrong before the first request.

use std::fmt;

use palisade_audit::AuditLayer;
use palisade_core::{Access, RouteTable, Rule};
use palisade_transport::HostLayer;

use super::ShieldBuilder;

/// Why a stack cannot be built, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShieldError {
    /// No allowed hosts were named.
    NoHosts,
    /// A rule asks for a credential, and there is no way to show one.
    NoAuthenticator {
        /// The template of the route.
        route: String,
    },
    /// Two limiters have a limit of one name: in a store that they share it would be one bucket.
    SharedLimitName {
        /// The name.
        limit: String,
    },
    /// A rule names a limit that no limiter has.
    UnknownLimit {
        /// The template of the route.
        route: String,
        /// The name that the rule uses.
        limit: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A rule names a set of text fields that the sanitizing layer does not know.
    UnknownTextSchema {
        /// The template of the route.
        route: String,
        /// The name that the rule uses.
        schema: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A record before the handler was asked for, and the audit cannot promise one.
    GateWithoutPromise,
    /// Two ways to prove an identity read the same credential.
    Authenticators(palisade_core::AuthenticateBuildError),
    /// The table of routes is not sound.
    Routes(palisade_core::RouteError),
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
            Self::Routes(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ShieldError {}

impl From<palisade_core::AuthenticateBuildError> for ShieldError {
    fn from(error: palisade_core::AuthenticateBuildError) -> Self {
        Self::Authenticators(error)
    }
}

impl From<palisade_core::RouteError> for ShieldError {
    fn from(error: palisade_core::RouteError) -> Self {
        Self::Routes(error)
    }
}

/// Checks the parts against the rules, and returns the one part that has no default.
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
    for rule in table.rules() {
        authenticated(parts, rule)?;
        limited(&limits, rule)?;
        text_schemas(parts, rule)?;
    }
    parts.hosts.clone().ok_or(ShieldError::NoHosts)
}

fn authenticated(parts: &ShieldBuilder, rule: &Rule) -> Result<(), ShieldError> {
    if parts.authenticators.0.is_empty() && *rule.access() != Access::Public {
        let route = rule.template().to_owned();
        return Err(ShieldError::NoAuthenticator { route });
    }
    Ok(())
}

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

fn known_limits(parts: &ShieldBuilder) -> Vec<String> {
    let limiters = [&parts.client_limit, &parts.principal_limit];
    let names = limiters
        .into_iter()
        .flatten()
        .flat_map(|limiter| limiter.policies());
    names.map(ToOwned::to_owned).collect()
}
