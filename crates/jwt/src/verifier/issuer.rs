//! An issuer of tokens, and what this service requires of its tokens.

use std::time::Duration;

use crate::{
    algorithm::Algorithm,
    claims::{ClaimPath, PrincipalNames, RequiredClaim},
    jwks::IssuerKeys,
    verifier::TokenRules,
};

/// An issuer of tokens: its name, the audience of this service, and its keys.
///
/// Pass it to [`VerifierBuilder::issuer`](crate::VerifierBuilder::issuer). Default: tokens of at most 24 hours; ID tokens and
/// tokens with a confirmation (`cnf`) are refused.
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Secret;
/// use palisade_jwt::{Algorithm, Issuer, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = Secret::new(*b"an example of thirty-two bytes!!");
/// let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?;
/// let issuer = Issuer::new("https://login.example", "https://tts.example", key)
///     .or_audience("tts")
///     .max_lifetime(Duration::from_secs(3600))
///     .label("staff");
/// # let _ = issuer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuer {
    /// Compared with `iss`.
    pub(super) name: Box<str>,
    /// One of them must be in `aud`.
    audiences: Vec<Box<str>>,
    /// Verify the signatures.
    pub(super) keys: IssuerKeys,
    /// Prefix of the ids of principals.
    pub(super) label: Option<Box<str>>,
    pub(super) rules: TokenRules,
}

impl Issuer {
    /// Creates an issuer.
    ///
    /// * `name` is compared exactly with `iss`; `https://a.example` is not `https://a.example/`.
    /// * `audience` is the name of this service in `aud`.
    /// * `keys` is a [`VerifyingKey`](crate::VerifyingKey), a [`KeySet`](crate::KeySet), or another source that [`IssuerKeys`] lists.
    pub fn new(
        name: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        keys: impl Into<IssuerKeys>,
    ) -> Self {
        Self {
            name: name.into(),
            audiences: vec![audience.into()],
            keys: keys.into(),
            label: None,
            rules: TokenRules::default(),
        }
    }

    /// Sets the longest time from `iat` to `exp`. Default: 24 hours; at most 10 years. Of a token
    /// without `iat`, the time from now to `exp` must not be longer.
    ///
    /// A stolen token works until it expires, so a token with a lifetime of years is like a
    /// password.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.max_lifetime = lifetime;
        self
    }

    /// Accepts only these algorithms. Default: those of the keys.
    ///
    /// A key is bound to its algorithm already. The list is for key sets with keys of other
    /// algorithms than those that were agreed on, such as RSA keys for older clients.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rules.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Compares the audience with another claim than `aud`, such as `client_id` or `azp`, for
    /// issuers whose access tokens have no audience of the service.
    ///
    /// Such a token says only which client it was issued to. So another claim must tell access
    /// tokens from the issuer's other tokens: [`require_value`](Self::require_value) is needed
    /// too, or the verifier is not built.
    pub fn audience_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.audience_claim = Some(ClaimPath::new(claim));
        self
    }

    /// Sets the accepted types (`typ`) of this issuer's tokens, in place of
    /// [`VerifierBuilder::types`](crate::VerifierBuilder::types).
    pub fn types<T: Into<Box<str>>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.rules.types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// Requires a claim to be text that is not empty, by its name or a JSON pointer (RFC 6901).
    pub fn require(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.required.push(RequiredClaim::text(claim));
        self
    }

    /// Requires a claim to be one of these texts, compared exactly. A token with another value is
    /// refused with the code `claim_mismatch`.
    ///
    /// `claim` is a name or a JSON pointer (RFC 6901). An empty list is an error of
    /// [`VerifierBuilder::build`](crate::VerifierBuilder::build).
    ///
    /// ```
    /// # use palisade_core::Secret;
    /// # use palisade_jwt::{Algorithm, Issuer, VerifyingKey};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = Secret::new(*b"an example of thirty-two bytes!!");
    /// # let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?;
    /// let issuer = Issuer::new("https://login.example", "my-client", key)
    ///     .audience_claim("client_id")
    ///     .require_value("token_use", ["access"]);
    /// # let _ = issuer;
    /// # Ok(())
    /// # }
    /// ```
    pub fn require_value<V: Into<Box<str>>>(
        mut self,
        claim: impl Into<Box<str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let required = RequiredClaim::one_of(claim, values);
        self.rules.required.push(required);
        self
    }

    /// Also reads scopes from this claim: text with spaces between them, or an array of text.
    ///
    /// Default: `scope` as text, `scp` as text or array. `scopes_from("scope")` accepts an array
    /// there too. `claim` is a name or a JSON pointer (RFC 6901).
    pub fn scopes_from(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.scopes.add_scopes(ClaimPath::new(claim));
        self
    }

    /// Also reads roles from this claim: text, an array of text, or an object whose members are the
    /// roles. The role `admin` becomes the scope `role:admin`, so that it is never taken for a
    /// scope of the same name. A scope that is written as `role:admin` is left out: only a role has such a name.
    ///
    /// Default: no roles are read. `claim` is a name or a JSON pointer (RFC 6901), such as
    /// `/realm_access/roles`. A role that cannot be a scope, such as one with a space, is left out.
    pub fn roles_from(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.scopes.add_roles(ClaimPath::new(claim));
        self
    }

    /// Reads the id of the principal from this claim of the issuer's tokens, by its name or a JSON
    /// pointer (RFC 6901). Default: the claim of the layer, which is `sub` by default.
    ///
    /// It must be unique and stable; an e-mail address is neither. A token without it, or with a value
    /// over 256 bytes, is refused.
    ///
    /// ```
    /// # use palisade_core::Secret;
    /// # use palisade_jwt::{Algorithm, Issuer, VerifyingKey};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = Secret::new(*b"an example of thirty-two bytes!!");
    /// # let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?;
    /// let issuer = Issuer::new("https://login.example", "tts", key)
    ///     .subject_claim("oid")
    ///     .tenant_claim("tid")
    ///     .tier_claim("/account/plan");
    /// # let _ = issuer;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subject_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.names.subject = Some(claim.into());
        self
    }

    /// Reads the owner of the principal (tenant, account) from this claim of the issuer's tokens.
    /// Default: the claim of the layer, which is none by default.
    ///
    /// Owners of several issuers share one namespace: each of them can name every tenant. If an issuer
    /// is trusted for some tenants only, list them with [`require_value`](Self::require_value).
    pub fn tenant_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.names.tenant = Some(claim.into());
        self
    }

    /// Reads the tier of the principal from this claim of the issuer's tokens. Default: the claim of the
    /// layer, which is none by default.
    pub fn tier_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.names.tier = Some(claim.into());
        self
    }

    /// Reads the principal's own amounts for rate limits from this claim of the issuer's tokens. Default: the claim of the
    /// layer, which is none by default. See
    /// [`JwtLayerBuilder::own_limits_claim`](crate::JwtLayerBuilder::own_limits_claim).
    pub fn own_limits_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.names.own_limits = Some(claim.into());
        self
    }

    /// Treats a claim that is `null` as absent. Default: `null` is a value of the wrong type, and
    /// the token is refused. For issuers whose serialiser writes every member.
    pub fn null_is_absent(mut self) -> Self {
        self.rules.null_is_absent = true;
        self
    }

    /// Accepts tokens whose header has `jku`, `jwk`, `x5c` or `x5u`, and ignores these members: the
    /// key is always one of this issuer. Default: such a token is refused, since it expects a
    /// verifier that takes keys from tokens.
    pub fn dangerously_ignore_embedded_keys(mut self) -> Self {
        self.rules.ignore_embedded_keys = true;
        self
    }

    /// Accepts tokens of this issuer without a type (`typ`). See
    /// [`VerifierBuilder::dangerously_accept_untyped_tokens`](crate::VerifierBuilder::dangerously_accept_untyped_tokens).
    pub fn dangerously_accept_untyped_tokens(mut self) -> Self {
        self.rules.accept_untyped = true;
        self
    }

    /// Accepts tokens with a confirmation (`cnf`, RFC 7800) as plain bearer tokens. Such a token is
    /// bound to a key of the client (DPoP, RFC 9449; a certificate, RFC 8705), and the proof is then
    /// not checked. A thief of the token can use it, which the issuer wanted to prevent. Use it only
    /// where something in front of this service checks the proof; DPoP proofs are checked by
    /// [`JwtLayerBuilder::dpop`](crate::JwtLayerBuilder::dpop), and a certificate is always compared
    /// with that of the connection.
    pub fn dangerously_ignore_confirmation(mut self) -> Self {
        self.rules.ignore_confirmation = true;
        self
    }

    /// Accepts ID tokens and event tokens as access tokens: those with `nonce`, `at_hash`, `c_hash`
    /// or `events`, with `token_use: "id"` or the claim `typ: "ID"`. An ID token tells a client who
    /// has logged in; clients log and forward it freely, and it grants nothing. For issuers that
    /// write `nonce` into access tokens too.
    pub fn dangerously_accept_id_tokens(mut self) -> Self {
        self.rules.accept_id_tokens = true;
        self
    }

    /// Creates one issuer for each tenant of a provider that writes the tenant into `iss`.
    ///
    /// `{tenant}` in the template is replaced by each tenant of the list; tokens of other tenants
    /// are refused. Each issuer has its tenant as label, so that a principal is `TENANT:SUBJECT`.
    /// All share the keys.
    ///
    /// ```
    /// # use palisade_core::Secret;
    /// # use palisade_jwt::{Algorithm, Issuer, Verifier, VerifyingKey};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = Secret::new(*b"an example of thirty-two bytes!!");
    /// # let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?;
    /// let tenants = ["contoso", "fabrikam"];
    /// let issuers = Issuer::for_tenants("https://login.example/{tenant}/v2.0", tenants, "tts", key);
    /// let verifier = Verifier::builder().issuers(issuers).build()?;
    /// # let _ = verifier;
    /// # Ok(())
    /// # }
    /// ```
    pub fn for_tenants<T: AsRef<str>>(
        template: &str,
        tenants: impl IntoIterator<Item = T>,
        audience: impl Into<Box<str>>,
        keys: impl Into<IssuerKeys>,
    ) -> Vec<Self> {
        let issuer = Self::new(template, audience, keys);
        issuer.expand_tenants(tenants)
    }

    /// Replaces `{tenant}` in the name by each tenant.
    pub(crate) fn expand_tenants<T: AsRef<str>>(
        self,
        tenants: impl IntoIterator<Item = T>,
    ) -> Vec<Self> {
        let of_tenant = |tenant: T| Self {
            name: self.name.replace("{tenant}", tenant.as_ref()).into(),
            label: Some(tenant.as_ref().into()),
            ..self.clone()
        };
        tenants.into_iter().map(of_tenant).collect()
    }

    /// Accepts another audience too. A token needs one of them in `aud`.
    pub fn or_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets a prefix for the subjects of this issuer (`label:subject`). A subject is unique only
    /// for its issuer (RFC 7519, 4.1.2), so with several issuers each needs one. Otherwise `admin`
    /// of one would be `admin` of another.
    pub fn label(mut self, label: impl Into<Box<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Applies the rules of a provider.
    pub(crate) fn with_rules(mut self, rules: TokenRules) -> Self {
        self.rules = rules;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn audiences(&self) -> &[Box<str>] {
        &self.audiences
    }

    /// Returns whether another claim than `aud` is compared with the audiences.
    pub(crate) fn has_audience_claim(&self) -> bool {
        self.rules.audience_claim.is_some()
    }

    pub(crate) fn keys(&self) -> &IssuerKeys {
        &self.keys
    }

    pub(crate) fn label_text(&self) -> Option<&str> {
        self.label.as_deref()
    }

    pub(crate) fn principal_names(&self) -> &PrincipalNames {
        &self.rules.names
    }

    pub(super) fn is_nameless(&self) -> bool {
        self.name.is_empty() || self.audiences.iter().any(|audience| audience.is_empty())
    }
}
