//! What can be wrong with a policy or a layer, said to the operator when it is built.

use std::fmt;

/// Says which part of a policy, a layer or a store is wrong, and what would be right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyError(String);

impl PolicyError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn rate(text: &str, why: impl fmt::Display) -> Self {
        Self(format!("rate {text:?}: {why}"))
    }

    pub(crate) fn policy(name: &str, why: impl fmt::Display) -> Self {
        Self(format!("policy {name:?}: {why}"))
    }

    pub(crate) fn too_many(found: usize) -> Self {
        Self(format!(
            "{found} rates, but one layer decides at most {} together; drop those that never bind",
            crate::rate::MOST_RATES
        ))
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}
