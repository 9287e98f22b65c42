//! The report for programs.
//!
//! One object, indented, at standard output:
//!
//! | member | type | meaning |
//! |---|---|---|
//! | `version` | number | 1; greater if a member changes or goes away |
//! | `url`, `address` | text | what was checked, and the IP address that was used |
//! | `time` | text | the start, RFC 3339 in UTC |
//! | `requests` | number | connections that were opened |
//! | `grade` | object | `letter` and `reason` |
//! | `notes` | list of texts | remarks that are no findings |
//! | `findings`, `accepted` | lists | objects as below, the worst first |
//! | `passed` | list of codes | rules that are in order |
//! | `not_checked` | list | objects with `code` and `reason` |
//!
//! A finding has `code`, `severity`, `title`, `why`, `seen` (a list of texts), `fix` with
//! `palisade` and `nginx`, `owasp`, and `asvs`, which is null where the standard has no
//! requirement.
//!
//! New members may be added without a new version: ignore those that you do not know.

use serde_json::{Value, json};

use super::Report;
use crate::check::outcome::Finding;

/// The version of this form. It changes if a member changes its meaning or goes away.
const VERSION: u32 = 1;

impl Report {
    /// Formats the report as one JSON object.
    pub(crate) fn to_json(&self) -> String {
        let skipped = self.outcomes.not_checked().iter();
        let skipped: Vec<Value> = skipped
            .map(|(rule, why)| json!({"code": rule.code, "reason": why}))
            .collect();
        let passed = self.outcomes.in_order().iter();
        let passed: Vec<&str> = passed.map(|rule| rule.code).collect();
        let report = json!({
            "version": VERSION,
            "url": self.url,
            "address": self.address.to_string(),
            "time": self.start_time(),
            "requests": self.requests,
            "grade": {"letter": self.grade.letter.to_string(), "reason": self.grade.reason},
            "notes": self.notes,
            "findings": finding_values(self.outcomes.findings()),
            "accepted": finding_values(self.outcomes.set_aside_findings()),
            "passed": passed,
            "not_checked": skipped,
        });
        format!("{report:#}")
    }
}

/// Writes findings as a list of objects, in their order.
fn finding_values(findings: &[Finding]) -> Vec<Value> {
    let value = |finding: &Finding| {
        let rule = finding.rule;
        json!({
            "code": rule.code,
            "severity": rule.severity.name(),
            "title": rule.title,
            "why": rule.why,
            "seen": finding.seen,
            "fix": {"palisade": rule.palisade, "nginx": rule.nginx},
            "owasp": rule.owasp,
            "asvs": (!rule.asvs.is_empty()).then_some(rule.asvs),
        })
    };
    findings.iter().map(value).collect()
}
