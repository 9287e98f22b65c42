//! Says what a stack does, in words, before it does it.

use std::fmt;

use palisade_core::{Access, RouteTable, Rule};
use palisade_transport::HostLayer;

use super::ShieldBuilder;

/// Something that works but deserves a second look.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Warning {
    /// A stable code.
    pub code: &'static str,
    /// What it is, and what to do.
    pub text: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// The words, collected while the parts are still parts.
#[derive(Debug)]
pub(super) struct Explanation {
    limits: Vec<String>,
    order: Vec<String>,
    routes: Vec<String>,
    warnings: Vec<Warning>,
}

impl Explanation {
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
            warnings: warnings(parts),
        }
    }

    pub(super) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

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

fn route(rule: &Rule) -> String {
    let access = match rule.access() {
        Access::Authenticated => "any credential".to_owned(),
        Access::Public => "public".to_owned(),
        Access::Scopes(scopes) => format!("scopes {}", scopes.join(" + ")),
    };
    let mut line = format!("{}: {access}", rule.template());
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

fn warnings(parts: &ShieldBuilder) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |there: bool, code, text| {
        if there {
            warnings.push(Warning { code, text });
        }
    };
    warn(
        parts.audit.is_none(),
        "no-audit",
        "nobody can say afterwards who did what: add `.audit(..)`",
    );
    warn(
        parts.client_limit.is_none(),
        "no-client-limit",
        "guesses at credentials cost nothing: add `.limit_clients(..)`",
    );
    let trusts_everyone =
        |client: &palisade_transport::ClientInfoLayer| client.proxies().trusts_everyone();
    warn(
        parts.client.as_ref().is_some_and(trusts_everyone),
        "trust-all",
        "every peer may choose its client address: name the networks of your proxies",
    );
    warnings
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
