//! What was loaded and what was not.
//!
//! A directive that cannot be used never stops the others: it is kept here with its place. The
//! owner decides whether the rest is enough. The layer refuses to start with such a rule unless
//! it is told otherwise.

use std::fmt;
use std::path::PathBuf;

/// A directive that has no effect, and why; or an action without which a rule runs.
///
/// Usual reasons are a pattern with look-around or a back-reference, a collection that outlives a
/// request, and an operator that looks something up on the network.
///
/// It displays itself as `file:line: rule id: reason`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NotLoaded {
    /// The file.
    ///
    /// For directives that were not read from a file it is the word `text`, `builder` or
    /// `shipped`.
    pub file: PathBuf,
    /// The line on which the directive starts, from 1.
    ///
    /// A rule usually has several lines; this is its first.
    pub line: usize,
    /// The id of the rule, if it is one.
    ///
    /// It is found in the text of the actions, so it is known even if the rule could not be read.
    /// Links of a chain after the first have none.
    pub id: Option<u64>,
    /// Why.
    ///
    /// A sentence for the operator, such as `the pattern uses look-ahead, which has no linear
    /// time`.
    pub reason: String,
}

impl fmt::Display for NotLoaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if let Some(id) = self.id {
            write!(f, "rule {id}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// What a rule set was made of.
///
/// The default, all zeros, is the report of an empty set.
///
/// ```
/// use palisade_inspect::RuleSet;
///
/// let rules = RuleSet::parse(r#"SecRule ARGS "@rx a(?=b)" "id:7,phase:2,deny""#)?;
/// let report = rules.report();
/// assert_eq!((report.rules, report.not_loaded.len()), (0, 1));
/// assert_eq!(report.not_loaded[0].id, Some(7));
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LoadReport {
    /// How many files were read.
    ///
    /// Files that `Include` names count, data files of `@pmFromFile` do not.
    pub files: usize,
    /// How many rules run. A chain is one rule.
    ///
    /// `SecAction` counts as a rule. Rules that `SecRuleRemoveById` and its like removed do not
    /// count.
    pub rules: usize,
    /// The directives that have no effect, and the actions without which rules run (`setvar` of a
    /// collection that outlives a request).
    ///
    /// They are in the order of reading; updates of rules (`SecRuleUpdateTargetById`) come last
    /// because they are applied last.
    pub not_loaded: Vec<NotLoaded>,
}
