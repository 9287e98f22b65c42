//! `[[routes]]`: the rules, for services whose routes are not defined in Rust.
//!
//! They go into the shield builder of `Assembled`. A request without a rule gets status 404.

use http::Method;
use palisade_core::{BodyKind, Rule};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    document::{Access, Route, RouteLimits},
};
use crate::rules::Rules;

impl Config {
    /// Makes the rules. Returns `None` if the file has no `[[routes]]`.
    ///
    /// Fails if a template cannot be parsed or conflicts with another. The error names the line of
    /// the last route that the problem quotes.
    pub(in crate::config) fn rules(&self) -> Result<Option<Rules>, ConfigFileError> {
        let routes = &self.document.routes;
        let Some(first) = routes.first() else {
            return Ok(None);
        };
        let mut rules = Rules::new();
        for route in routes {
            let (path, rule) = (route.path.get_ref().as_str(), self.rule(route)?);
            if route.methods.is_empty() {
                rules = rules.any(path, rule.clone());
            }
            for method in &route.methods {
                rules = rules.on(self.method(method)?, path, rule.clone());
            }
        }
        rules.table().map_err(|problem| {
            let text = problem.to_string();
            let mut matching = routes
                .iter()
                .filter(|route| text.contains(&format!("`{}`", route.path.get_ref())));
            let path = matching
                .next_back()
                .map_or(&first.path, |route| &route.path);
            let remedy = "write each path once, such as \"/voices/{id}\" or \"/assets/{*path}\"";
            self.source.at(path, text, remedy)
        })?;
        Ok(Some(rules))
    }

    /// Makes the rule of one route. An empty list of scopes is refused, since it would allow every
    /// credential.
    fn rule(&self, route: &Route) -> Result<Rule, ConfigFileError> {
        let rule = match route.access.get_ref() {
            Access::Scopes(scopes) if !scopes.is_empty() => {
                Rule::scopes(scopes.iter().map(String::as_str))
            }
            Access::Word(word) if word == "public" => Rule::public(),
            Access::Word(word) if word == "authenticated" => Rule::authenticated(),
            Access::Scopes(_) | Access::Word(_) => {
                let remedy = "write \"public\", \"authenticated\" or a list of scopes such as [\"tts:speak\"]";
                return Err(self
                    .source
                    .at(&route.access, "unknown kind of access", remedy));
            }
        };
        let rule = match route.client_certificate {
            true => rule.client_certificate(),
            false => rule,
        };
        let rule = match route.limits.as_ref() {
            None => rule,
            Some(limits) => self.limited(rule, limits)?,
        };
        let rule = match route.priority {
            None => rule,
            Some(priority) => rule.priority(priority.into()),
        };
        let rule = route
            .text
            .iter()
            .fold(rule, |rule, field| rule.text(field.as_str()));
        let rule = route
            .text_schemas
            .iter()
            .fold(rule, |rule, name| rule.text_schema(name.as_str()));
        Ok(match &route.body {
            None => rule,
            Some(kind) => rule.body(self.body_kind(kind)?),
        })
    }

    /// Parses the kind of body.
    fn body_kind(&self, kind: &Spanned<String>) -> Result<BodyKind, ConfigFileError> {
        match kind.get_ref().as_str() {
            "form" => Ok(BodyKind::Form),
            "json" => Ok(BodyKind::Json),
            "json-or-form" => Ok(BodyKind::JsonOrForm),
            "multipart" => Ok(BodyKind::Multipart),
            _ => {
                let remedy = "write \"json\", \"form\", \"json-or-form\" or \"multipart\"";
                Err(self.source.at(kind, "unknown kind of body", remedy))
            }
        }
    }

    /// Adds the named limits, or exempts the route from all limits with `none`. Whether a limit of
    /// that name exists is checked by [`ShieldBuilder::build`](crate::shield::ShieldBuilder::build).
    fn limited(&self, rule: Rule, limits: &Spanned<RouteLimits>) -> Result<Rule, ConfigFileError> {
        match limits.get_ref() {
            RouteLimits::Names(names) => {
                let names = names.iter().map(String::as_str);
                Ok(names.fold(rule, Rule::limit))
            }
            RouteLimits::Word(word) if word == "none" => Ok(rule.unlimited()),
            RouteLimits::Word(word) => {
                let problem = format!("`{word}` is not a list of limits");
                let remedy =
                    "write names such as [\"tts\"], or \"none\" for a route that no limit counts";
                Err(self.source.at(limits, problem, remedy))
            }
        }
    }

    /// Parses a method. Lower case is accepted.
    pub(in crate::config) fn method(
        &self,
        method: &Spanned<String>,
    ) -> Result<Method, ConfigFileError> {
        let upper = method.get_ref().to_ascii_uppercase();
        Method::from_bytes(upper.as_bytes())
            .map_err(|problem| self.source.at(method, problem, "write for example \"GET\""))
    }
}
