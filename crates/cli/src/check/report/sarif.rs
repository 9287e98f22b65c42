//! The report in SARIF 2.1.0 (OASIS), which code hosts show beside the code.
//!
//! One log with one run. Its tool is `palisade check`; its rules are all rules, also those without
//! a finding, so that a code host can show what was looked for.
//!
//! | severity | `level` | `security-severity` |
//! |---|---|---|
//! | critical | `error` | 9.5 |
//! | high | `error` | 8.0 |
//! | medium | `warning` | 5.5 |
//! | low | `note` | 3.0 |
//! | info | `note` | 0.0 |
//!
//! A service has no source lines, so the location of a result is the address that was checked.
//! Accepted findings are results with a suppression of the kind `external` (SARIF 2.1.0, section
//! 3.35). Rules that passed and rules that were not checked are no results.

use serde_json::{Value, json};

use super::{Report, asvs_requirement};
use crate::check::{
    outcome::Finding,
    rules::{self, Rule, Severity},
};

impl Report {
    /// Formats the report as a SARIF log with one run.
    pub(crate) fn to_sarif(&self) -> String {
        let rules: Vec<&Rule> = rules::all_rules().collect();
        let findings = self.outcomes.findings().iter().map(|one| (one, false));
        let accepted = self
            .outcomes
            .set_aside_findings()
            .iter()
            .map(|one| (one, true));
        let results: Vec<Value> = findings
            .chain(accepted)
            .map(|(finding, accepted)| self.finding_result(finding, &rules, accepted))
            .collect();
        let log = json!({
            "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "palisade check",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules.iter().map(|rule| rule_descriptor(rule)).collect::<Vec<_>>(),
                }},
                "invocations": [{"executionSuccessful": true, "startTimeUtc": self.start_time()}],
                "properties": {
                    "grade": self.grade.letter.to_string(),
                    "gradeReason": self.grade.reason,
                    "requests": self.requests,
                },
                "results": results,
            }],
        });
        format!("{log:#}\n")
    }

    /// Makes the result of one finding. The fingerprint is the rule and the address, so that a code
    /// host recognizes the finding in the next check.
    fn finding_result(&self, finding: &Finding, rules: &[&Rule], accepted: bool) -> Value {
        let rule = finding.rule;
        let place = rules.iter().position(|one| one.code == rule.code);
        let message = format!("{}. Seen: {}", rule.title, finding.seen.join("; "));
        let mut result = json!({
            "ruleId": rule.code,
            "ruleIndex": place,
            "level": sarif_level(rule.severity),
            "message": {"text": message},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": self.url}}}],
            // One finding of a rule at one address, however it shows itself.
            "partialFingerprints": {"rule/v1": format!("{} {}", rule.code, self.url)},
        });
        if accepted && let Some(members) = result.as_object_mut() {
            let suppression = json!([{"kind": "external", "justification": "--accept"}]);
            members.insert("suppressions".to_owned(), suppression);
        }
        result
    }
}

/// Makes the `reportingDescriptor` of a rule (SARIF 2.1.0, section 3.49), with help as text and as
/// Markdown.
fn rule_descriptor(rule: &Rule) -> Value {
    let help = format!(
        "{} With Palisade: {}. With nginx: {}. {}; {}.",
        rule.why,
        rule.palisade,
        rule.nginx,
        rule.owasp,
        asvs_requirement(rule.asvs)
    );
    let markdown = format!(
        "{}\n\n**Palisade**: {}\n\n**nginx**: `{}`\n\n{}; {}",
        rule.why,
        rule.palisade,
        rule.nginx,
        rule.owasp,
        asvs_requirement(rule.asvs)
    );
    json!({
        "id": rule.code,
        "name": pascal_case(rule.code),
        "shortDescription": {"text": format!("{}.", rule.title)},
        "fullDescription": {"text": rule.why},
        "help": {"text": help, "markdown": markdown},
        "defaultConfiguration": {"level": sarif_level(rule.severity)},
        "properties": {
            "tags": ["security"],
            "security-severity": security_severity(rule.severity),
        },
    })
}

/// Makes a `level` of a severity (SARIF 2.1.0, section 3.27.10).
fn sarif_level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// The number that code hosts sort by, within the ranges of CVSS.
///
/// Each value lies within a range of CVSS 3.1: low to 3.9, medium to 6.9, high to 8.9,
/// critical to 10.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.0",
        Severity::Low => "3.0",
        Severity::Medium => "5.5",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}

/// `no-tls` as `NoTls`, as SARIF recommends for names of rules.
fn pascal_case(code: &str) -> String {
    let words = code.split('-').map(|word| {
        let mut characters = word.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters).collect::<String>()
    });
    words.collect()
}
