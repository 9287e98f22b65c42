//! Presets by their names, for configuration files.

use std::{collections::BTreeMap, fmt};

use super::{
    Provider, auth0, authentik, azure_b2c, cognito, cognito_id_tokens, duende, entra_v1, entra_v2,
    firebase, github_actions, gitlab_ci, google_id_tokens, keycloak, kubernetes, logto, okta,
    ping_am, pingone, spring_authorization_server, xsuaa, zitadel,
};

/// The arguments of a preset: each has one value or several.
pub type PresetArguments = BTreeMap<String, Vec<String>>;

/// Why there is no such preset.
///
/// # Examples
///
/// ```
/// use palisade_jwt::providers::{PresetArguments, PresetError, Provider};
///
/// let missing = Provider::by_name("auth0", "https://tts.example", PresetArguments::new());
/// assert_eq!(missing.unwrap_err(), PresetError::Argument("domain"));
/// let unknown = Provider::by_name("auth1", "https://tts.example", PresetArguments::new());
/// assert!(unknown.unwrap_err().to_string().starts_with("there is no preset \"auth1\""));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PresetError {
    /// The argument is missing, or has several values.
    Argument(&'static str),
    /// The preset has no such argument.
    ArgumentUnknown(String),
    /// There is no preset of this name.
    Name(String),
}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => write!(f, "the preset needs one value of {name:?}"),
            Self::ArgumentUnknown(name) => write!(f, "the preset has no argument {name:?}"),
            Self::Name(name) => write!(
                f,
                "there is no preset {name:?}; the names are those of the functions in palisade_jwt::providers"
            ),
        }
    }
}

impl std::error::Error for PresetError {}

impl Provider {
    /// Finds a preset by the name of its function in this module. `arguments` are the other
    /// arguments of that function, by their names.
    ///
    /// ```
    /// use palisade_jwt::providers::{PresetArguments, Provider};
    ///
    /// let arguments = PresetArguments::from([("domain".into(), vec!["acme.eu.auth0.com".into()])]);
    /// let provider = Provider::by_name("auth0", "https://tts.example", arguments)?;
    /// assert_eq!(provider.issuer_name(), "https://acme.eu.auth0.com/");
    /// # Ok::<(), palisade_jwt::providers::PresetError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PresetError`] if there is no such preset, or an argument is missing or unknown.
    pub fn by_name(
        name: &str,
        audience: &str,
        arguments: PresetArguments,
    ) -> Result<Self, PresetError> {
        let mut given = Arguments(arguments);
        let provider = match name {
            "auth0" => auth0(&given.one("domain")?, audience),
            "authentik" => authentik(&given.one("address")?, &given.one("application")?, audience),
            "azure_b2c" => azure_b2c(
                &given.one("tenant_name")?,
                &given.one("tenant")?,
                &given.one("policy")?,
                audience,
            ),
            "cognito" => cognito(&given.one("region")?, &given.one("pool")?, audience),
            "cognito_id_tokens" => {
                cognito_id_tokens(&given.one("region")?, &given.one("pool")?, audience)
            }
            "duende" => duende(&given.one("issuer")?, audience),
            "entra_v1" => entra_v1(&given.one("tenant")?, audience),
            "entra_v2" => entra_v2(&given.one("tenant")?, audience),
            "firebase" => firebase(audience),
            "github_actions" => github_actions(audience, given.several("repositories")),
            "gitlab_ci" => gitlab_ci(&given.one("address")?, audience, given.several("projects")),
            "google_id_tokens" => google_id_tokens(audience),
            "keycloak" => keycloak(&given.one("address")?, &given.one("realm")?, audience),
            "kubernetes" => kubernetes(&given.one("issuer")?, audience),
            "logto" => logto(&given.one("address")?, audience),
            "okta" => okta(&given.one("domain")?, &given.one("server")?, audience),
            "ping_am" => ping_am(&given.one("address")?, &given.one("realm")?, audience),
            "pingone" => pingone(&given.one("region")?, &given.one("environment")?, audience),
            "spring_authorization_server" => {
                spring_authorization_server(&given.one("issuer")?, audience)
            }
            "xsuaa" => xsuaa(&given.one("address")?, audience),
            "zitadel" => zitadel(&given.one("issuer")?, audience),
            _ => return Err(PresetError::Name(name.into())),
        };
        match given.0.into_keys().next() {
            None => Ok(provider),
            Some(left) => Err(PresetError::ArgumentUnknown(left)),
        }
    }
}

/// Arguments that were not used yet.
struct Arguments(PresetArguments);

impl Arguments {
    /// Takes an argument with one value.
    fn one(&mut self, name: &'static str) -> Result<String, PresetError> {
        match self.0.remove(name).as_deref() {
            Some([value]) => Ok(value.clone()),
            _ => Err(PresetError::Argument(name)),
        }
    }

    /// Takes an argument with any number of values. None is an error when the verifier is built.
    fn several(&mut self, name: &'static str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }
}
