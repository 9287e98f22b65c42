//! Why rules cannot be used, for the operator at start.

use std::fmt;

use palisade_core::RouteTableBuildError;

/// Why rules cannot be used.
///
/// `Display` names the route, says what is wrong, and what to write instead.
///
/// # Examples
///
/// ```
/// use palisade::{Rule, Rules};
///
/// let error = Rules::new().get("/notes/:id", Rule::public()).table().unwrap_err();
/// assert_eq!(error.code(), "template");
/// assert_eq!(
///     error.to_string(),
///     "route `/notes/:id`: write parameters as `{id}` and wildcards as `{*path}`",
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RulesError {
    /// A template conflicts with another, or the rule contradicts itself.
    Table(RouteTableBuildError),
    /// A template cannot be used for a route.
    Template {
        /// The template.
        route: String,
        /// What is wrong with it, and what to write.
        problem: &'static str,
    },
    /// A template has two rules for one method, or one rule for all methods and another one.
    TwoRules {
        /// The template of the route.
        route: String,
    },
}

impl RulesError {
    /// Puts a prefix before the template that the error names.
    pub(super) fn below(self, prefix: &str) -> Self {
        match self {
            Self::Template { route, problem } => Self::Template {
                route: format!("{prefix}{route}"),
                problem,
            },
            other => other,
        }
    }

    /// Returns a stable code, for programs that compare errors.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Table(_) => "routes",
            Self::Template { .. } => "template",
            Self::TwoRules { .. } => "two-rules",
        }
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(error) => error.fmt(f),
            Self::Template { route, problem } => write!(f, "route `{route}`: {problem}"),
            Self::TwoRules { route } => write!(
                f,
                "route `{route}` has two rules for one method: keep one of them",
            ),
        }
    }
}

impl std::error::Error for RulesError {}

impl From<RouteTableBuildError> for RulesError {
    fn from(error: RouteTableBuildError) -> Self {
        Self::Table(error)
    }
}
