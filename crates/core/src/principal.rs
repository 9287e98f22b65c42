//! The identity of the client, after a credential was verified.
//!
//! Authenticators build a [`Principal`];
//! [`SecurityContext::principal`](crate::SecurityContext::principal) returns it to guards and
//! handlers.

use std::{sync::Arc, time::Duration};

use crate::own_limits::OwnLimits;

/// A verified identity. Cheap to clone (one `Arc`): stores keep one and return clones.
///
/// Two principals are equal if all their fields are. It holds no secret and may be logged. Without
/// further calls it has no scopes, tier, limits of its own, owner, time of issue, expiry or attributes.
///
/// ```
/// use palisade_core::Principal;
///
/// let who = Principal::builder("api_key", "team-voice")
///     .credential("k7Gh2")
///     .scopes(["tts:speak"])
///     .build();
/// assert!(who.has_scope("tts:speak"));
/// assert!(!who.has_scope("tts:admin"));
/// ```
///
/// All fields:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Principal;
///
/// let who = Principal::builder("jwt", "https://login.example|ann")
///     .credential("4f0c1b")
///     .scopes(["tts:speak", "tts:admin"])
///     .tier("gold")
///     .owner("acme")
///     .expires(Duration::from_secs(1_800_000_000))
///     .attribute("department", "sales")
///     .build();
/// assert_eq!(who.tier(), Some("gold"));
/// assert_eq!(who.attribute("department"), Some("sales"));
/// ```
///
/// In an axum handler, take it as an argument; see [`extract`](crate::extract). Elsewhere read it with
/// [`SecurityContext::identity`](crate::SecurityContext::identity), which also tells an anonymous
/// client from a missing authenticator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Principal(Arc<Inner>);

/// The fields of a principal, shared by its clones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Inner {
    kind: &'static str,
    id: Box<str>,
    credential: Option<Box<str>>,
    scopes: Box<[Box<str>]>,
    tier: Option<Box<str>>,
    own_limits: OwnLimits,
    owner: Option<Box<str>>,
    issued: Option<Duration>,
    expires: Option<Duration>,
    attributes: Box<[(Box<str>, Box<str>)]>,
}

impl Principal {
    /// Starts a principal. `kind` is that of its [`Authenticator`](crate::Authenticator); `id` is
    /// stable and may be logged.
    pub fn builder(kind: &'static str, id: impl Into<Box<str>>) -> PrincipalBuilder {
        PrincipalBuilder(Inner {
            kind,
            id: id.into(),
            ..Inner::default()
        })
    }

    /// Returns the stable id, which may be logged.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the kind of credential that proved it: the
    /// [`Authenticator::kind`](crate::Authenticator::kind).
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// Returns the public id of the credential (the id of a key, the `jti` of a token), never the
    /// secret.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        self.0.credential.as_deref()
    }

    /// Returns the granted scopes, in the order in which they were given.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.scopes.iter().map(AsRef::as_ref)
    }

    /// Tells whether a scope was granted. Names are compared in full and with case (RFC 6749, 3.3);
    /// there are no wildcards.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.iter().any(|granted| &**granted == scope)
    }

    /// Returns this principal with only those of its scopes that another one has too.
    ///
    /// ```
    /// use palisade_core::Principal;
    ///
    /// let now = Principal::builder("user", "ann").scopes(["read", "delete"]).build();
    /// let at_sign_in = Principal::builder("user", "ann").scopes(["read", "write"]).build();
    /// let common: Vec<_> = now.with_scopes_of(&at_sign_in).scopes().map(str::to_owned).collect();
    /// assert_eq!(common, ["read"]);
    /// ```
    #[must_use]
    pub fn with_scopes_of(&self, other: &Self) -> Self {
        if self.scopes().all(|scope| other.has_scope(scope)) {
            return self.clone();
        }
        let mut inner = Inner::clone(&self.0);
        let scopes = inner.scopes.into_vec().into_iter();
        inner.scopes = scopes.filter(|scope| other.has_scope(scope)).collect();
        Self(Arc::new(inner))
    }

    /// Returns this principal with the own amounts for limits of another one, if it has none itself.
    ///
    /// For a session whose principal is read again from a store that knows no amounts: what was restricted at the
    /// sign-in stays restricted.
    ///
    /// ```
    /// use palisade_core::{OwnLimits, Principal};
    ///
    /// let five = OwnLimits::checked([("tts", 5)])?;
    /// let at_sign_in = Principal::builder("user", "ann").own_limits(five.clone()).build();
    /// let now = Principal::builder("user", "ann").build();
    /// assert_eq!(now.or_own_limits_of(&at_sign_in).own_limits(), &five);
    /// # Ok::<(), palisade_core::OwnLimitsError>(())
    /// ```
    #[must_use]
    pub fn or_own_limits_of(&self, other: &Self) -> Self {
        if !self.own_limits().is_empty() || other.own_limits().is_empty() {
            return self.clone();
        }
        let mut inner = Inner::clone(&self.0);
        inner.own_limits = other.own_limits().clone();
        Self(Arc::new(inner))
    }

    /// Returns the tier, which selects among rate limits. `None`: the default limit applies.
    #[must_use]
    pub fn tier(&self) -> Option<&str> {
        self.0.tier.as_deref()
    }

    /// Returns the amounts that it brings along for limits, as its authenticator set them. Empty: it has those of its tier.
    #[must_use]
    pub fn own_limits(&self) -> &OwnLimits {
        &self.0.own_limits
    }

    /// Returns the owner (tenant, account), which several principals may share.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.0.owner.as_deref()
    }

    /// Returns when the credential was issued (`iat` of a token), as time since the Unix epoch. `None`: not
    /// known. A revocation of all credentials of before a moment then counts it as older.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_core::Principal;
    ///
    /// let issued = Duration::from_secs(1_800_000_000);
    /// let lin = Principal::builder("jwt", "lin").issued(issued).build();
    /// assert_eq!(lin.issued(), Some(issued));
    /// ```
    #[must_use]
    pub fn issued(&self) -> Option<Duration> {
        self.0.issued
    }

    /// Returns when the credential expires, as time since the Unix epoch. `None`: it does not
    /// expire.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        self.0.expires
    }

    /// Returns an attribute that the authenticator was configured to pass on, the first of that
    /// name.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.0.attributes.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| &**value)
    }

    /// Returns all attributes, for stores that write a principal down.
    ///
    /// ```
    /// use palisade_core::Principal;
    ///
    /// let lin = Principal::builder("user", "lin").attribute("lang", "zh").build();
    /// assert!(lin.attributes().eq([("lang", "zh")]));
    /// ```
    #[must_use]
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let all = self.0.attributes.iter();
        all.map(|(name, value)| (&**name, &**value))
    }
}

/// Builds a [`Principal`]. Start with [`Principal::builder`]; nothing here fails.
///
/// ```
/// use palisade_core::Principal;
///
/// let minimal = Principal::builder("api_key", "team-voice").build();
/// assert_eq!(minimal.scopes().len(), 0);
/// ```
///
/// With all that rate limits, rules and the audit trail can use:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Principal;
///
/// let principal = Principal::builder("api_key", "team-voice")
///     .credential("k7Qm2")
///     .scopes(["tts:speak"])
///     .tier("gold")
///     .owner("acme")
///     .expires(Duration::from_secs(1_800_000_000))
///     .attribute("region", "eu")
///     .build();
/// assert!(principal.has_scope("tts:speak"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PrincipalBuilder(Inner);

impl PrincipalBuilder {
    /// Sets the public id of the credential. Never pass the secret: the audit trail shows this
    /// value. Default: none.
    pub fn credential(mut self, id: impl Into<Box<str>>) -> Self {
        self.0.credential = Some(id.into());
        self
    }

    /// Sets the granted scopes, in place of those set before. Default: none.
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.0.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tier. Default: none.
    pub fn tier(mut self, tier: impl Into<Box<str>>) -> Self {
        self.0.tier = Some(tier.into());
        self
    }

    /// Sets amounts of its own for limits. Default: none.
    pub fn own_limits(mut self, own: OwnLimits) -> Self {
        self.0.own_limits = own;
        self
    }

    /// Sets the owner. Default: none.
    pub fn owner(mut self, owner: impl Into<Box<str>>) -> Self {
        self.0.owner = Some(owner.into());
        self
    }

    /// Sets when the credential was issued, as time since the Unix epoch. Default: not known.
    pub fn issued(mut self, at: Duration) -> Self {
        self.0.issued = Some(at);
        self
    }

    /// Sets the expiry of the credential, as time since the Unix epoch. Default: none.
    pub fn expires(mut self, at: Duration) -> Self {
        self.0.expires = Some(at);
        self
    }

    /// Adds an attribute for handlers. The core does not interpret it. Default: none.
    pub fn attribute(mut self, key: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        let mut attributes = self.0.attributes.into_vec();
        attributes.push((key.into(), value.into()));
        self.0.attributes = attributes.into();
        self
    }

    /// Builds the principal.
    #[must_use]
    pub fn build(self) -> Principal {
        Principal(Arc::new(self.0))
    }
}
