//! A rule: one link, or several that must all match.
//!
//! ```text
//! SecRule TARGETS OPERATOR "ACTIONS"
//! SecAction "ACTIONS"
//! ```
//!
//! A chain of rules is one [`Rule`] here: its head comes from the first link, and each link has
//! its own targets, operator and actions. Actions that set variables run when their own link
//! matches, even if a later link does not; the decision is made only after all links matched.

use std::path::Path;

use super::action::{self, Action, Actions, Disruption};
use super::target::{self, Target};
use crate::operator::{Needs, Operator};
use crate::transformation::Transformation;
use crate::variables::{MacroText, TxNames};

/// One `SecRule` or `SecAction`.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// What is looked at, in the order of the file. Empty for `SecAction`.
    ///
    /// A link matches if one value of one target does.
    pub(crate) targets: Vec<Target>,
    /// What is left out of it.
    ///
    /// Updates of rules (`SecRuleUpdateTargetById`) add to it.
    pub(crate) excluded: Vec<Target>,
    /// What is asked of each value.
    ///
    /// `SecAction` has `@unconditionalMatch`.
    pub(crate) operator: Operator,
    /// `!`: the value must not match.
    ///
    /// It is asked value by value: one that does not match is enough.
    pub(crate) negated: bool,
    /// What a value must contain for the operator to match.
    ///
    /// It is empty for a negated operator, because there a value that lacks everything is what
    /// matches.
    pub(crate) needs: Needs,
    /// What is done to each value before.
    ///
    /// They run in this order.
    pub(crate) transformations: Vec<Transformation>,
    /// Whether the operator sees the value after each transformation.
    ///
    /// The value as it was is the first that it sees.
    pub(crate) multi_match: bool,
    /// Whether the groups of the match become `TX.0` to `TX.9`.
    ///
    /// Without it an operator need not find out where it matched, which is faster.
    pub(crate) capture: bool,
    /// What happens at each match.
    ///
    /// Only `setvar` and `ctl`; all other actions belong to the head or to the fields above.
    pub(crate) actions: Vec<Action>,
}

impl Link {
    /// Whether it reads what the links before or it itself have matched (`MATCHED_VAR` and its
    /// like).
    pub(crate) fn reads_matched(&self) -> bool {
        let is_matched = |target: &Target| target.collection.is_matched();
        self.targets.iter().any(is_matched)
            || self
                .operator
                .argument()
                .is_some_and(MacroText::reads_matched)
            || self.actions.iter().any(Action::reads_matched)
    }
}

/// What the first link says about the whole rule.
///
/// Other links cannot change it: ModSecurity allows these actions only in the first.
#[derive(Clone, Debug)]
pub(crate) struct RuleHead {
    /// Unique in a rule set. There is no default.
    pub(crate) id: u64,
    /// 1 (request head), 2 (request body), 3 (response head), 4 (response body) or 5 (logging).
    /// Default: 2.
    pub(crate) phase: u8,
    /// In the order of the file. They decide which rules look for code, and exclusions name them.
    pub(crate) tags: Vec<String>,
    /// 0 (emergency) to 7 (debug), as in syslog.
    pub(crate) severity: Option<u8>,
    /// It is used only to select rules by their message; a verdict does not have it. Macros in it
    /// stay as written.
    pub(crate) message: String,
    /// Whether a match is reported.
    ///
    /// Default: yes. `nolog` hides the match from the verdict but not its effect.
    pub(crate) log: bool,
    /// Default: [`Disruption::Block`].
    pub(crate) disruption: Disruption,
    /// The name of a `SecMarker` at which to continue after a match.
    pub(crate) skip_after: Option<String>,
    /// How many rules of the phase are left out after a match. 0: none.
    pub(crate) skip: usize,
}

/// A whole rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// What concerns the chain as a whole.
    pub(crate) head: RuleHead,
    /// At least one. All must match, in this order.
    pub(crate) links: Vec<Link>,
}

/// Reads one `SecRule` (with targets and an operator) or `SecAction`.
///
/// `folder` is where data files of `@pmFromFile` are looked for. Names of variables get their
/// numbers in `names`, also if the link is refused afterwards.
///
/// # Errors
///
/// The reason as text.
pub(crate) fn parse_link(
    arguments: &[String],
    is_action: bool,
    folder: &Path,
    names: &mut TxNames,
) -> Result<(Link, Actions), String> {
    let (targets, operator, actions) = match (is_action, arguments) {
        (true, [actions]) => ("", "@unconditionalMatch", actions.as_str()),
        (false, [targets, operator]) => (targets.as_str(), operator.as_str(), ""),
        (false, [targets, operator, actions]) => {
            (targets.as_str(), operator.as_str(), actions.as_str())
        }
        _ => return Err("the rule needs targets, an operator and actions".to_owned()),
    };
    let actions = action::parse(actions, names)?;
    let (excluded, targets) = target::parse(targets, names)?
        .into_iter()
        .partition(|target| target.excluded);
    let (negated, text) = match operator.trim_start().strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let operator = Operator::parse(text, folder, names)?;
    let link = Link {
        targets,
        excluded,
        needs: if negated {
            Needs::default()
        } else {
            operator.needs(text)
        },
        operator,
        negated,
        transformations: actions.transformations.clone(),
        multi_match: actions.multi_match,
        capture: actions.capture,
        actions: actions.run.clone(),
    };
    Ok((link, actions))
}

impl RuleHead {
    /// Takes over what the actions of the first link say.
    ///
    /// # Errors
    ///
    /// The reason as text: the rule has no id.
    pub(crate) fn of(actions: Actions) -> Result<Self, String> {
        Ok(Self {
            id: actions.id.ok_or("the rule has no id")?,
            phase: actions.phase.unwrap_or(2),
            tags: actions.tags,
            severity: actions.severity,
            message: actions.message,
            log: actions.log.unwrap_or(true),
            disruption: actions.disruption.unwrap_or(Disruption::Block),
            skip_after: actions.skip_after,
            skip: actions.skip,
        })
    }
}

impl RuleHead {
    /// Replaces `block` by what it means in the phase.
    ///
    /// `refuses` is what `SecDefaultAction` of the phase said. Other decisions stay.
    pub(crate) fn resolve_block(&mut self, refuses: bool) {
        if self.disruption == Disruption::Block {
            self.disruption = if refuses {
                Disruption::Deny
            } else {
                Disruption::Pass
            };
        }
    }
}
