//! Why a stack cannot be built.

use std::fmt;

use palisade_core::AuthenticateBuildError;

use crate::rules::RulesError;

/// Why a stack cannot be built.
///
/// `Display` says in one sentence what is wrong and what to do. Programs compare
/// [`code`](Self::code). The first problem is returned, not all.
///
/// It is for the operator, at start: no client sees it, and a shield that is built cannot cause it
/// later.
///
/// # Examples
///
/// ```
/// use palisade::{AllowedHosts, Rule, Rules, Shield, ShieldBuildError};
///
/// let error = Shield::builder()
///     .hosts(AllowedHosts::parse(["api.example"])?)
///     .rules(Rules::new().get("/speak", Rule::public().limit("speech")))
///     .build()
///     .unwrap_err();
/// assert!(matches!(error, ShieldBuildError::UnknownLimit { limit, .. } if limit == "speech"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShieldBuildError {
    /// Two authenticators read the same credential.
    Authenticators(AuthenticateBuildError),
    /// The CORS layer combines credentials with a wildcard, which browsers ignore.
    #[cfg(feature = "cors")]
    CorsWildcard,
    /// A record before the handler was requested, and there is no audit sink that is fail-closed.
    GateWithoutPromise,
    /// A limit by principal was given to `limit_clients`, or one by client to `limit_principals`.
    MisplacedLimit {
        /// The method that it was given to.
        given_to: &'static str,
        /// The method that it belongs to.
        belongs_to: &'static str,
    },
    /// A rule requires a credential, and there is no authenticator.
    NoAuthenticator {
        /// The template of the route.
        route: String,
    },
    /// No allowed hosts were named. Call `ShieldBuilder::hosts`.
    NoHosts,
    /// No rules were given. Call `ShieldBuilder::rules`, or give `Routes` to `protect`.
    NoRules,
    /// There is a limit by principal, and no authenticator to learn the principal.
    PrincipalLimitWithoutAuthenticator,
    /// A rule or its template cannot be used.
    Rules(RulesError),
    /// Two limiters have a limit of the same name. In a shared store both would use one quota.
    SharedLimitName {
        /// The name of the limit.
        limit: String,
    },
    /// A rule names a limit that no limiter has.
    UnknownLimit {
        /// The template of the route.
        route: String,
        /// The name that the rule uses.
        limit: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A rule names a set of text fields that the sanitizing layer does not know.
    UnknownTextSchema {
        /// The template of the route.
        route: String,
        /// The name that the rule uses.
        schema: String,
        /// The names that exist.
        known: Vec<String>,
    },
}

impl fmt::Display for ShieldBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticators(error) => error.fmt(f),
            #[cfg(feature = "cors")]
            Self::CorsWildcard => f.write_str(
                "the CORS layer combines `allow_credentials` with a wildcard, which browsers ignore: name origins, methods and headers, or use `AllowHeaders::mirror_request()`",
            ),
            Self::GateWithoutPromise => f.write_str(
                "`audit_before_handler` needs a trail that guarantees each record: give `.audit(..)` a sink that is `fail_closed()`",
            ),
            Self::MisplacedLimit { given_to, belongs_to } => write!(
                f,
                "`{given_to}` was given a limit of the other kind: give it to `{belongs_to}`",
            ),
            Self::NoAuthenticator { route } => write!(
                f,
                "the rule of `{route}` requires a credential, and no authenticator accepts one: add `.authenticate(..)` or make the route `Rule::public()`",
            ),
            Self::NoHosts => f.write_str(
                "no allowed hosts: name them with `.hosts(AllowedHosts::parse([\"api.example\"])?)`",
            ),
            Self::NoRules => f.write_str(
                "no rules, so every path would be a 404: add `.rules(Rules::new().get(\"/health\", Rule::public()))`, or give `Routes` to `protect`",
            ),
            Self::PrincipalLimitWithoutAuthenticator => f.write_str(
                "a limit by principal needs an authenticator: add `.authenticate(..)`, or limit by client address with `.limit_clients(..)`",
            ),
            Self::Rules(error) => error.fmt(f),
            Self::SharedLimitName { limit } => write!(
                f,
                "two limiters have a limit `{limit}`: give each limit a different name",
            ),
            Self::UnknownLimit { route, limit, known } => write!(
                f,
                "the rule of `{route}` names the limit `{limit}`, but no limiter has it (there is: {}): add a policy of that name",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            ),
            Self::UnknownTextSchema { route, schema, known } => write!(
                f,
                "the rule of `{route}` names the text schema `{schema}`, which is not defined (there is: {}): define it with `SanitizeLayer::builder().schema(..)`",
                known.join(", "),
            ),
        }
    }
}

impl ShieldBuildError {
    /// Returns a stable code, for programs that compare errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{Rule, Rules, Shield};
    ///
    /// let rules = Rules::new().any("/echo", Rule::public());
    /// let error = Shield::builder().rules(rules).build().unwrap_err();
    /// assert_eq!(error.code(), "no-hosts");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Authenticators(_) => "authenticators",
            #[cfg(feature = "cors")]
            Self::CorsWildcard => "cors-wildcard",
            Self::GateWithoutPromise => "gate-without-promise",
            Self::MisplacedLimit { .. } => "misplaced-limit",
            Self::NoAuthenticator { .. } => "no-authenticator",
            Self::NoHosts => "no-hosts",
            Self::NoRules => "no-rules",
            Self::PrincipalLimitWithoutAuthenticator => "principal-limit-without-authenticator",
            Self::Rules(error) => error.code(),
            Self::SharedLimitName { .. } => "shared-limit-name",
            Self::UnknownLimit { .. } => "unknown-limit",
            Self::UnknownTextSchema { .. } => "unknown-text-schema",
        }
    }
}

impl std::error::Error for ShieldBuildError {}

impl From<AuthenticateBuildError> for ShieldBuildError {
    fn from(error: AuthenticateBuildError) -> Self {
        Self::Authenticators(error)
    }
}

impl From<RulesError> for ShieldBuildError {
    fn from(error: RulesError) -> Self {
        Self::Rules(error)
    }
}
