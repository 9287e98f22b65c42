//! What an inspection found.

use std::sync::Arc;

/// A rule that matched. It holds nothing of the request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleMatch {
    /// The id of the rule.
    pub id: u64,
    /// The severity, 0 (emergency) to 7 (debug), if the rule has one.
    pub severity: Option<u8>,
    /// The tags of the rule, such as `attack-sqli`.
    pub tags: Vec<Arc<str>>,
}

/// What an inspection found. It holds nothing of the request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// The rules that matched and report it, in the order in which they ran.
    pub matched: Vec<RuleMatch>,
    /// The anomaly score, of request and response together.
    pub score: i64,
    /// The rule that refuses the request, if one does.
    pub refused_by: Option<u64>,
    /// Ids of the rules that matched in what a person wrote. They refuse nothing.
    pub words: Vec<u64>,
    /// Their score.
    pub words_score: i64,
}

impl Verdict {
    /// Whether a rule refuses the request.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refused_by.is_some()
    }

    /// The ids of the rules that matched.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.matched.iter().map(|matched| matched.id)
    }
}
