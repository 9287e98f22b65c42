//! Which certificate is which principal.

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::{
    AuthenticateLayer, AuthenticatorId, ClientCertificate, Principal, Rejection, SharedClock,
    SystemClock,
};

use super::{
    CHALLENGE, ClientCertificateBuildError, ClientCertificateLayer, Function, KIND, Shared,
    names::{CertificateName, NameTable},
};

/// What the holder of a certificate is and may do.
///
/// ```
/// use palisade_transport::CertificateGrant;
///
/// let grant = CertificateGrant::new("billing").scopes(["invoices:read"]).owner("acme").tier("gold");
/// # let _ = grant;
/// ```
///
/// What is not set is not granted: here no scope, no tenant and the default tier.
///
/// ```
/// use palisade_transport::{CertificateGrant, ClientCertificateLayer};
///
/// let layer = ClientCertificateLayer::builder()
///     .dns_name("probe.internal", CertificateGrant::new("probe"))
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_transport::ClientCertificateBuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct CertificateGrant {
    id: Box<str>,
    scopes: Vec<Box<str>>,
    owner: Option<Box<str>>,
    tier: Option<Box<str>>,
}

impl CertificateGrant {
    /// Takes the id of the principal.
    ///
    /// Several certificates may have one id, such as an old and a new one. Default: no scopes, no
    /// owner, no tier.
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self {
            id: id.into(),
            scopes: Vec::new(),
            owner: None,
            tier: None,
        }
    }

    /// Sets the scopes. Default: none.
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the owner (tenant, account). Default: none.
    pub fn owner(mut self, owner: impl Into<Box<str>>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the tier, by which rate limits may differ. Default: none.
    pub fn tier(mut self, tier: impl Into<Box<str>>) -> Self {
        self.tier = Some(tier.into());
        self
    }

    /// Returns whether it names a principal. A function could return an empty id.
    pub(super) fn has_id(&self) -> bool {
        !self.id.is_empty()
    }

    /// Makes the principal. `credential` is the public id of the certificate.
    pub(super) fn principal(self, credential: &str, expires: Duration) -> Principal {
        let mut who = Principal::builder(KIND, self.id)
            .credential(credential)
            .scopes(self.scopes)
            .expires(expires);
        if let Some(owner) = self.owner {
            who = who.owner(owner);
        }
        if let Some(tier) = self.tier {
            who = who.tier(tier);
        }
        who.build()
    }
}

/// Configures a [`ClientCertificateLayer`]. Made by [`ClientCertificateLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`uri`](Self::uri), [`dns_name`](Self::dns_name), [`email`](Self::email), [`subject`](Self::subject), [`sha256`](Self::sha256) | none |
/// | [`function`](Self::function) | none; an entry or a function is required |
/// | [`optional`](Self::optional) | a request without a certificate is refused |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
/// | [`clock`](Self::clock) | the system clock |
///
/// Names are compared whole. A certificate with names of two entries is refused, unless both grant
/// the same.
///
/// # Examples
///
/// A table for two services, beside keys for other clients:
///
/// ```
/// use palisade_transport::{CertificateGrant, ClientCertificateLayer};
///
/// let layer = ClientCertificateLayer::builder()
///     .uri("spiffe://example.org/billing", CertificateGrant::new("billing").scopes(["invoices:read"]))
///     .dns_name("probe.internal", CertificateGrant::new("probe"))
///     .optional()
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_transport::ClientCertificateBuildError>(())
/// ```
///
/// A function, where names follow a rule. Without an entry and a function nothing could be accepted, so that is not built:
///
/// ```
/// use palisade_transport::{CertificateGrant, ClientCertificateLayer};
///
/// let layer = ClientCertificateLayer::builder()
///     .function(|certificate| {
///         let mut names = certificate.uris().filter_map(|uri| uri.strip_prefix("spiffe://example.org/team/"));
///         names.next().map(|team| CertificateGrant::new(team).owner(team))
///     })
///     .build();
/// assert!(layer.is_ok());
/// assert!(ClientCertificateLayer::builder().build().is_err());
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientCertificateLayerBuilder {
    entries: Vec<(CertificateName, CertificateGrant)>,
    function: Option<Function>,
    optional: bool,
    shadow: bool,
    clock: SharedClock,
}

impl Default for ClientCertificateLayerBuilder {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            function: None,
            optional: false,
            shadow: false,
            clock: SystemClock::shared(),
        }
    }
}

impl ClientCertificateLayerBuilder {
    /// Accepts certificates with this URI among the subject alternative names, such as a SPIFFE ID.
    /// Compared byte for byte.
    pub fn uri(self, uri: impl Into<Box<str>>, grant: CertificateGrant) -> Self {
        self.add_entry(CertificateName::Uri(uri.into()), grant)
    }

    /// Accepts certificates with this DNS name among the subject alternative names. Without case;
    /// `*.example` in a certificate is a name like any other, and matches no other.
    pub fn dns_name(self, name: &str, grant: CertificateGrant) -> Self {
        let name = name.to_ascii_lowercase();
        self.add_entry(CertificateName::Dns(name.into()), grant)
    }

    /// Accepts certificates with this e-mail address among the subject alternative names. Compared
    /// byte for byte.
    pub fn email(self, email: impl Into<Box<str>>, grant: CertificateGrant) -> Self {
        self.add_entry(CertificateName::Email(email.into()), grant)
    }

    /// Accepts certificates with this subject, as [`ClientCertificate::subject`] writes it:
    /// `CN=billing,O=Example`.
    pub fn subject(self, subject: impl Into<Box<str>>, grant: CertificateGrant) -> Self {
        self.add_entry(CertificateName::Subject(subject.into()), grant)
    }

    /// Accepts the certificate with this SHA-256 of its DER encoding, and no later one of the same
    /// client.
    pub fn sha256(self, digest: [u8; 32], grant: CertificateGrant) -> Self {
        self.add_entry(CertificateName::Sha256(digest), grant)
    }

    /// Asks a function about certificates that no entry names. `None`: the certificate is refused.
    /// Default: no function.
    ///
    /// It is called inside the request, for each: it must not block.
    ///
    /// ```
    /// use palisade_transport::{CertificateGrant, ClientCertificateLayer};
    ///
    /// let layer = ClientCertificateLayer::builder()
    ///     .function(|certificate| {
    ///         let name = certificate.uris().find_map(|uri| uri.strip_prefix("spiffe://example.org/"))?;
    ///         Some(CertificateGrant::new(name))
    ///     })
    ///     .build()?;
    /// # let _ = layer; Ok::<(), palisade_transport::ClientCertificateBuildError>(())
    /// ```
    pub fn function(
        mut self,
        find: impl Fn(&ClientCertificate) -> Option<CertificateGrant> + Send + Sync + 'static,
    ) -> Self {
        self.function = Some(Arc::new(find));
        self
    }

    /// Lets requests without a certificate pass as guests. One that is not accepted is still refused.
    ///
    /// Default: they are refused with 401. In a list of an [`AuthenticateLayer`] this choice has no
    /// effect; configure that layer.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Records each refusal and lets the request pass. Default: refusals are enforced.
    ///
    /// Use it only while you introduce certificates: in this mode the layer protects nothing. In a
    /// list of an [`AuthenticateLayer`] this choice has no effect; configure that layer.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Sets the clock by which a certificate ends. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    fn add_entry(mut self, name: CertificateName, grant: CertificateGrant) -> Self {
        self.entries.push((name, grant));
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`ClientCertificateBuildError`] if no certificate would be accepted, an entry is there twice, or
    /// a name or an id is empty.
    pub fn build(self) -> Result<ClientCertificateLayer, ClientCertificateBuildError> {
        if self.entries.is_empty() && self.function.is_none() {
            return Err(ClientCertificateBuildError::NoCertificate);
        }
        let mut table = NameTable::default();
        for (name, grant) in self.entries {
            if name.is_empty() || !grant.has_id() {
                return Err(ClientCertificateBuildError::Empty);
            }
            if table.has_or_add(name.clone(), grant) {
                let name = format!("{name:?}").into();
                return Err(ClientCertificateBuildError::Duplicate(name));
            }
        }
        let shared = Arc::new(Shared {
            id: AuthenticatorId::unique(),
            table,
            function: self.function,
            clock: self.clock,
            refusal: Rejection::credentials_invalid(CHALLENGE).prerendered(),
        });
        let mut alone = AuthenticateLayer::builder().authenticator(Arc::clone(&shared));
        if self.optional {
            alone = alone.optional();
        }
        if self.shadow {
            alone = alone.dangerously_only_shadow();
        }
        let alone = alone
            .build()
            .map_err(ClientCertificateBuildError::Authenticate)?;
        Ok(ClientCertificateLayer { shared, alone })
    }
}

impl fmt::Debug for ClientCertificateLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificateLayerBuilder")
            .field("entries", &self.entries)
            .field("has_function", &self.function.is_some())
            .field("optional", &self.optional)
            .field("shadow", &self.shadow)
            .finish_non_exhaustive()
    }
}
