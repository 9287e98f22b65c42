//! Presets for the tokens of well-known providers.
//!
//! A preset knows the issuer, the address of the keys, and how the provider's access tokens differ
//! from the defaults of [`Issuer`]: their type, where scopes and roles stand, which claim tells them
//! from ID tokens. Each relaxation of a default is written in the documentation of its preset. All
//! presets accept RS256 only, unless their documentation says otherwise.
//!
//! ```no_run
//! use palisade_jwt::{JwksUrl, JwtLayer, Verifier, providers};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = providers::auth0("acme.eu.auth0.com", "https://tts.example");
//! let keys = JwksUrl::builder(provider.jwks_url()).build()?;
//! let verifier = Verifier::builder().issuer(provider.with_keys(keys)).build()?;
//! let layer = JwtLayer::new(verifier);
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! | provider | function | scopes are read from |
//! |---|---|---|
//! | Auth0 | [`auth0`] | `scope`, `permissions` |
//! | Okta | [`okta`] | `scp` |
//! | Microsoft Entra, v1 and v2 tokens | [`entra_v1`], [`entra_v2`], [`entra_tenants`] | `scp`, `roles` |
//! | Azure AD B2C | [`azure_b2c`] | `scp` |
//! | Amazon Cognito, access and ID tokens | [`cognito`], [`cognito_id_tokens`] | `scope`, `cognito:groups` |
//! | Google, ID tokens | [`google_id_tokens`] | none |
//! | Keycloak | [`keycloak`] | `scope`, roles of the realm and of the client |
//! | Kubernetes service accounts | [`kubernetes`] | none |
//! | GitHub Actions | [`github_actions`] | none |
//! | GitLab CI | [`gitlab_ci`] | none |
//! | Firebase | [`firebase`] | none |
//! | PingOne; PingAM and ForgeRock | [`pingone`], [`ping_am`] | `scope` |
//! | Spring Authorization Server | [`spring_authorization_server`] | `scope` |
//! | Duende IdentityServer | [`duende`] | `scope` |
//! | SAP XSUAA | [`xsuaa`] | `scope` |
//! | Zitadel | [`zitadel`] | `scope`, roles of the project |
//! | authentik | [`authentik`] | `scope` |
//! | Logto | [`logto`] | `scope` |
//!
//! A role `admin` becomes the scope `role:admin`. For a provider without a preset set the same
//! choices on [`Issuer`].

mod auth0;
mod authentik;
mod azure_b2c;
mod by_name;
mod cognito;
mod duende;
mod entra;
mod firebase;
mod github_actions;
mod gitlab_ci;
mod google;
mod keycloak;
mod kubernetes;
mod logto;
mod okta;
mod ping;
mod spring;
mod xsuaa;
mod zitadel;

use crate::{
    algorithm::Algorithm,
    claims::{ClaimPath, RequiredClaim},
    jwks::IssuerKeys,
    verifier::{Issuer, TokenRules},
};

pub use self::{
    auth0::auth0,
    authentik::authentik,
    azure_b2c::azure_b2c,
    by_name::{PresetArguments, PresetError},
    cognito::{cognito, cognito_id_tokens},
    duende::duende,
    entra::{entra_tenants, entra_v1, entra_v2},
    firebase::firebase,
    github_actions::github_actions,
    gitlab_ci::gitlab_ci,
    google::google_id_tokens,
    keycloak::keycloak,
    kubernetes::kubernetes,
    logto::logto,
    okta::okta,
    ping::{ping_am, pingone},
    spring::spring_authorization_server,
    xsuaa::xsuaa,
    zitadel::zitadel,
};

/// The settings of a provider, before its keys are known. Made by the functions of this module.
///
/// ```
/// use palisade_jwt::providers;
///
/// let provider = providers::keycloak("https://id.example", "acme", "tts");
/// assert_eq!(provider.issuer_name(), "https://id.example/realms/acme");
/// assert_eq!(
///     provider.jwks_url(),
///     "https://id.example/realms/acme/protocol/openid-connect/certs",
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Provider {
    issuer: String,
    jwks_url: String,
    audience: Box<str>,
    rules: TokenRules,
}

impl Provider {
    /// `RS256` only, and the other rules of [`Issuer::new`].
    fn new(issuer: String, jwks_url: String, audience: &str) -> Self {
        Self {
            issuer,
            jwks_url,
            audience: audience.into(),
            rules: TokenRules::default(),
        }
        .algorithms([Algorithm::Rs256])
    }

    /// Returns the issuer's name, which is compared exactly with `iss`.
    #[must_use]
    pub fn issuer_name(&self) -> &str {
        &self.issuer
    }

    /// Returns where the provider publishes its keys: the argument of `JwksUrl::builder` (feature
    /// `jwks-url`).
    #[must_use]
    pub fn jwks_url(&self) -> &str {
        &self.jwks_url
    }

    /// Accepts these algorithms, in place of those of the preset. For a provider that was
    /// configured to sign with another one.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rules.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Makes the issuer with its keys. Set further choices on the result.
    ///
    /// `keys` is a `JwksUrl` for [`jwks_url`](Self::jwks_url), or another source that [`IssuerKeys`]
    /// lists.
    pub fn with_keys(self, keys: impl Into<IssuerKeys>) -> Issuer {
        Issuer::new(self.issuer, self.audience, keys).with_rules(self.rules)
    }

    /// Accepts tokens without `typ`, as well as those with the types of the verifier.
    fn untyped(mut self) -> Self {
        self.rules.accept_untyped = true;
        self
    }

    /// Accepts tokens with the claims of ID tokens.
    fn id_tokens(mut self) -> Self {
        self.rules.accept_id_tokens = true;
        self
    }

    /// Accepts these types (`typ`) only.
    fn types<const N: usize>(mut self, types: [&str; N]) -> Self {
        self.rules.types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// Requires a claim to be text that is not empty.
    fn require(mut self, claim: &str) -> Self {
        self.rules.required.push(RequiredClaim::text(claim));
        self
    }

    /// Requires a claim of any type.
    fn require_any_type(mut self, claim: &str) -> Self {
        self.rules.required.push(RequiredClaim::any_type(claim));
        self
    }

    /// Requires a claim to be one of these texts.
    fn require_value<V: AsRef<str>>(
        mut self,
        claim: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.as_ref().to_owned());
        let required = RequiredClaim::one_of(claim, values);
        self.rules.required.push(required);
        self
    }

    /// Compares this claim with the audience, in place of `aud`.
    fn audience_claim(mut self, claim: &str) -> Self {
        self.rules.audience_claim = Some(ClaimPath::new(claim));
        self
    }

    /// Reads scopes from this claim, as text or as an array.
    fn scopes_from(mut self, claim: &str) -> Self {
        self.rules.scopes.add_scopes(ClaimPath::new(claim));
        self
    }

    /// Reads roles from this claim.
    fn roles_from(mut self, claim: impl Into<Box<str>>) -> Self {
        self.rules.scopes.add_roles(ClaimPath::new(claim));
        self
    }
}

/// A base address without the slash at its end, so that paths can be added.
fn base(address: &str) -> &str {
    address.trim_end_matches('/')
}
