//! Which models a request may use, and how many tokens out: `[[model_rules]]`.

use palisade::core::Rejection;

use super::{
    pattern::{Pattern, first},
    refusal,
};

/// One rule. It applies to requests that it names by principal, owner and path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelRule {
    pub(super) principals: Vec<Pattern>,
    pub(super) owners: Vec<Pattern>,
    pub(super) path: Option<String>,
    /// Empty: all.
    pub(super) models: Vec<Pattern>,
    pub(super) max_tokens: Option<u64>,
}

impl ModelRule {
    fn applies(&self, principal: &str, owner: &str, path: &str) -> bool {
        let named = |patterns: &[Pattern], name: &str| {
            patterns.is_empty() || first(patterns, name).is_some()
        };
        let below = |prefix: &String| {
            let rest = path.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        named(&self.principals, principal)
            && named(&self.owners, owner)
            && self.path.as_ref().is_none_or(below)
    }
}

/// Checks a model against all rules that apply, and returns the least of their limits.
///
/// # Errors
///
/// 403: a rule that applies does not name the model.
pub(super) fn check(
    rules: &[ModelRule],
    model: &str,
    principal: &str,
    owner: &str,
    path: &str,
) -> Result<Option<u64>, Box<Rejection>> {
    let mut least = None;
    for rule in rules {
        if !rule.applies(principal, owner, path) {
            continue;
        }
        if !rule.models.is_empty() && first(&rule.models, model).is_none() {
            return Err(refusal::model_not_allowed());
        }
        least = least.into_iter().chain(rule.max_tokens).min();
    }
    Ok(least)
}
