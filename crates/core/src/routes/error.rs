//! What is wrong with a route table.

use std::{fmt, sync::Arc};

use matchit::InsertError;

/// Why a [`RouteTable`](crate::RouteTable) cannot be built.
///
/// `Display` names the template, what is wrong with it, and how to correct it.
///
/// ```
/// use http::Method;
/// use palisade_core::{RouteTable, RouteTableBuildError, Rule};
///
/// let twice = RouteTable::builder()
///     .route("/tts", Method::GET, Rule::public())
///     .route("/tts", Method::GET, Rule::authenticated());
/// let error = twice.build().unwrap_err();
/// assert!(matches!(error, RouteTableBuildError::TwoRules { .. }));
/// assert_eq!(error.to_string(), "route `/tts`: it has two rules for one method");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RouteTableBuildError {
    /// Another template matches the same paths, with other names of parameters.
    Conflict {
        /// The template.
        template: String,
        /// What the matcher says, with the other template.
        detail: String,
    },
    /// The rule names limits and is unlimited.
    LimitedAndUnlimited {
        /// The template.
        template: String,
    },
    /// The template is not valid: a wildcard that is not last, a parameter without a name, an
    /// unclosed brace.
    Malformed {
        /// The template.
        template: String,
        /// What the matcher says.
        detail: String,
    },
    /// The template does not begin with `/`.
    NoLeadingSlash {
        /// The template.
        template: String,
    },
    /// A text field of the rule cannot be found as it is written.
    TextField {
        /// The template.
        template: String,
        /// The name, pointer or schema of the field.
        field: Arc<str>,
        /// What is wrong with it.
        problem: TextFieldProblem,
    },
    /// The template has more than 25 parameters.
    TooManyParameters {
        /// The template.
        template: String,
    },
    /// Two rules are for one template and one method.
    TwoRules {
        /// The template.
        template: String,
    },
}

/// What is wrong with a text field of a rule.
///
/// Part of [`RouteTableBuildError::TextField`]. `Display` says how to correct it:
///
/// ```
/// use palisade_core::TextFieldProblem;
///
/// assert_eq!(
///     TextFieldProblem::BadEscape.to_string(),
///     "`~` must be followed by 0 or 1; write `~0` for `~` and `~1` for `/`",
/// );
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TextFieldProblem {
    /// `~` is followed by something else than 0 or 1 (RFC 6901, 3).
    BadEscape,
    /// `**` is not the last step.
    DeepWildcardInside,
    /// It is a JSON pointer or a schema, and the rule says that the body is a form.
    JsonInForm,
}

impl RouteTableBuildError {
    /// Describes what the matcher does not accept.
    pub(super) fn by_matcher(template: &str, error: &InsertError) -> Self {
        let (template, detail) = (template.to_owned(), error.to_string());
        match error {
            InsertError::Conflict { .. } => Self::Conflict { template, detail },
            _ => Self::Malformed { template, detail },
        }
    }

    /// Returns the template that is wrong.
    #[must_use]
    pub fn template(&self) -> &str {
        match self {
            Self::Conflict { template, .. }
            | Self::LimitedAndUnlimited { template }
            | Self::Malformed { template, .. }
            | Self::NoLeadingSlash { template }
            | Self::TextField { template, .. }
            | Self::TooManyParameters { template }
            | Self::TwoRules { template } => template,
        }
    }
}

impl fmt::Display for RouteTableBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route `{}`: ", self.template())?;
        match self {
            Self::Conflict { detail, .. } | Self::Malformed { detail, .. } => f.write_str(detail),
            Self::LimitedAndUnlimited { .. } => {
                f.write_str("its rule names limits and is unlimited; drop one of the two")
            }
            Self::NoLeadingSlash { .. } => f.write_str("it does not begin with `/`"),
            Self::TextField { field, problem, .. } => write!(f, "text field `{field}`: {problem}"),
            Self::TooManyParameters { .. } => f.write_str("it has too many parameters"),
            Self::TwoRules { .. } => f.write_str("it has two rules for one method"),
        }
    }
}

impl fmt::Display for TextFieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadEscape => {
                "`~` must be followed by 0 or 1; write `~0` for `~` and `~1` for `/`"
            }
            Self::DeepWildcardInside => "`**` may only be the last step; write `*` for one level",
            Self::JsonInForm => {
                "it is looked for in JSON, but the rule says `body(BodyKind::Form)` or `body(BodyKind::Multipart)`"
            }
        })
    }
}

impl std::error::Error for RouteTableBuildError {}
