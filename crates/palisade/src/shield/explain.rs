//! Describes a stack in words, and collects its warnings.
//!
//! `build` calls [`Explanation::of`] before the parts move into their layers, and then adds the order
//! of the guards. Nothing here can fail.

use std::{borrow::Cow, fmt};

use http::Method;
use palisade_core::{Access, RouteTable, Rule};

use super::{builder::ShieldBuilder, order::Position};
use crate::{
    diagnostics::{self, Diagnostic},
    rules::Rules,
};

/// The names of the services inside all guards.
const SANITIZE: &str = "sanitize";
const INSPECT: &str = "inspect";

/// Something that works but should be looked at again.
///
/// Each is logged at start, unless [`ShieldBuilder::accept_warning`] has its code. Every code has a number and
/// a section in the book: see [`diagnostics`]. The codes of a shield:
///
/// | code | what it means |
/// |---|---|
/// | `no-audit` | no audit trail is written |
/// | `no-client-limit` | attempts to guess a credential are not limited |
/// | `only-shadow` | what rules and credentials would refuse is recorded, and passes |
/// | `trust-all` | every peer may choose its client address |
/// | `unused-limit` | a limit counts only on routes that name it, and none does |
/// | `handler-without-rule` | the router has a handler without a rule: a 404, or a 405 if the path has other rules |
/// | `rule-without-handler` | a rule is for a route or a method that the router does not have |
///
/// With the feature `config`, `Config::check_server` returns more codes.
///
/// A program that starts only without warnings refuses those it does not know:
///
/// ```
/// use palisade::Shield;
///
/// fn refuse_warnings(shield: &Shield) -> Result<(), String> {
///     let unknown = shield.warnings().iter().find(|warning| warning.code != "no-audit");
///     unknown.map_or(Ok(()), |warning| Err(warning.to_string()))
/// }
/// # let _ = refuse_warnings;
/// ```
///
/// A check in a pipeline prints them with their numbers, by which the book has a section each:
///
/// ```
/// use palisade::shield::Warning;
///
/// fn line(warning: &Warning) -> String {
///     format!("{} {}: {warning}", warning.number().unwrap_or("-"), warning.code)
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Warning {
    /// The code. It does not change between versions.
    pub code: &'static str,
    /// What should be looked at, and what to do, in one sentence.
    pub text: Cow<'static, str>,
}

impl Warning {
    /// Reports a problem of this kind. `text` says where it was found and what to do.
    ///
    /// Programs that check more than the library does use it for the kinds of [`diagnostics::all`].
    #[must_use]
    pub fn new(kind: &Diagnostic, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: kind.name,
            text: text.into(),
        }
    }

    /// Returns the stable number of its kind, such as `PAL0003`.
    #[must_use]
    pub fn number(&self) -> Option<&'static str> {
        diagnostics::find(self.code).map(|kind| kind.number)
    }

    /// Writes it to the log at level `WARN` with the target `palisade`, as the shield does with its
    /// own warnings.
    pub fn log(&self) {
        let number = self.number();
        tracing::warn!(target: "palisade", number, code = self.code, "{}", self.text);
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.number() {
            write!(f, "{number} ")?;
        }
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// What [`Shield::explain`](super::Shield::explain) prints.
#[derive(Clone, Debug)]
pub(super) struct Explanation {
    /// Kinds of credentials that are accepted.
    credentials: Vec<&'static str>,
    /// The hosts that are served, in words.
    hosts: String,
    /// One text for each limit.
    limits: Vec<String>,
    /// The firewall rules in words, if there are any.
    inspection: Option<String>,
    /// The guards from the outside in.
    order: Vec<Position>,
    /// The rules.
    routes: Vec<DescribedRule>,
    /// The rule of paths without a handler.
    fallback: Option<String>,
    /// Handlers without a rule, where the router is known.
    unruled: Vec<String>,
    /// All warnings, accepted ones included.
    warnings: Vec<Warning>,
    /// Codes and numbers of warnings that are not logged.
    accepted: Vec<&'static str>,
}

/// A rule in words.
#[derive(Clone, Debug)]
pub(super) struct DescribedRule {
    /// The template of the route.
    pub(super) template: String,
    /// The method. `None`: every method without a rule of its own.
    pub(super) method: Option<Method>,
    /// Access, limits, text fields, kind of body.
    text: String,
}

impl Explanation {
    /// Describes the parts and the rules. The order is set later, when every guard is made.
    pub(super) fn of(parts: &ShieldBuilder, rules: &Rules, table: &RouteTable) -> Self {
        let limiters = [&parts.client_limit, &parts.principal_limit];
        let hosts = parts
            .hosts
            .as_ref()
            .map(|hosts| hosts.allowed().to_string());
        Self {
            credentials: parts.authenticators.kinds(),
            hosts: hosts.unwrap_or_default(),
            limits: limiters
                .into_iter()
                .flatten()
                .map(|limiter| limiter.explain())
                .collect(),
            inspection: inspection(parts),
            order: Vec::new(),
            routes: described_rules(rules, table),
            fallback: fallback(rules, table),
            unruled: Vec::new(),
            warnings: warnings(parts, table),
            accepted: parts.accepted_warnings.clone(),
        }
    }

    /// Sets the positions that have a guard.
    pub(super) fn set_order(&mut self, order: Vec<Position>) {
        self.order = order;
    }

    /// Returns the names of the guards, then `sanitize` and `inspect`, the services inside them.
    pub(super) fn order(&self) -> Vec<&'static str> {
        let guards = self.order.iter().flat_map(|position| &position.names);
        let inspect = self.inspection.as_ref().map(|_| INSPECT);
        guards.copied().chain([SANITIZE]).chain(inspect).collect()
    }

    pub(super) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Logs those of some warnings that are not accepted.
    pub(super) fn log(&self, warnings: &[Warning]) {
        let is_listed = |code| self.accepted.contains(&code);
        let is_accepted =
            |warning: &&Warning| is_listed(warning.code) || warning.number().is_some_and(is_listed);
        let others = warnings.iter().filter(|warning| !is_accepted(warning));
        others.for_each(Warning::log);
    }

    /// Returns the rules in words, in the order in which they were given.
    #[cfg(feature = "axum")]
    pub(super) fn routes(&self) -> &[DescribedRule] {
        &self.routes
    }

    /// Returns the same with handlers that have no rule, and with more warnings.
    #[cfg(feature = "axum")]
    pub(super) fn with(&self, unruled: Vec<String>, more: Vec<Warning>) -> Self {
        let mut all = self.clone();
        all.unruled = unruled;
        all.warnings.extend(more);
        all
    }
}

/// Describes the firewall rules.
#[cfg(feature = "inspect")]
fn inspection(parts: &ShieldBuilder) -> Option<String> {
    let inspect = parts.inspect.as_ref()?;
    Some(inspect.explain())
}

/// This build has no firewall rules.
#[cfg(not(feature = "inspect"))]
fn inspection(_: &ShieldBuilder) -> Option<String> {
    None
}

/// Describes every rule. `rules` and `table` have them in the same order.
fn described_rules(rules: &Rules, table: &RouteTable) -> Vec<DescribedRule> {
    let described = rules.templates().iter().zip(table.rules());
    let described = described.map(|((template, method), rule)| DescribedRule {
        template: template.clone(),
        method: method.clone(),
        text: description(rule),
    });
    described.collect()
}

/// Describes the rule of the fallback, which comes after all others.
fn fallback(rules: &Rules, table: &RouteTable) -> Option<String> {
    let rule = table.rules().get(rules.templates().len())?;
    Some(format!("paths without a handler: {}", description(rule)))
}

/// Describes a rule in one line: access, limits, text fields, kind of body.
fn description(rule: &Rule) -> String {
    let mut line = match rule.access() {
        Access::Authenticated => "any credential".to_owned(),
        Access::Public => "public".to_owned(),
        Access::Scopes(scopes) => format!("scopes {}", scopes.join(" + ")),
    };
    if rule.needs_client_certificate() {
        line.push_str("; client certificate");
    }
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

impl DescribedRule {
    /// Returns the method, if it is one, and the template.
    #[cfg(feature = "axum")]
    pub(super) fn name(&self) -> String {
        match &self.method {
            None => self.template.clone(),
            Some(method) => format!("{method} {}", self.template),
        }
    }
}

impl fmt::Display for DescribedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.as_ref().map_or("any method", Method::as_str);
        write!(f, "{method} {}: {}", self.template, self.text)
    }
}

/// Finds the warnings about the parts and about limits that no rule names.
fn warnings(parts: &ShieldBuilder, table: &RouteTable) -> Vec<Warning> {
    let trusts_everyone =
        |client: &palisade_transport::ClientInfoLayer| client.proxies().trusts_everyone();
    let warn = |there: bool, kind: &Diagnostic, text: &'static str| {
        there.then(|| Warning::new(kind, text))
    };
    let of_parts = [
        warn(
            parts.audit.is_none(),
            &diagnostics::NO_AUDIT,
            "no audit trail is written: add `.audit(..)`",
        ),
        warn(
            parts.client_limit.is_none(),
            &diagnostics::NO_CLIENT_LIMIT,
            "attempts to guess a credential are not limited: add `.limit_clients(..)`",
        ),
        warn(
            parts.only_shadow,
            &diagnostics::ONLY_SHADOW,
            "rules and credentials refuse nothing: remove `.dangerously_only_shadow()` after the roll-out",
        ),
        warn(
            parts.client.as_ref().is_some_and(trusts_everyone),
            &diagnostics::TRUST_ALL,
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
    let warnings = limits.filter(|limit| !named(limit)).map(|limit| {
        let text = format!(
            "no rule names the limit `{limit}`, so it counts nothing: add `.limit(\"{limit}\")` to a rule, or let it count on all routes"
        );
        Warning::new(&diagnostics::UNUSED_LIMIT, text)
    });
    warnings.collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |position: &Position| position.names.join(", ");
        let order = self.order.iter();
        let order = order.map(|position| format!("{}: {}", names(position), position.reason));
        let inside =
            format!("{SANITIZE}: cleans text fields and limits bodies, just before the handler");
        let innermost = self.inspection.as_ref();
        let innermost = innermost
            .map(|_| format!("{INSPECT}: compares what the handler gets with firewall rules"));
        let routes = self.routes.iter().map(ToString::to_string);
        let routes = routes.chain(self.fallback.clone());
        let credentials = self.credentials.iter().map(|kind| (*kind).to_owned());
        let limits = self.limits.iter().flat_map(|limit| limit.lines());
        section(
            f,
            "From the outside in",
            order.chain([inside]).chain(innermost),
        )?;
        section(f, "Firewall rules", self.inspection.clone())?;
        section(f, "Hosts", [self.hosts.clone()])?;
        section(f, "Credentials", credentials)?;
        section(f, "Routes (all others are a 404)", routes)?;
        section(
            f,
            "Handlers without a rule (404 or 405)",
            self.unruled.iter().cloned(),
        )?;
        section(f, "Limits", limits.map(ToOwned::to_owned))?;
        for warning in &self.warnings {
            writeln!(f, "Warning {warning}")?;
        }
        Ok(())
    }
}

/// Writes a title and its lines, or nothing if there are no lines.
fn section(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    lines: impl IntoIterator<Item = String>,
) -> fmt::Result {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_some() {
        writeln!(f, "{title}:")?;
    }
    lines.try_for_each(|line| writeln!(f, "  {line}"))
}
