//! What one route demands.

use std::sync::Arc;

use crate::{Principal, Rejection};

/// Who may use a route.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // The access guard must know every kind.
pub enum Access {
    /// Anyone whose credential was proven.
    Authenticated,
    /// Anyone at all.
    Public,
    /// Anyone whose credential holds all of these scopes.
    Scopes(Box<[Box<str>]>),
}

/// A field of query, form or JSON that holds text for a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TextField {
    name: Arc<str>,
    required: bool,
}

impl TextField {
    /// Reads `text`, `title?` or `/input/text`: a name, or a JSON pointer (RFC 6901) that begins with
    /// `/`. It must be there, unless it ends with `?`.
    #[must_use]
    pub fn parse(written: &str) -> Self {
        let optional = written.strip_suffix('?');
        Self {
            name: Arc::from(optional.unwrap_or(written)),
            required: optional.is_none(),
        }
    }

    /// Returns the name or the pointer.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Tells whether a request without it is refused.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }
}

/// What one route demands: who may use it, which named limits count it, which fields hold text.
///
/// ```
/// use palisade_core::Rule;
///
/// let speak = Rule::scope("tts:speak").limit("tts").text("text");
/// assert_eq!(speak.limits().len(), 1);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    access: Access,
    fields: Vec<TextField>,
    index: usize,
    insufficient: Rejection,
    limits: Vec<Arc<str>>,
    template: Arc<str>,
    unlimited: bool,
}

impl Rule {
    /// Opens a route to anyone.
    pub fn public() -> Self {
        Self::new(Access::Public)
    }

    /// Opens a route to everyone with a proven credential.
    pub fn authenticated() -> Self {
        Self::new(Access::Authenticated)
    }

    /// Opens a route to credentials with a scope.
    pub fn scope(scope: impl Into<Box<str>>) -> Self {
        Self::scopes([scope])
    }

    /// Opens a route to credentials with all of several scopes.
    pub fn scopes<S: Into<Box<str>>>(scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Box<[Box<str>]> = scopes.into_iter().map(Into::into).collect();
        let names: Vec<&str> = scopes.iter().map(AsRef::as_ref).collect();
        let insufficient = Rejection::insufficient_scope().with_member("required_scopes", names);
        Self {
            insufficient: insufficient.prerendered(),
            ..Self::new(Access::Scopes(scopes))
        }
    }

    fn new(access: Access) -> Self {
        Self {
            access,
            fields: Vec::new(),
            index: 0,
            insufficient: Rejection::insufficient_scope(),
            limits: Vec::new(),
            template: Arc::from(""),
            unlimited: false,
        }
    }

    /// Also counts the route against a named limit.
    pub fn limit(mut self, policy: impl Into<Arc<str>>) -> Self {
        self.limits.push(policy.into());
        self
    }

    /// Exempts the route from every rate limit and every limit of requests at the same time. For
    /// health checks and metrics, which must answer while a client's quota is used up.
    ///
    /// Default: not exempt. Penalties for failed credentials still hold here: otherwise credentials
    /// could be guessed on this route for free. A rule that is unlimited and names limits is refused
    /// when the table is built.
    ///
    /// ```
    /// use palisade_core::{RouteTable, Rule};
    ///
    /// let table = RouteTable::builder().any("/health", Rule::public().unlimited()).build()?;
    /// assert!(table.rules()[0].is_unlimited());
    /// # Ok::<(), palisade_core::RouteError>(())
    /// ```
    pub fn unlimited(mut self) -> Self {
        self.unlimited = true;
        self
    }

    /// Names a field of query, form or JSON that holds text for a model, as [`TextField::parse`] reads it.
    pub fn text(mut self, field: impl AsRef<str>) -> Self {
        self.fields.push(TextField::parse(field.as_ref()));
        self
    }

    /// Returns who may use the route.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Returns the names of the limits that count this route.
    #[must_use]
    pub fn limits(&self) -> &[Arc<str>] {
        &self.limits
    }

    /// Tells whether no rate limit counts this route.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.unlimited
    }

    /// Returns the fields that hold text.
    #[must_use]
    pub fn fields(&self) -> &[TextField] {
        &self.fields
    }

    /// Returns the route's template, as it was written.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the place of the rule in its table, for what others precompute per rule.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    pub(super) fn at(mut self, template: &str, index: usize) -> Self {
        self.template = Arc::from(template);
        self.index = index;
        self
    }

    /// Judges a proven principal.
    pub(super) fn judge(&self, who: &Principal) -> Result<(), Box<Rejection>> {
        let Access::Scopes(scopes) = &self.access else {
            return Ok(());
        };
        if scopes.iter().all(|scope| who.has_scope(scope)) {
            return Ok(());
        }
        Err(Box::new(self.insufficient.clone()))
    }
}
