//! Path templates and methods, matched as axum matches them, on the same raw path.
//!
//! The matcher is `matchit`, as in axum. Lookup never fails: a path without a template is
//! [`RouteMatch::NotFound`].

use std::{collections::BTreeMap, fmt, sync::Arc};

use http::{HeaderValue, Method, header, request};

use super::Rule;
use crate::Rejection;

/// The most parameters of a template. The matcher names them by letters, and panics when there are
/// none left.
const MOST_PARAMETERS: usize = 25;

/// The result of looking up a request in the table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RouteMatch {
    /// There is a rule for path and method.
    Found(Arc<Rule>),
    /// The path matches a template, the method has no rule. The 405 is prepared, with `Allow`.
    MethodNotAllowed(Rejection),
    /// A CORS preflight to a known template, if the table allows those. No rule applies to it.
    Preflight,
    /// No template matches: refuse with 404.
    NotFound,
}

/// Why a table cannot be built. `Display` names the template, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RouteTableBuildError {
    template: String,
    reason: String,
}

impl fmt::Display for RouteTableBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route `{}`: {}", self.template, self.reason)
    }
}

impl std::error::Error for RouteTableBuildError {}

/// The rules of all routes. Deny by default: a path without a rule is refused.
///
/// A fixed segment goes before a parameter, and a parameter before a wildcard. `HEAD` has the rule
/// of `GET` unless it has one of its own (RFC 9110, 9.3.2).
///
/// ```
/// use http::Method;
/// use palisade_core::{RouteTable, Rule};
///
/// let table = RouteTable::builder()
///     .route("/tts", Method::GET, Rule::scope("tts:speak"))
///     .any("/assets/{*path}", Rule::public())
///     .build()?;
/// assert_eq!(table.rules().len(), 2);
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
#[derive(Debug)]
pub struct RouteTable {
    matcher: matchit::Router<usize>,
    templates: Vec<Template>,
    rules: Vec<Arc<Rule>>,
    allow_preflight: bool,
}

/// The rules of one path template.
#[derive(Debug)]
struct Template {
    /// `None` stands for every method.
    methods: Vec<(Option<Method>, Arc<Rule>)>,
    /// The prepared 405, with `Allow`.
    not_allowed: Rejection,
}

impl RouteTable {
    /// Starts an empty table. Preflights are not allowed by default.
    pub fn builder() -> RouteTableBuilder {
        RouteTableBuilder::default()
    }

    /// Returns all rules, in the order of their [`index`](Rule::index).
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Returns the rule for a path and a method, for checks at start. `path` may also be a template
    /// of a nested router.
    #[must_use]
    pub fn rule_at(&self, path: &str, method: &Method) -> Option<&Arc<Rule>> {
        self.template_at(path)?.rule(method)
    }

    /// Looks up the rule of a request, by its raw path and its method.
    #[must_use]
    pub fn look_up(&self, head: &request::Parts) -> RouteMatch {
        let Some(template) = self.template_at(head.uri.path()) else {
            return RouteMatch::NotFound;
        };
        if self.allow_preflight && is_preflight(head) {
            return RouteMatch::Preflight;
        }
        match template.rule(&head.method) {
            Some(rule) => RouteMatch::Found(Arc::clone(rule)),
            None => RouteMatch::MethodNotAllowed(template.not_allowed.clone()),
        }
    }
}

impl RouteTable {
    /// Returns the template that matches a path.
    fn template_at(&self, path: &str) -> Option<&Template> {
        let found = self.matcher.at(path).ok()?;
        self.templates.get(*found.value)
    }
}

impl Template {
    /// `HEAD` has the rule of `GET` unless it has one of its own (RFC 9110, 9.3.2).
    fn rule(&self, method: &Method) -> Option<&Arc<Rule>> {
        let of = |wanted: Option<&Method>| {
            let mut methods = self.methods.iter();
            methods.find(|(method, _)| method.as_ref() == wanted)
        };
        let found = of(Some(method))
            .or_else(|| {
                if method == Method::HEAD {
                    of(Some(&Method::GET))
                } else {
                    None
                }
            })
            .or_else(|| of(None));
        found.map(|(_, rule)| rule)
    }
}

/// Tells a CORS preflight from an ordinary `OPTIONS` (Fetch standard, "CORS-preflight request").
fn is_preflight(head: &request::Parts) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(header::ORIGIN)
        && head
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Collects rules for a [`RouteTable`]. Mistakes are reported by [`build`](Self::build).
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
    /// A template that does not parse, that conflicts with another, or that has two rules for a method;
    /// a rule that names limits and is unlimited; a text field that is no JSON
    /// pointer, or is one where the body is a form.
    pub fn build(self) -> Result<RouteTable, RouteTableBuildError> {
        let mut by_template: BTreeMap<String, Vec<(Option<Method>, Arc<Rule>)>> = BTreeMap::new();
        let mut rules = Vec::new();
        for (template, method, rule) in self.routes {
            if let Some(why) = rule.text_mistake() {
                return Err(RouteTableBuildError::new(&template, &why));
            }
            let methods = by_template.entry(template.clone()).or_default();
            if methods.iter().any(|(known, _)| *known == method) {
                return Err(RouteTableBuildError::new(
                    &template,
                    "it has two rules for one method",
                ));
            }
            if rule.is_unlimited() && !rule.limits().is_empty() {
                return Err(RouteTableBuildError::new(
                    &template,
                    "its rule names limits and is unlimited; drop one of the two",
                ));
            }
            let rule = Arc::new(rule.at(&template, rules.len()));
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
        let place = self.templates.len();
        judge(template).map_err(|reason| RouteTableBuildError::new(template, reason))?;
        self.matcher
            .insert(template, place)
            .map_err(|error| RouteTableBuildError::new(template, &error.to_string()))?;
        let allow = allow(&methods);
        self.templates.push(Template {
            methods,
            not_allowed: Rejection::method_not_allowed(allow).prerendered(),
        });
        Ok(())
    }
}

impl RouteTableBuildError {
    /// Names the template and what is wrong with it.
    fn new(template: &str, reason: &str) -> Self {
        Self {
            template: template.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Refuses templates that the matcher accepts wrongly. An empty one would match other paths; with
/// too many parameters the matcher panics.
fn judge(template: &str) -> Result<(), &'static str> {
    if !template.starts_with('/') {
        return Err("it does not begin with `/`");
    }
    if template.matches('{').count() > MOST_PARAMETERS {
        return Err("it has too many parameters");
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
