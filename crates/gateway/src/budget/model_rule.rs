//! Which models a request may use, and how many tokens out: `[[model_rules]]`.

use palisade::core::Rejection;

use super::refusal;
use crate::pattern::{Pattern, first_match};

/// One rule. It applies to requests that it names by principal, owner and path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelRule {
    /// Principals as `kind:id`. Empty: all.
    pub(super) principals: Vec<Pattern>,
    /// Owners. Empty: all. A principal without an owner is its own.
    pub(super) owners: Vec<Pattern>,
    /// The path prefix, by whole segments: `/v1` names `/v1/chat` and not `/v10`. `None`: all paths.
    pub(super) path: Option<String>,
    /// Empty: all.
    pub(super) models: Vec<Pattern>,
    /// The most tokens out. `None`: this rule sets no limit.
    pub(super) max_tokens: Option<u64>,
}

impl ModelRule {
    /// Returns whether the rule names this request. All three conditions must hold.
    fn names_request(&self, principal: &str, owner: &str, path: &str) -> bool {
        let named = |patterns: &[Pattern], name: &str| {
            patterns.is_empty() || first_match(patterns, name).is_some()
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
pub(super) fn check_model(
    rules: &[ModelRule],
    model: &str,
    principal: &str,
    owner: &str,
    path: &str,
) -> Result<Option<u64>, Box<Rejection>> {
    let mut least = None;
    for rule in rules {
        if !rule.names_request(principal, owner, path) {
            continue;
        }
        if !rule.models.is_empty() && first_match(&rule.models, model).is_none() {
            return Err(refusal::model_not_allowed());
        }
        least = least.into_iter().chain(rule.max_tokens).min();
    }
    Ok(least)
}
