//! Claims that a token must have, and what they must hold.

use serde_json::Value;

use crate::{
    claims::{ClaimPath, Claims},
    error::InvalidToken,
};

/// A required claim.
#[derive(Clone, Debug)]
pub(crate) struct RequiredClaim {
    path: ClaimPath,
    value: RequiredValue,
}

/// What a required claim must hold.
#[derive(Clone, Debug)]
enum RequiredValue {
    /// Any type. `null`, `""`, `[]` and `{}` are refused.
    Any,
    /// Text that is one of these.
    OneOf(Box<[Box<str>]>),
    /// Text that is not empty.
    Text,
}

impl RequiredClaim {
    /// Requires text that is not empty.
    pub(crate) fn text(claim: impl Into<Box<str>>) -> Self {
        Self {
            path: ClaimPath::new(claim),
            value: RequiredValue::Text,
        }
    }

    /// Requires a value of any type that is not empty.
    pub(crate) fn any_type(claim: impl Into<Box<str>>) -> Self {
        Self {
            path: ClaimPath::new(claim),
            value: RequiredValue::Any,
        }
    }

    /// Requires one of the values, compared exactly.
    pub(crate) fn one_of<V: Into<Box<str>>>(
        claim: impl Into<Box<str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            path: ClaimPath::new(claim),
            value: RequiredValue::OneOf(values.into_iter().map(Into::into).collect()),
        }
    }

    /// Returns whether no token could have the claim: the list of values is empty.
    pub(crate) fn is_impossible(&self) -> bool {
        matches!(&self.value, RequiredValue::OneOf(values) if values.is_empty())
    }

    /// Returns whether the claim must have a certain value.
    pub(crate) fn names_a_value(&self) -> bool {
        matches!(self.value, RequiredValue::OneOf(_))
    }

    /// Checks the claim of a token.
    ///
    /// # Errors
    ///
    /// The claim is missing, or does not hold what it must.
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), InvalidToken> {
        let name = static_name(self.path.as_str());
        let value = claims
            .get(self.path.as_str())
            .ok_or(InvalidToken::ClaimMissing(name))?;
        let fits = match (&self.value, value) {
            (RequiredValue::OneOf(values), Value::String(text)) => {
                let listed = values.iter().any(|value| **value == **text);
                return match listed {
                    true => Ok(()),
                    false => Err(InvalidToken::ClaimMismatch(name)),
                };
            }
            (_, Value::String(text)) => !text.is_empty(),
            (RequiredValue::OneOf(_) | RequiredValue::Text, _) | (_, Value::Null) => false,
            (RequiredValue::Any, Value::Array(items)) => !items.is_empty(),
            (RequiredValue::Any, Value::Object(members)) => !members.is_empty(),
            (RequiredValue::Any, Value::Bool(_) | Value::Number(_)) => true,
        };
        match fits {
            true => Ok(()),
            false => Err(InvalidToken::ClaimMalformed(name)),
        }
    }
}

/// Names a claim in an error that must not allocate.
fn static_name(claim: &str) -> &'static str {
    let known = [
        "auth_time",
        "azp",
        "client_id",
        "iat",
        "jti",
        "nbf",
        "scope",
        "scp",
        "sub",
        "tid",
        "token_use",
        "typ",
        "ver",
    ];
    known
        .into_iter()
        .find(|name| *name == claim)
        .unwrap_or("another required claim")
}
