//! Checks the parts of a stack against each other and against the rules, before the first request.
//!
//! `build` calls [`check`]. Each private function finds one [`ShieldBuildError`].

use palisade_audit::AuditLayer;
use palisade_core::{Access, Guard as _, RouteTable, Rule};
use palisade_rate_limit::RateLimitLayer;

use super::{ShieldBuildError, ShieldBuilder};

/// Checks the parts against each other and against the rules.
///
/// # Errors
///
/// The first contradiction, with the remedy.
pub(super) fn check(parts: &ShieldBuilder, table: &RouteTable) -> Result<(), ShieldBuildError> {
    let guarantees_records = parts.audit.as_ref().is_some_and(AuditLayer::is_fail_closed);
    if parts.audit_before_handler && !guarantees_records {
        return Err(ShieldBuildError::GateWithoutPromise);
    }
    let limits = known_limits(parts);
    let twice = |(place, name): &(usize, &String)| {
        limits.iter().skip(place + 1).any(|other| other == *name)
    };
    if let Some((_, limit)) = limits.iter().enumerate().find(twice) {
        let limit = limit.clone();
        return Err(ShieldBuildError::SharedLimitName { limit });
    }
    limiters_in_place(parts)?;
    for rule in table.rules() {
        authenticated(parts, rule)?;
        limited(&limits, rule)?;
        text_schemas(parts, rule)?;
    }
    cors(parts)?;
    match parts.hosts {
        Some(_) => Ok(()),
        None => Err(ShieldBuildError::NoHosts),
    }
}

/// Checks that the CORS layer can be used.
///
/// # Errors
///
/// It allows all origins together with credentials.
#[cfg(feature = "cors")]
fn cors(parts: &ShieldBuilder) -> Result<(), ShieldBuildError> {
    match &parts.cors {
        Some(cors) if !super::cors::is_usable(cors) => Err(ShieldBuildError::CorsWildcard),
        _ => Ok(()),
    }
}

/// Accepts: without the feature there is no CORS layer.
#[cfg(not(feature = "cors"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature with and without the feature"
)]
fn cors(_: &ShieldBuilder) -> Result<(), ShieldBuildError> {
    Ok(())
}

/// Checks that each limit has the right position.
///
/// A limit by principal before authentication would refuse every request. One by address after it
/// would not slow down guessing.
///
/// # Errors
///
/// A layer of limits is at the position of the other kind.
fn limiters_in_place(parts: &ShieldBuilder) -> Result<(), ShieldBuildError> {
    let is = |limit: &Option<RateLimitLayer>, kind: &str| {
        limit.as_ref().is_some_and(|limit| limit.name() == kind)
    };
    let (clients, principals) = ("limit_clients", "limit_principals");
    if is(&parts.client_limit, "limit_principal") {
        return Err(ShieldBuildError::MisplacedLimit {
            given_to: clients,
            belongs_to: principals,
        });
    }
    if is(&parts.principal_limit, "limit_client") {
        return Err(ShieldBuildError::MisplacedLimit {
            given_to: principals,
            belongs_to: clients,
        });
    }
    if parts.principal_limit.is_some() && parts.authenticators.0.is_empty() {
        return Err(ShieldBuildError::PrincipalLimitWithoutAuthenticator);
    }
    Ok(())
}

/// Checks that there is an authenticator if the rule requires a credential.
///
/// # Errors
///
/// There is none.
fn authenticated(parts: &ShieldBuilder, rule: &Rule) -> Result<(), ShieldBuildError> {
    if parts.authenticators.0.is_empty() && *rule.access() != Access::Public {
        let route = rule.template().to_owned();
        return Err(ShieldBuildError::NoAuthenticator { route });
    }
    Ok(())
}

/// Checks that each limit that the rule names exists.
///
/// # Errors
///
/// The first limit that does not exist.
fn limited(known: &[String], rule: &Rule) -> Result<(), ShieldBuildError> {
    let mut named = rule.limits().iter();
    let Some(unknown) = named.find(|name| !known.iter().any(|one| **one == ***name)) else {
        return Ok(());
    };
    Err(ShieldBuildError::UnknownLimit {
        route: rule.template().to_owned(),
        limit: unknown.to_string(),
        known: known.to_vec(),
    })
}

/// Checks that each text schema that the rule names exists.
///
/// # Errors
///
/// The first schema that does not exist.
fn text_schemas(parts: &ShieldBuilder, rule: &Rule) -> Result<(), ShieldBuildError> {
    if rule.text_schemas().is_empty() {
        return Ok(());
    }
    let layer = parts.sanitize.clone().unwrap_or_default();
    let mut named = rule.text_schemas().iter();
    match named.find(|name| layer.schemas().all(|known| known != &***name)) {
        None => Ok(()),
        Some(unknown) => Err(ShieldBuildError::UnknownTextSchema {
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
