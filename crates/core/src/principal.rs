//! Who is asking, once a credential has been proven.

use std::{sync::Arc, time::Duration};

/// A proven identity. Cheap to clone: stores keep one ready and hand out clones.
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Principal(Arc<Inner>);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Inner {
    kind: &'static str,
    id: Box<str>,
    credential: Option<Box<str>>,
    scopes: Box<[Box<str>]>,
    tier: Option<Box<str>>,
    owner: Option<Box<str>>,
    expires: Option<Duration>,
    attributes: Box<[(Box<str>, Box<str>)]>,
}

impl Principal {
    /// Starts to describe someone: `kind` is the authenticator's, `id` is stable and may be logged.
    pub fn builder(kind: &'static str, id: impl Into<Box<str>>) -> PrincipalBuilder {
        PrincipalBuilder(Inner {
            kind,
            id: id.into(),
            ..Inner::default()
        })
    }

    /// Returns the stable, loggable name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the kind of credential that proved it, as its [`Authenticator`](crate::Authenticator) calls itself.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// Returns the public name of the credential (a key's id, a token's `jti`), never the secret.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        self.0.credential.as_deref()
    }

    /// Returns what this principal may do.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.scopes.iter().map(AsRef::as_ref)
    }

    /// Tells whether a scope was granted. Names are compared whole (RFC 6749, 3.3).
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.iter().any(|granted| &**granted == scope)
    }

    /// Returns the tier, by which limits may differ.
    #[must_use]
    pub fn tier(&self) -> Option<&str> {
        self.0.tier.as_deref()
    }

    /// Returns the owner (tenant, account) that several principals may share.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.0.owner.as_deref()
    }

    /// Returns when the credential ends, as time since the Unix epoch.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        self.0.expires
    }

    /// Looks up an attribute that the authenticator was told to pass on.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.0.attributes.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| &**value)
    }
}

/// Collects what is known of a [`Principal`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PrincipalBuilder(Inner);

impl PrincipalBuilder {
    /// Names the credential.
    pub fn credential(mut self, id: impl Into<Box<str>>) -> Self {
        self.0.credential = Some(id.into());
        self
    }

    /// Grants scopes, in place of those granted before.
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.0.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tier.
    pub fn tier(mut self, tier: impl Into<Box<str>>) -> Self {
        self.0.tier = Some(tier.into());
        self
    }

    /// Sets the owner.
    pub fn owner(mut self, owner: impl Into<Box<str>>) -> Self {
        self.0.owner = Some(owner.into());
        self
    }

    /// Sets the end of the credential, as time since the Unix epoch.
    pub fn expires(mut self, at: Duration) -> Self {
        self.0.expires = Some(at);
        self
    }

    /// Adds an attribute for handlers.
    pub fn attribute(mut self, key: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        let mut attributes = self.0.attributes.into_vec();
        attributes.push((key.into(), value.into()));
        self.0.attributes = attributes.into();
        self
    }

    /// Finishes the description.
    #[must_use]
    pub fn build(self) -> Principal {
        Principal(Arc::new(self.0))
    }
}
