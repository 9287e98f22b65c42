//! Describes a stack in words, and collects its warnings.
//!
//! `build` calls [`Explanation::of`] before the parts move into their layers. Nothing here can
//! fail.

use std::{borrow::Cow, fmt};

use palisade_core::{Access, RouteTable, Rule};
use palisade_transport::HostLayer;

use super::{ShieldBuilder, builder::RequestId};

/// Something that works but should be looked at again.
///
/// Each is logged at start, unless [`ShieldBuilder::accept_warning`] has its code. The codes:
///
/// | code | what it means |
/// |---|---|
/// | `no-audit` | no audit trail is written |
/// | `no-client-limit` | attempts to guess a credential are not limited |
/// | `trust-all` | every peer may choose its client address |
/// | `unused-limit` | a limit counts only on routes that name it, and none does |
/// | `handler-without-rule` | the router has a handler without a rule, which is a 404 |
/// | `rule-without-handler` | a rule is for a route that the router does not have |
///
/// With the feature `config`, `Config::check_server` returns more codes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Warning {
    /// The code. It does not change between versions.
    pub code: &'static str,
    /// What should be looked at, and what to do, in one sentence.
    pub text: Cow<'static, str>,
}

impl Warning {
    /// Writes it to the log at level `WARN` with the target `palisade`, as the shield does with its
    /// own warnings.
    pub fn log(&self) {
        tracing::warn!(target: "palisade", code = self.code, "{}", self.text);
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// What [`Shield::explain`](super::Shield::explain) prints, collected before the parts move into
/// the stack.
#[derive(Clone, Debug)]
pub(super) struct Explanation {
    /// One text for each limit.
    limits: Vec<String>,
    /// The guards from the outside in.
    order: Vec<String>,
    /// One line for each rule.
    routes: Vec<String>,
    /// All warnings, accepted ones included.
    warnings: Vec<Warning>,
}

impl Explanation {
    /// Collects the description of the parts.
    pub(super) fn of(parts: &ShieldBuilder, hosts: &HostLayer, table: &RouteTable) -> Self {
        let limiters = [&parts.client_limit, &parts.principal_limit];
        Self {
            limits: limiters
                .into_iter()
                .flatten()
                .map(|limiter| limiter.explain())
                .collect(),
            order: order(parts, hosts),
            routes: table.rules().iter().map(|rule| route(rule)).collect(),
            warnings: warnings(parts, table),
        }
    }

    pub(super) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the same with more warnings.
    #[cfg(feature = "axum")]
    pub(super) fn with(&self, more: Vec<Warning>) -> Self {
        let mut all = self.clone();
        all.warnings.extend(more);
        all
    }
}

/// Returns a line for each guard that is active, in the order of `super::Sequence`.
fn order(parts: &ShieldBuilder, hosts: &HostLayer) -> Vec<String> {
    let kinds = || {
        let kinds: Vec<&str> = parts
            .authenticators
            .0
            .iter()
            .map(|one| one.kind())
            .collect();
        format!("authenticate: {}", kinds.join(" or "))
    };
    let some = |there: bool, text: &str| there.then(|| text.to_owned());
    let lines = [
        some(
            matches!(parts.request_id, RequestId::Sent(_)),
            "request identifier",
        ),
        some(!parts.observers.is_empty(), "observers of the application"),
        some(parts.audit.is_some(), "audit"),
        some(
            parts.render.is_some(),
            "render: refusals in the application's form",
        ),
        Some("headers".to_owned()),
        Some("client address".to_owned()),
        Some("route: look the rule up".to_owned()),
        Some(format!("host: {:?}", hosts.allowed())),
        Some("https".to_owned()),
        some(parts.client_limit.is_some(), "limit by client address"),
        Some("known: 404 and 405 end here".to_owned()),
        (!parts.authenticators.0.is_empty()).then(kinds),
        Some("access: deny by default".to_owned()),
        some(parts.principal_limit.is_some(), "limit by principal"),
        some(!parts.guards.is_empty(), "guards of the application"),
        some(
            parts.audit_before_handler,
            "audit gate: on record before the handler",
        ),
        Some("sanitize: text fields, body cap".to_owned()),
    ];
    lines.into_iter().flatten().collect()
}

/// Describes a rule in one line: template, access, limits, text fields, kind of body.
fn route(rule: &Rule) -> String {
    let access = match rule.access() {
        Access::Authenticated => "any credential".to_owned(),
        Access::Public => "public".to_owned(),
        Access::Scopes(scopes) => format!("scopes {}", scopes.join(" + ")),
    };
    let mut line = format!("{}: {access}", rule.template());
    if rule.is_unlimited() {
        line.push_str("; no limits");
    }
    let limits: Vec<&str> = rule.limits().iter().map(AsRef::as_ref).collect();
    let fields: Vec<&str> = rule.fields().iter().map(|field| &**field.name()).collect();
    let schemas: Vec<&str> = rule.text_schemas().iter().map(AsRef::as_ref).collect();
    for (what, names) in [("limits", limits), ("text", fields), ("text of", schemas)] {
        if !names.is_empty() {
            line = format!("{line}; {what} {}", names.join(", "));
        }
    }
    if let Some(kind) = rule.body_kind() {
        line = format!("{line}; body {kind:?}");
    }
    line
}

/// Finds the warnings about the parts and about limits that no rule names.
fn warnings(parts: &ShieldBuilder, table: &RouteTable) -> Vec<Warning> {
    let trusts_everyone =
        |client: &palisade_transport::ClientInfoLayer| client.proxies().trusts_everyone();
    let warn = |there: bool, code, text| {
        let text = Cow::Borrowed(text);
        there.then_some(Warning { code, text })
    };
    let of_parts = [
        warn(
            parts.audit.is_none(),
            "no-audit",
            "nobody can say afterwards who did what: add `.audit(..)`",
        ),
        warn(
            parts.client_limit.is_none(),
            "no-client-limit",
            "guesses at credentials cost nothing: add `.limit_clients(..)`",
        ),
        warn(
            parts.client.as_ref().is_some_and(trusts_everyone),
            "trust-all",
            "every peer may choose its client address: name the networks of your proxies",
        ),
    ];
    let unused = unused_limits(parts, table);
    of_parts.into_iter().flatten().chain(unused).collect()
}

/// Finds limits that count only where a rule names them, and that no rule names.
fn unused_limits(parts: &ShieldBuilder, table: &RouteTable) -> Vec<Warning> {
    let named = |limit: &str| {
        let mut rules = table.rules().iter();
        rules.any(|rule| rule.limits().iter().any(|name| **name == *limit))
    };
    let limiters = [&parts.client_limit, &parts.principal_limit];
    let limits = limiters.into_iter().flatten();
    let limits = limits.flat_map(|limiter| limiter.policies_on_named_routes());
    let warnings = limits.filter(|limit| !named(limit)).map(|limit| Warning {
        code: "unused-limit",
        text: format!(
            "no rule names the limit `{limit}`, so it counts nothing: add `.limit(\"{limit}\")` to a rule, or let it count on all routes"
        )
        .into(),
    });
    warnings.collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = [
            ("From the outside in", &self.order),
            ("Routes (everything else does not exist)", &self.routes),
            ("Limits", &self.limits),
        ];
        for (title, lines) in sections {
            if lines.is_empty() {
                continue;
            }
            writeln!(f, "{title}:")?;
            for line in lines.iter().flat_map(|line| line.lines()) {
                writeln!(f, "  {line}")?;
            }
        }
        for warning in &self.warnings {
            writeln!(f, "Warning {warning}")?;
        }
        Ok(())
    }
}
