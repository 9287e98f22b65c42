//! Changes of rules: `SecRuleRemoveBy…` and `SecRuleUpdateTargetBy…`.

use super::Loader;
use crate::operator::pattern;
use crate::seclang::{Directive, Rule, parse_range, parse_targets};

impl Loader {
    /// Removes rules, or changes what they look at.
    ///
    /// `SecRuleUpdateTargetBy…` adds targets to the first link of the rules it means; those with
    /// `!` are exclusions. One that means no rule does nothing.
    ///
    /// # Errors
    ///
    /// The selection or a target cannot be read. A directive that selects no rule is no error.
    pub(super) fn update(&mut self, directive: &Directive) -> Result<(), String> {
        let name = directive.name.to_ascii_lowercase();
        let Some((which, rest)) = directive.arguments.split_first() else {
            return Ok(());
        };
        if name.starts_with("secruleremove") {
            // Several ids may stand side by side.
            for which in directive
                .arguments
                .iter()
                .flat_map(|which| which.split(','))
            {
                let meant = parse_selection(&name, which.trim())?;
                self.remove(|rule| meant(rule));
            }
            return Ok(());
        }
        let meant = parse_selection(&name, which)?;
        let targets = parse_targets(&rest.join("|"), &mut self.names)?;
        for rule in self.rules.iter_mut().filter(|rule| meant(rule)) {
            if let Some(link) = rule.links.first_mut() {
                let (excluded, added): (Vec<_>, Vec<_>) =
                    targets.iter().cloned().partition(|target| target.excluded);
                link.excluded.extend(excluded);
                link.targets.extend(added);
            }
        }
        Ok(())
    }

    /// Removes rules, and keeps the markers in their places.
    ///
    /// A marker counts the rules before it, so it moves down by each removed one.
    fn remove(&mut self, meant: impl Fn(&Rule) -> bool) {
        let removed: Vec<bool> = self.rules.iter().map(&meant).collect();
        for (_, place) in &mut self.markers {
            *place -= removed
                .iter()
                .take(*place)
                .filter(|removed| **removed)
                .count();
        }
        self.rules.retain(|rule| !meant(rule));
    }
}

/// Which rules a directive means: by id or range, by tag, or by message.
///
/// Tag and message are patterns, as in ModSecurity, and match anywhere in the text.
///
/// # Errors
///
/// Not a range of identifiers, or a pattern that cannot be compiled.
fn parse_selection(name: &str, which: &str) -> Result<Box<dyn Fn(&Rule) -> bool>, String> {
    if name.ends_with("byid") {
        let (from, to) = parse_range(which)?;
        return Ok(Box::new(move |rule| (from..=to).contains(&rule.head.id)));
    }
    let pattern = pattern::compile(which)?;
    if name.ends_with("bytag") {
        return Ok(Box::new(move |rule| {
            rule.head
                .tags
                .iter()
                .any(|tag| pattern.is_match(tag.as_bytes()))
        }));
    }
    Ok(Box::new(move |rule| {
        pattern.is_match(rule.head.message.as_bytes())
    }))
}
