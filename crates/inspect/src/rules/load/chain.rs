//! Rules of several links: `SecRule` with the action `chain`, and the `SecRule` that follow it.

use std::path::Path;

use super::Loader;
use crate::seclang::{Actions, Link, Rule, RuleHead, parse_link};

/// The chain that is being read.
///
/// A chain is one rule of several `SecRule` that follow each other, each but the last with the
/// action `chain`.
#[derive(Debug, Default)]
pub(super) enum Chain {
    /// The next rule starts a chain.
    #[default]
    None,
    /// The next rule is the next link.
    Open(Box<Rule>),
    /// A link could not be read; the rest is skipped.
    ///
    /// A chain without one of its links would match more than its author meant, so none of it is
    /// kept. Only the broken link is reported.
    Broken,
}

impl Loader {
    /// Reads a rule or the next link of one.
    ///
    /// A link that fails breaks its chain, and the links after it are skipped without a report of
    /// their own.
    pub(super) fn link(
        &mut self,
        arguments: &[String],
        is_action: bool,
        folder: &Path,
    ) -> Result<(), String> {
        let chain = std::mem::take(&mut self.chain);
        let continues = arguments.last().is_some_and(|text| has_chain(text));
        let parsed = parse_link(arguments, is_action, folder, &mut self.names);
        if let Ok((_, actions)) = &parsed {
            self.left_out.clone_from(&actions.left_out);
        }
        let rule = match (chain, parsed) {
            (Chain::Broken, _) => {
                self.chain = if continues {
                    Chain::Broken
                } else {
                    Chain::None
                };
                return Ok(());
            }
            (_, Err(reason)) => {
                self.chain = if continues {
                    Chain::Broken
                } else {
                    Chain::None
                };
                return Err(reason);
            }
            (Chain::None, Ok((link, actions))) => self.first_link(link, actions, continues)?,
            (Chain::Open(mut rule), Ok((link, _))) => {
                rule.links.push(link);
                rule
            }
        };
        if continues {
            self.chain = Chain::Open(rule);
        } else {
            self.ids.insert(rule.head.id);
            self.rules.push(*rule);
        }
        Ok(())
    }

    /// Starts a rule.
    ///
    /// Only the first link has id, phase and tags. A rule without id, or with one that is taken,
    /// is an error.
    fn first_link(
        &mut self,
        link: Link,
        actions: Actions,
        continues: bool,
    ) -> Result<Box<Rule>, String> {
        let head = RuleHead::of(actions).and_then(|head| match self.ids.contains(&head.id) {
            true => Err(format!("the id {} is used twice", head.id)),
            false => Ok(head),
        });
        match head {
            Ok(head) => Ok(Box::new(Rule {
                head,
                links: vec![link],
            })),
            Err(reason) => {
                self.chain = if continues {
                    Chain::Broken
                } else {
                    Chain::None
                };
                Err(reason)
            }
        }
    }
}

/// Whether a list of actions says that another link follows.
///
/// It looks at the text, so that the response is known even if the actions cannot be read.
fn has_chain(actions: &str) -> bool {
    actions
        .split(',')
        .any(|action| action.trim().eq_ignore_ascii_case("chain"))
}
