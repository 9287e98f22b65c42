//! What one route requires: access, limits, text fields.
//!
//! A [`Rule`] is part of a [`RouteTable`](crate::RouteTable), which checks it when the table is
//! built.

use std::sync::Arc;

use http::{HeaderValue, header::WWW_AUTHENTICATE};

use super::{
    error::{RouteTableBuildError, TextFieldProblem},
    priority::Priority,
    text_field::{BodyKind, TextField},
};
use crate::{credential::challenge, principal::Principal, rejection::Rejection};

/// Who may use a route.
///
/// ```
/// use palisade_core::{Access, Rule};
///
/// assert_eq!(Rule::public().access(), &Access::Public);
/// let Access::Scopes(scopes) = Rule::scopes(["tts:speak", "tts:admin"]).access().clone() else {
///     unreachable!()
/// };
/// assert_eq!(scopes.len(), 2);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // The access guard must know every kind.
pub enum Access {
    /// Every client with a verified credential.
    Authenticated,
    /// Every client, also without a credential.
    Public,
    /// Every client whose credential has all of these scopes.
    Scopes(Box<[Box<str>]>),
}

/// What one route requires: who may use it, which named limits count it, which fields hold text.
///
/// Default: no named limit, no text field, not exempt from the general limits.
///
/// ```
/// use palisade_core::Rule;
///
/// let speak = Rule::scope("tts:speak").limit("tts").text("text");
/// assert_eq!(speak.limits().len(), 1);
/// ```
///
/// A form handler whose text is checked before the handler runs:
///
/// ```
/// use http::Method;
/// use palisade_core::{BodyKind, RouteTable, Rule};
///
/// let speak = Rule::scopes(["tts:speak", "tts:long"])
///     .limit("tts")
///     .limit("characters")
///     .text("text")
///     .text("title?") // may be absent
///     .body(BodyKind::Form);
/// let table = RouteTable::builder().route("/speak", Method::POST, speak).build()?;
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
///
/// The rule only names limits and fields. The rate limit layer and the sanitizing layer apply them: if
/// that layer is missing, the facade refuses to build.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    access: Access,
    body_kind: Option<BodyKind>,
    /// The parameters of the challenge for a principal without the scopes (RFC 6750, 3).
    challenge_parameters: Box<str>,
    fields: Vec<TextField>,
    /// The position in the table.
    index: usize,
    /// The prepared 403 for a principal without the scopes.
    insufficient: Rejection,
    limits: Vec<Arc<str>>,
    needs_client_certificate: bool,
    priority: Option<Priority>,
    template: Arc<str>,
    text_schemas: Vec<Arc<str>>,
    unlimited: bool,
}

impl Rule {
    /// Opens a route to every client, also without a credential.
    pub fn public() -> Self {
        Self::new(Access::Public)
    }

    /// Opens a route to every client with a verified credential, whatever its scopes.
    pub fn authenticated() -> Self {
        Self::new(Access::Authenticated)
    }

    /// Opens a route to credentials with one scope.
    pub fn scope(scope: impl Into<Box<str>>) -> Self {
        Self::scopes([scope])
    }

    /// Opens a route to credentials with all of several scopes. Without any scope, every verified
    /// credential is enough.
    pub fn scopes<S: Into<Box<str>>>(scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Box<[Box<str>]> = scopes.into_iter().map(Into::into).collect();
        let names: Vec<&str> = scopes.iter().map(AsRef::as_ref).collect();
        let challenge_parameters = challenge::insufficient_scope(&names).into();
        let insufficient = Rejection::insufficient_scope().with_member("required_scopes", names);
        Self {
            challenge_parameters,
            insufficient: insufficient.prerendered(),
            ..Self::new(Access::Scopes(scopes))
        }
    }

    fn new(access: Access) -> Self {
        Self {
            access,
            body_kind: None,
            challenge_parameters: Box::default(),
            fields: Vec::new(),
            index: 0,
            insufficient: Rejection::insufficient_scope(),
            limits: Vec::new(),
            needs_client_certificate: false,
            priority: None,
            template: Arc::from(""),
            unlimited: false,
            text_schemas: Vec::new(),
        }
    }

    /// Sets how important its requests are when there are too many, the same for all clients. Default: none of its own; a
    /// layer that sheds load takes that of the principal, or [`Priority::Normal`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Returns the priority that the rule sets. `None`: it sets none.
    #[must_use]
    pub fn explicit_priority(&self) -> Option<Priority> {
        self.priority
    }

    /// Also counts the route against a named limit, besides the general ones. May be called several
    /// times.
    pub fn limit(mut self, policy: impl Into<Arc<str>>) -> Self {
        self.limits.push(policy.into());
        self
    }

    /// Exempts the route from every rate limit and every limit of concurrent requests. For health
    /// checks and metrics, which must respond while a client's quota is used up.
    ///
    /// Default: not exempt. Penalties for failed credentials still apply: otherwise credentials
    /// could be guessed on this route for free. A rule that is unlimited and names limits is
    /// refused when the table is built.
    ///
    /// ```
    /// use palisade_core::{RouteTable, Rule};
    ///
    /// let table = RouteTable::builder().any("/health", Rule::public().unlimited()).build()?;
    /// assert!(table.rules()[0].is_unlimited());
    /// # Ok::<(), palisade_core::RouteTableBuildError>(())
    /// ```
    pub fn unlimited(mut self) -> Self {
        self.unlimited = true;
        self
    }

    /// Demands that the client identified itself with a certificate (mutual TLS), besides the
    /// credential that the rule requires. Default: not demanded.
    ///
    /// Without one, [`AccessLayer`](crate::AccessLayer) refuses with 403
    /// `client_certificate_required`. The server must ask for certificates: `ClientAuth` of
    /// `palisade-transport`. Behind a proxy that ends TLS, the certificate is that of the proxy.
    ///
    /// Its chain, its validity and its revocation were checked in the handshake. The server closes
    /// the connection when the certificate ends.
    ///
    /// ```
    /// use palisade_core::Rule;
    ///
    /// let transfer = Rule::scope("money:transfer").client_certificate();
    /// assert!(transfer.needs_client_certificate());
    /// ```
    pub fn client_certificate(mut self) -> Self {
        self.needs_client_certificate = true;
        self
    }

    /// Names a field of query, form or JSON that holds text for a model, in the syntax of
    /// [`TextField::parse`]. May be called several times.
    pub fn text(mut self, field: impl AsRef<str>) -> Self {
        self.fields.push(TextField::parse(field.as_ref()));
        self
    }

    /// Names a set of text fields that the sanitizing layer knows, such as `openai_chat`.
    pub fn text_schema(mut self, name: impl Into<Arc<str>>) -> Self {
        self.text_schemas.push(name.into());
        self
    }

    /// Sets which kind of body holds the text fields. Default: that of the sanitizing layer, which
    /// is JSON unless configured otherwise.
    pub fn body(mut self, kind: BodyKind) -> Self {
        self.body_kind = Some(kind);
        self
    }

    /// Returns the kind of body that holds the text fields. `None`: that of the sanitizing layer.
    #[must_use]
    pub fn body_kind(&self) -> Option<BodyKind> {
        self.body_kind
    }

    /// Returns the names of the sets of text fields, in the order in which they were added.
    #[must_use]
    pub fn text_schemas(&self) -> &[Arc<str>] {
        &self.text_schemas
    }

    /// Returns who may use the route. [`AccessLayer`](crate::AccessLayer) enforces it.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Returns the names of the limits that count this route, besides the general ones.
    #[must_use]
    pub fn limits(&self) -> &[Arc<str>] {
        &self.limits
    }

    /// Tells whether the route is exempt from rate limits. See [`unlimited`](Self::unlimited).
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.unlimited
    }

    /// Tells whether the route demands a certificate of the client.
    #[must_use]
    pub fn needs_client_certificate(&self) -> bool {
        self.needs_client_certificate
    }

    /// Returns the fields that hold text, in the order in which they were added.
    #[must_use]
    pub fn fields(&self) -> &[TextField] {
        &self.fields
    }

    /// Returns the path template as it was written, with the prefixes of
    /// [`nest`](crate::RouteTableBuilder::nest). Empty outside a table.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the position of the rule in its table, for layers that prepare something for each
    /// rule.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Sets template and position.
    pub(super) fn with_position(mut self, template: &str, index: usize) -> Self {
        self.template = Arc::from(template);
        self.index = index;
        self
    }

    /// Refuses text fields that cannot be found as they are written.
    pub(super) fn check_text_fields(&self, template: &str) -> Result<(), RouteTableBuildError> {
        let error = |field: &Arc<str>, problem| RouteTableBuildError::TextField {
            template: template.to_owned(),
            field: Arc::clone(field),
            problem,
        };
        for field in &self.fields {
            if let Some(problem) = field.problem() {
                return Err(error(field.name(), problem));
            }
        }
        let pointer = self.fields.iter().find(|field| field.is_pointer());
        let in_json = pointer.map(TextField::name).or(self.text_schemas.first());
        match in_json.filter(|_| self.body_kind.is_some_and(BodyKind::is_never_json)) {
            Some(field) => Err(error(field, TextFieldProblem::JsonInForm)),
            None => Ok(()),
        }
    }

    /// Checks the scopes of a principal. `challenge` is that of its kind of credential.
    pub(crate) fn check_scopes(
        &self,
        who: &Principal,
        challenge: &HeaderValue,
    ) -> Result<(), Box<Rejection>> {
        let Access::Scopes(scopes) = &self.access else {
            return Ok(());
        };
        if scopes.iter().all(|scope| who.has_scope(scope)) {
            return Ok(());
        }
        let challenge = challenge::with_parameters(challenge, &self.challenge_parameters);
        let insufficient = self.insufficient.clone();
        Err(Box::new(
            insufficient.with_header(WWW_AUTHENTICATE, challenge),
        ))
    }
}
