//! A rule: one link, or several that must all match.

use std::path::Path;

use super::action::{self, Action, Actions, Disruption};
use super::target::{self, Target};
use crate::operator::{Needs, Operator};
use crate::transformation::Transformation;
use crate::variables::TxNames;

/// One `SecRule` or `SecAction`.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// What is looked at, in the order of the file. Empty for `SecAction`.
    pub(crate) targets: Vec<Target>,
    /// What is left out of it.
    pub(crate) excluded: Vec<Target>,
    /// What is asked of each value.
    pub(crate) operator: Operator,
    /// `!`: the value must not match.
    pub(crate) negated: bool,
    /// What a value must contain for the operator to match.
    pub(crate) needs: Needs,
    /// What is done to each value before.
    pub(crate) transformations: Vec<Transformation>,
    /// Whether the operator sees the value after each transformation.
    pub(crate) multi_match: bool,
    /// Whether the groups of the match become `TX.0` to `TX.9`.
    pub(crate) capture: bool,
    /// What happens at each match.
    pub(crate) actions: Vec<Action>,
}

/// What the first link says about the whole rule.
#[derive(Clone, Debug)]
pub(crate) struct RuleHead {
    pub(crate) id: u64,
    pub(crate) phase: u8,
    pub(crate) tags: Vec<String>,
    pub(crate) severity: Option<u8>,
    pub(crate) message: String,
    /// Whether a match is reported.
    pub(crate) log: bool,
    pub(crate) disruption: Disruption,
    pub(crate) skip_after: Option<String>,
    pub(crate) skip: usize,
}

/// A whole rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) head: RuleHead,
    pub(crate) links: Vec<Link>,
}

/// Reads one `SecRule` (with targets and an operator) or `SecAction`.
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
