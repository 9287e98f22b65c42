//! What came of each rule: found, passed, or not checked.
//!
//! Every rule ends with exactly one outcome, so a report never claims that something is in order which
//! no one looked at.
//!
//! # How probes decide
//!
//! | call | meaning | a later call of the same rule |
//! |---|---|---|
//! | `found` | something is wrong | adds a line; a pass or a skip is replaced |
//! | `passed` | a response was in order | kept only if the rule is still open |
//! | `skipped` | not seen, or not to its end | replaces a pass, never a finding |
//! | `unless_decided` | nothing is known yet | ignored if the rule has an outcome |
//!
//! So a finding always wins, then a skip, then a pass. The order of the probes does not change the
//! result.

use std::fmt::Display;

use super::rules::{self, Rule, Severity};

/// The longest text of a service that is shown, in characters.
///
/// A longer text ends with `…`. The bound keeps a hostile service from filling the report.
const LONGEST: usize = 160;

/// What was seen at the service.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What is wrong, why, and the remedy.
    pub(crate) rule: &'static Rule,
    /// The facts: which request, which response. One line for each, cleaned.
    pub(crate) seen: Vec<String>,
}

/// All outcomes of one check.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// One element a rule, in the order in which they were found until `finish` sorts them.
    findings: Vec<Finding>,
    /// Findings whose code was given with `--accept`.
    accepted: Vec<Finding>,
    passed: Vec<&'static Rule>,
    /// The rule and the reason, which is shown to the user as it is.
    skipped: Vec<(&'static Rule, String)>,
    /// Never shown: it is replaced in each text of the service.
    secret: Option<String>,
}

impl Outcomes {
    /// Hides this key wherever a service shows it again.
    ///
    /// `None` hides nothing. The key is replaced by `[key]` in texts that are recorded after this
    /// call, so call it before the first probe. Only the exact text is found, not an encoded form.
    pub(crate) fn hide_secret(&mut self, secret: Option<&str>) {
        self.secret = secret.map(ToOwned::to_owned);
    }

    /// Records what was seen. A second call for a rule adds a line to its finding.
    ///
    /// The same line is kept once. The text is cleaned first, so two texts that differ only behind
    /// the bound are one line.
    pub(crate) fn record_finding(&mut self, rule: &'static Rule, seen: impl Display) {
        let seen = self.clean_text(&seen.to_string());
        self.passed.retain(|passed| passed.code != rule.code);
        self.skipped
            .retain(|(skipped, _)| skipped.code != rule.code);
        match self
            .findings
            .iter_mut()
            .find(|finding| finding.rule.code == rule.code)
        {
            Some(finding) if finding.seen.contains(&seen) => {}
            Some(finding) => finding.seen.push(seen),
            None => self.findings.push(Finding {
                rule,
                seen: vec![seen],
            }),
        }
    }

    /// Records that the service is in order. A finding of the same rule stays.
    pub(crate) fn record_pass(&mut self, rule: &'static Rule) {
        if self.is_open(rule) {
            self.passed.push(rule);
        }
    }

    /// Records why it was not checked, or not to its end. A finding stays, a pass does not: what was not
    /// seen to its end is not in order.
    pub(crate) fn record_skipped(&mut self, rule: &'static Rule, why: impl Display) {
        self.passed.retain(|passed| passed.code != rule.code);
        self.unless_decided(rule, why);
    }

    /// Records why it was not checked, if nothing is known of it yet.
    pub(crate) fn unless_decided(&mut self, rule: &'static Rule, why: impl Display) {
        if self.is_open(rule) {
            let why = self.clean_text(&why.to_string());
            self.skipped.push((rule, why));
        }
    }

    /// Records a finding or a pass.
    ///
    /// `Some` is a finding with what was seen; `None` is a pass.
    pub(crate) fn record_decision(&mut self, rule: &'static Rule, seen: Option<impl Display>) {
        match seen {
            Some(seen) => self.record_finding(rule, seen),
            None => self.record_pass(rule),
        }
    }

    /// Records one reason for several rules.
    pub(crate) fn skip_all(&mut self, rules: &[&'static Rule], why: impl Display) {
        let why = why.to_string();
        rules
            .iter()
            .for_each(|rule| self.record_skipped(rule, &why));
    }

    /// Takes over the outcomes of a probe that ran beside the others.
    ///
    /// Findings of both are kept. A rule that `other` skipped loses a pass here.
    pub(crate) fn join(&mut self, other: Self) {
        for finding in other.findings {
            finding
                .seen
                .iter()
                .for_each(|seen| self.record_finding(finding.rule, seen));
        }
        other.passed.iter().for_each(|rule| self.record_pass(rule));
        for (rule, why) in other.skipped {
            self.record_skipped(rule, why);
        }
    }

    /// Sorts the findings, the worst first, and gives every rule that was not decided a reason.
    ///
    /// Call it once, after [`accept`](Self::set_aside) and before any report. Findings are sorted by
    /// severity, then by the order of [`rules::all`]. The reason of a rule that no probe decided is
    /// "not reached".
    pub(crate) fn finish(&mut self) {
        for rule in rules::all_rules() {
            self.unless_decided(rule, "not reached");
        }
        let place = |rule: &Rule| rules::all_rules().position(|one| one.code == rule.code);
        self.findings.sort_by_key(|finding| {
            (
                std::cmp::Reverse(finding.rule.severity),
                place(finding.rule),
            )
        });
        self.passed.sort_by_key(|rule| place(rule));
        self.skipped.sort_by_key(|(rule, _)| place(rule));
    }

    /// Sets findings aside that are known and meant. They do not count for grade and exit code.
    ///
    /// Codes without a finding have no effect: a repaired finding must not break a script. The
    /// command refuses codes that do not exist before it gets here.
    pub(crate) fn set_aside(&mut self, codes: &[String]) {
        let all = std::mem::take(&mut self.findings).into_iter();
        let is_accepted = |finding: &Finding| codes.iter().any(|code| code == finding.rule.code);
        (self.accepted, self.findings) = all.partition(is_accepted);
    }

    /// The findings that were set aside.
    pub(crate) fn set_aside_findings(&self) -> &[Finding] {
        &self.accepted
    }

    /// The findings, the worst first.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The rules that the service keeps.
    pub(crate) fn in_order(&self) -> &[&'static Rule] {
        &self.passed
    }

    /// The rules that were not checked, and why.
    pub(crate) fn not_checked(&self) -> &[(&'static Rule, String)] {
        &self.skipped
    }

    /// The worst severity that was found.
    ///
    /// `None` if nothing was found. Accepted findings do not count.
    pub(crate) fn worst_severity(&self) -> Option<Severity> {
        self.findings
            .iter()
            .map(|finding| finding.rule.severity)
            .max()
    }

    /// The number of findings of a severity.
    pub(crate) fn count_of(&self, severity: Severity) -> usize {
        let of_it = |finding: &&Finding| finding.rule.severity == severity;
        self.findings.iter().filter(of_it).count()
    }

    /// Whether the rule has no outcome yet.
    fn is_open(&self, rule: &'static Rule) -> bool {
        let has = |one: &Rule| one.code == rule.code;
        let mut findings = self.findings.iter().chain(&self.accepted);
        !(findings.any(|finding| has(finding.rule))
            || self.passed.iter().any(|passed| has(passed))
            || self.skipped.iter().any(|(skipped, _)| has(skipped)))
    }

    /// Makes a text of the service safe to show: the key is hidden, control characters and invisible
    /// characters are written as escapes, and it is cut at [`LONGEST`].
    fn clean_text(&self, text: &str) -> String {
        let hidden = match self.secret.as_deref() {
            Some(secret) if !secret.is_empty() => text.replace(secret, "[key]"),
            _ => text.to_owned(),
        };
        escape_invisible(&hidden)
    }
}

/// Writes characters that a terminal would act on, or that no one sees, as escapes.
///
/// Escaped are: control characters (C0, C1 and DEL), zero-width and direction marks, line and
/// paragraph separators, invisible operators, the byte order mark, and tag characters. Without
/// that, a service could move the cursor, reverse a line, or hide text in a report that a language
/// model reads.
pub(crate) fn escape_invisible(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        match character {
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {
                out.extend(character.escape_unicode());
            }
            '\u{e0000}'..='\u{e0fff}' => out.extend(character.escape_unicode()),
            _ if character.is_control() => out.extend(character.escape_default()),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rules::{access::NO_LIMIT, transport::NO_TLS};

    #[test]
    fn a_rule_has_one_outcome_and_a_finding_wins() {
        let mut outcomes = Outcomes::default();
        outcomes.record_pass(&NO_LIMIT);
        outcomes.record_skipped(&NO_LIMIT, "too late");
        outcomes.record_finding(&NO_LIMIT, "30 requests");
        outcomes.record_finding(&NO_LIMIT, "30 requests");
        outcomes.record_pass(&NO_LIMIT);
        outcomes.finish();
        assert_eq!(outcomes.findings().len(), 1);
        assert_eq!(outcomes.findings()[0].seen, ["30 requests"]);
        assert!(outcomes.in_order().is_empty());
        let not_checked = outcomes.not_checked();
        assert_eq!(not_checked.len() + 1, rules::all_rules().count());
    }

    #[test]
    fn what_was_not_seen_to_its_end_is_not_in_order() {
        let mut outcomes = Outcomes::default();
        outcomes.record_pass(&NO_LIMIT);
        outcomes.record_skipped(&NO_LIMIT, "the service stopped responding");
        outcomes.record_pass(&NO_LIMIT);
        outcomes.unless_decided(&NO_LIMIT, "another reason");
        assert!(outcomes.in_order().is_empty());
        assert_eq!(outcomes.not_checked().len(), 1);
        assert_eq!(
            outcomes.not_checked()[0].1,
            "the service stopped responding"
        );
    }

    #[test]
    fn the_worst_comes_first() {
        let mut outcomes = Outcomes::default();
        outcomes.record_finding(&NO_LIMIT, "");
        outcomes.record_finding(&NO_TLS, "");
        outcomes.finish();
        assert_eq!(outcomes.findings()[0].rule.code, "no-tls");
        assert_eq!(outcomes.worst_severity(), Some(Severity::Critical));
    }

    #[test]
    fn a_service_cannot_control_the_terminal_or_show_the_key() {
        let mut outcomes = Outcomes::default();
        outcomes.hide_secret(Some("k3y"));
        outcomes.record_finding(&NO_LIMIT, "a\u{1b}[2J\u{202e}k3y\r\n\u{9b}1m");
        let seen = &outcomes.findings()[0].seen[0];
        assert_eq!(seen, "a\\u{1b}[2J\\u{202e}[key]\\r\\n\\u{9b}1m");
        assert_eq!(
            escape_invisible(&"x".repeat(1000)).chars().count(),
            LONGEST + 1
        );
    }
}
