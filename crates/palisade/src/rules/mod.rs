//! Rules of routes, without their handlers.
//!
//! For services whose handlers are elsewhere: an axum router that was built before, a tonic server,
//! a program behind a proxy. [`Routes`](crate::Routes) keeps handlers and rules together.

mod error;

use http::Method;
use palisade_core::{RouteTable, RouteTableBuilder, Rule};

pub use self::error::RulesError;

/// The template of the fallback: every path but `/`.
const FALLBACK: &str = "/{*fallback}";

/// The rules of routes that are defined elsewhere.
///
/// Pass them to [`ShieldBuilder::rules`](crate::shield::ShieldBuilder::rules). A path without a
/// rule gets status 404, as if there were no handler; a method without a rule gets status 405.
///
/// Templates have the form of axum 0.8: `/notes/{id}`, and `/assets/{*path}` for all paths below,
/// at least one segment. The most specific template decides. Mistakes are found when the shield is
/// built, as a [`RulesError`] that names the route.
///
/// # Examples
///
/// ```
/// use palisade::{Rule, Rules};
///
/// let rules = Rules::new()
///     .get("/health", Rule::public())
///     .post("/notes", Rule::scope("notes:write"))
///     .any("/admin/{*path}", Rule::scope("admin"));
/// # let _: Rules = rules;
/// ```
///
/// Groups, each under its prefix:
///
/// ```
/// use palisade::{Rule, Rules};
///
/// let notes = Rules::new()
///     .get("/", Rule::scope("notes:read"))
///     .get("/{id}", Rule::scope("notes:read"));
/// let rules = Rules::new().nest("/notes", notes);
/// # let _: Rules = rules;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Rules {
    table: RouteTableBuilder,
    /// Template and method (`None`: every method) of each rule, with all prefixes.
    templates: Vec<(String, Option<Method>)>,
    /// The rule for paths without a handler.
    fallback: Option<Rule>,
    /// The first template or prefix that cannot be used.
    mistake: Option<RulesError>,
}

impl Rules {
    /// Starts without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the rule for `GET`. It decides `HEAD` too, unless [`head`](Self::head) adds a rule.
    pub fn get(self, template: &str, rule: Rule) -> Self {
        self.on(Method::GET, template, rule)
    }

    /// Adds a separate rule for `HEAD`.
    pub fn head(self, template: &str, rule: Rule) -> Self {
        self.on(Method::HEAD, template, rule)
    }

    /// Adds the rule for `POST`.
    pub fn post(self, template: &str, rule: Rule) -> Self {
        self.on(Method::POST, template, rule)
    }

    /// Adds the rule for `PUT`.
    pub fn put(self, template: &str, rule: Rule) -> Self {
        self.on(Method::PUT, template, rule)
    }

    /// Adds the rule for `PATCH`.
    pub fn patch(self, template: &str, rule: Rule) -> Self {
        self.on(Method::PATCH, template, rule)
    }

    /// Adds the rule for `DELETE`.
    pub fn delete(self, template: &str, rule: Rule) -> Self {
        self.on(Method::DELETE, template, rule)
    }

    /// Adds the rule for a method by name, such as `OPTIONS` or one of WebDAV.
    pub fn on(mut self, method: Method, template: &str, rule: Rule) -> Self {
        self.table = self.table.route(template, method.clone(), rule);
        self.add(template, Some(method))
    }

    /// Adds the rule for every method that has no rule of its own.
    pub fn any(mut self, template: &str, rule: Rule) -> Self {
        self.table = self.table.any(template, rule);
        self.add(template, None)
    }

    /// Adds the rule for a prefix and for every path below it, with every method that has no rule of
    /// its own. For a nested router or service that one rule is enough for.
    ///
    /// It is [`any`](Self::any) for `/notes` and for `/notes/{*path}`. A rule for a fixed path
    /// below it, such as `/notes/new`, decides before it, and about every method of that path: one
    /// for which it has no rule is a 405. A parameter at that place (`/notes/{id}`) is a conflict:
    /// write a rule for each route instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{Rule, Rules};
    ///
    /// let rules = Rules::new()
    ///     .below("/admin", Rule::scope("admin"))
    ///     .get("/admin/status", Rule::public())
    ///     .any("/admin/status", Rule::scope("admin")); // otherwise other methods are a 405
    /// # let _: Rules = rules;
    /// ```
    pub fn below(self, prefix: &str, rule: Rule) -> Self {
        let prefix = prefix.trim_end_matches('/');
        let root = if prefix.is_empty() { "/" } else { prefix };
        self.any(root, rule.clone())
            .any(&format!("{prefix}/{{*path}}"), rule)
    }

    /// Sets the rule for paths without a handler, which the fallback of the router serves. Default:
    /// they get status 404 from the shield.
    ///
    /// It opens no handler: a handler without a rule gets status 404, whatever this rule says. axum
    /// does not tell a service of `nest_service` from the fallback, so give each one a rule, for
    /// example with [`below`](Self::below). A later call replaces an earlier one.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{Rule, Rules};
    ///
    /// let rules = Rules::new()
    ///     .get("/notes", Rule::scope("notes:read"))
    ///     .fallback(Rule::public());
    /// # let _: Rules = rules;
    /// ```
    pub fn fallback(mut self, rule: Rule) -> Self {
        self.fallback = Some(rule);
        self
    }

    /// Adds all rules of another value. Two rules for one template and method are an error when the
    /// shield is built. The fallback of the other value replaces this one.
    pub fn merge(mut self, other: Self) -> Self {
        self.table = self.table.merge(other.table);
        self.templates.extend(other.templates);
        self.mistake = self.mistake.or(other.mistake);
        self.fallback = other.fallback.or(self.fallback);
        self
    }

    /// Adds all rules of another value below a prefix.
    ///
    /// The template `/` of the other value becomes the prefix itself, as in axum's `Router::nest`.
    /// An empty prefix and `/` add them as [`merge`](Self::merge) does. A prefix with a wildcard is
    /// an error when the shield is built. A fallback of the other value is ignored: use
    /// [`below`](Self::below).
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        let prefix = prefix.trim_end_matches('/');
        if prefix.is_empty() {
            return self.merge(other);
        }
        let inner = other.mistake.map(|mistake| mistake.below(prefix));
        self.mistake = self.mistake.or(prefix_mistake(prefix)).or(inner);
        let templates = other.templates.into_iter().map(|(template, method)| {
            let below = if template == "/" { "" } else { &template };
            (format!("{prefix}{below}"), method)
        });
        self.templates.extend(templates);
        self.table = self.table.nest(prefix, other.table);
        self
    }

    /// Passes CORS preflights of known routes to the handlers, where a CORS layer responds to them.
    ///
    /// Not needed with `ShieldBuilder::cors`, which responds to them inside the shield.
    pub fn allow_preflight(mut self) -> Self {
        self.table = self.table.allow_preflight();
        self
    }

    /// Returns the rules as a table, which is looked up for each request.
    ///
    /// # Errors
    ///
    /// A template cannot be parsed or conflicts with another, or has two rules for one method.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Method;
    /// use palisade::{Rule, Rules};
    ///
    /// let table = Rules::new().get("/notes/{id}", Rule::scope("notes:read")).table()?;
    /// assert!(table.rule_at("/notes/{id}", &Method::GET).is_some());
    /// assert!(table.rule_at("/notes/{id}", &Method::POST).is_none());
    /// # Ok::<(), palisade::shield::RulesError>(())
    /// ```
    pub fn table(&self) -> Result<RouteTable, RulesError> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone());
        }
        self.find_clash(|one, other| one == other)?;
        Ok(self.with_fallback().build()?)
    }

    /// Adds the rule of the fallback after all others, so that the index tells it from them.
    fn with_fallback(&self) -> RouteTableBuilder {
        let table = self.table.clone();
        let Some(rule) = &self.fallback else {
            return table;
        };
        let is_root =
            |(template, method): &(String, Option<Method>)| template == "/" && method.is_none();
        let table = match self.templates.iter().any(is_root) {
            true => table,
            false => table.any("/", rule.clone()),
        };
        table.any(FALLBACK, rule.clone())
    }

    /// Returns template and method (`None`: every method) of each rule, in the order of the calls.
    /// The rule of the fallback is not among them.
    pub(crate) fn templates(&self) -> &[(String, Option<Method>)] {
        &self.templates
    }

    ///
    ///
    /// # Errors
    ///
    /// The first template with such rules.
    pub(crate) fn find_clash(
        &self,
        clash: impl Fn(&Option<Method>, &Option<Method>) -> bool,
    ) -> Result<(), RulesError> {
        for (index, (template, method)) in self.templates.iter().enumerate() {
            let mut earlier = self.templates.iter().take(index);
            if earlier.any(|(known, other)| known == template && clash(other, method)) {
                let route = template.clone();
                return Err(RulesError::TwoRules { route });
            }
        }
        Ok(())
    }

    /// Opens the path of a public document, for GET and OPTIONS.
    ///
    /// # Errors
    ///
    /// The path would be the template of other paths too, or has a rule, of whatever method.
    pub(crate) fn document(self, path: &str) -> Result<Self, RulesError> {
        let route = path.to_owned();
        if path.contains(['{', '}']) {
            let problem = "the path of a public document has no braces: it is one path";
            return Err(RulesError::Template { route, problem });
        }
        if self.templates.iter().any(|(template, _)| template == path) {
            return Err(RulesError::TwoRules { route });
        }
        let open = |rules: Self, method| rules.on(method, path, Rule::public());
        Ok(open(open(self, Method::GET), Method::OPTIONS))
    }

    /// Notes a template, and the first mistake.
    fn add(mut self, template: &str, method: Option<Method>) -> Self {
        self.mistake = self.mistake.or_else(|| template_mistake(template));
        self.templates.push((template.to_owned(), method));
        self
    }
}

/// Refuses templates in the form of axum 0.7: `:id`, `*path`.
fn template_mistake(template: &str) -> Option<RulesError> {
    let old = |segment: &str| segment.starts_with(':') || segment.starts_with('*');
    let problem = if !template.starts_with('/') {
        "it does not begin with `/`"
    } else if template.split('/').any(old) {
        "write parameters as `{id}` and wildcards as `{*path}`"
    } else {
        return None;
    };
    let route = template.to_owned();
    Some(RulesError::Template { route, problem })
}

/// Refuses prefixes with a wildcard, below which nothing can be.
fn prefix_mistake(prefix: &str) -> Option<RulesError> {
    let wildcard = prefix.contains("{*").then(|| RulesError::Template {
        route: prefix.to_owned(),
        problem: "a prefix cannot hold a wildcard",
    });
    wildcard.or_else(|| template_mistake(prefix))
}
