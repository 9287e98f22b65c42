//! Builds a route table from rules, and refuses what would match wrongly.

use std::{collections::BTreeMap, sync::Arc};

use http::{HeaderValue, Method};

use super::{
    error::RouteTableBuildError,
    rule::Rule,
    table::{RouteTable, Template},
};
use crate::rejection::Rejection;

/// The most parameters of a template. The matcher names them by letters, and panics when there are
/// none left.
const MOST_PARAMETERS: usize = 25;

impl RouteTable {
    /// Starts an empty table. Preflights are not allowed by default.
    pub fn builder() -> RouteTableBuilder {
        RouteTableBuilder::default()
    }
}

/// Collects rules for a [`RouteTable`]. Mistakes are reported by [`build`](Self::build).
///
/// ```
/// use http::Method;
/// use palisade_core::{RouteTable, Rule};
///
/// let voices = RouteTable::builder()
///     .route("/", Method::GET, Rule::public())
///     .route("/{id}", Method::PUT, Rule::scope("voices:write"));
/// let table = RouteTable::builder()
///     .any("/health", Rule::public().unlimited())
///     .nest("/voices", voices)
///     .build()?;
/// let templates: Vec<_> = table.rules().iter().map(|rule| rule.template()).collect();
/// assert_eq!(templates, ["/health", "/voices", "/voices/{id}"]);
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RouteTableBuilder {
    routes: Vec<(String, Option<Method>, Rule)>,
    allow_preflight: bool,
}

impl RouteTableBuilder {
    /// Adds a rule for one method of a template, such as `/voices/{id}` or `/assets/{*path}`.
    pub fn route(mut self, template: impl Into<String>, method: Method, rule: Rule) -> Self {
        self.routes.push((template.into(), Some(method), rule));
        self
    }

    /// Adds a rule for every method of a template that has no rule of its own.
    pub fn any(mut self, template: impl Into<String>, rule: Rule) -> Self {
        self.routes.push((template.into(), None, rule));
        self
    }

    /// Adds the rules of another builder. Preflights are allowed if either allows them.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self.allow_preflight |= other.allow_preflight;
        self
    }

    /// Adds the rules of another builder below a prefix, as axum's `Router::nest` does. Its `/`
    /// becomes the prefix itself.
    ///
    /// ```
    /// use http::Method;
    /// use palisade_core::{RouteTable, Rule};
    ///
    /// let api = RouteTable::builder().route("/speak", Method::GET, Rule::authenticated());
    /// let table = RouteTable::builder().nest("/v1", api).build()?;
    /// assert_eq!(table.rules()[0].template(), "/v1/speak");
    /// # Ok::<(), palisade_core::RouteTableBuildError>(())
    /// ```
    pub fn nest(self, prefix: &str, mut other: Self) -> Self {
        let prefix = prefix.trim_end_matches('/');
        for (template, ..) in &mut other.routes {
            // Below no prefix at all, the root stays what it is.
            let is_prefix = template == "/" && !prefix.is_empty();
            let below = if is_prefix { "" } else { template.as_str() };
            *template = format!("{prefix}{below}");
        }
        self.merge(other)
    }

    /// Passes CORS preflights of known templates to the handler; they carry no credential. Default:
    /// they need a rule for `OPTIONS`.
    pub fn allow_preflight(mut self) -> Self {
        self.allow_preflight = true;
        self
    }

    /// Builds the table.
    ///
    /// # Errors
    ///
    /// A template that does not parse, that conflicts with another, or that has two rules for a method;
    /// a rule that names limits and is unlimited; a text field that is no JSON
    /// pointer, or is one where the body is a form.
    ///
    /// ```
    /// use palisade_core::{RouteTable, Rule};
    ///
    /// let twice = RouteTable::builder()
    ///     .any("/voices/{id}", Rule::public())
    ///     .any("/voices/{name}", Rule::authenticated());
    /// assert!(twice.build().is_err());
    /// ```
    pub fn build(self) -> Result<RouteTable, RouteTableBuildError> {
        let mut by_template: BTreeMap<String, Vec<(Option<Method>, Arc<Rule>)>> = BTreeMap::new();
        let mut rules = Vec::new();
        for (template, method, rule) in self.routes {
            rule.check_text_fields(&template)?;
            let methods = by_template.entry(template.clone()).or_default();
            if methods.iter().any(|(known, _)| *known == method) {
                return Err(RouteTableBuildError::TwoRules { template });
            }
            if rule.is_unlimited() && !rule.limits().is_empty() {
                return Err(RouteTableBuildError::LimitedAndUnlimited { template });
            }
            let rule = Arc::new(rule.with_position(&template, rules.len()));
            rules.push(Arc::clone(&rule));
            methods.push((method, rule));
        }
        let mut table = RouteTable {
            matcher: matchit::Router::new(),
            templates: Vec::new(),
            rules,
            allow_preflight: self.allow_preflight,
        };
        for (template, methods) in by_template {
            table.add(&template, methods)?;
        }
        Ok(table)
    }
}

impl RouteTable {
    /// Checks a template and adds it to the matcher.
    fn add(
        &mut self,
        template: &str,
        methods: Vec<(Option<Method>, Arc<Rule>)>,
    ) -> Result<(), RouteTableBuildError> {
        check_template(template)?;
        self.matcher
            .insert(template, self.templates.len())
            .map_err(|error| RouteTableBuildError::by_matcher(template, &error))?;
        let allow = allow(&methods);
        self.templates.push(Template {
            methods,
            not_allowed: Arc::new(Rejection::method_not_allowed(allow).prerendered()),
        });
        Ok(())
    }
}

/// Refuses templates that the matcher accepts wrongly. An empty one would match other paths; with
/// too many parameters the matcher panics.
fn check_template(template: &str) -> Result<(), RouteTableBuildError> {
    if !template.starts_with('/') {
        let template = template.to_owned();
        return Err(RouteTableBuildError::NoLeadingSlash { template });
    }
    if template.matches('{').count() > MOST_PARAMETERS {
        let template = template.to_owned();
        return Err(RouteTableBuildError::TooManyParameters { template });
    }
    Ok(())
}

/// Returns the value of `Allow`: the methods with rules, and `HEAD` where there is `GET`.
fn allow(methods: &[(Option<Method>, Arc<Rule>)]) -> HeaderValue {
    let mut names: Vec<&str> = methods
        .iter()
        .filter_map(|(method, _)| method.as_ref().map(Method::as_str))
        .collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    names.sort_unstable();
    // Methods are tokens, and tokens are valid in a header.
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("GET, HEAD"))
}
