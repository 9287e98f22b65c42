//! Everything that `palisade check` can find: one [`Rule`] each, with its remedy.
//!
//! The codes are stable: scripts and suppressions may rely on them. A new finding gets a new code, and the
//! code of a finding that is no longer made is not used again. `docs/src/reference/check.md` has a heading for
//! each code, and a test compares both.
//!
//! | module | rules | probes |
//! |---|---|---|
//! | `transport` | TLS, certificate, redirect, HSTS, slow requests | `tls_versions`, `certificate`, `clear_text`, `browser_headers`, `slow_headers` |
//! | `access` | keys, limits, origins, hosts | `credentials`, `limits`, `origins` |
//! | `input` | hostile text, errors, methods | `input`, `errors`, `methods`, `limits` |
//! | `exposure` | files, pages, banners | `exposed_paths`, `openapi`, `banners`, `browser_headers` |
//! | `headers` | headers for browsers and caches, cookies | `browser_headers`, `cookies` |
//!
//! To add a rule: add the constant to `ALL` of its file, decide it in one probe on every path, and
//! add its heading to the reference page.

pub(crate) mod access;
pub(crate) mod exposure;
pub(crate) mod headers;
pub(crate) mod input;
pub(crate) mod transport;

use std::fmt;

/// How bad a finding is. A greater value is worse.
///
/// The order of the variants is the order of the values: `Info < Low < … < Critical`. `--fail-on`,
/// the grade and the order of the report use it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Severity {
    /// Good to know. It does not change the grade.
    Info,
    /// Helps an attacker, but is no way in.
    Low,
    /// Dangerous together with another weakness.
    Medium,
    /// A stranger can use the service, read data or make it unavailable.
    High,
    /// Everything is open: content, credentials or the machine.
    Critical,
}

impl Severity {
    /// The name in lower case, as in the output and in `--fail-on`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    /// Honours width and alignment, so that the text report can print a column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that can be found, and what is known about it in advance.
///
/// What was seen at a service is a [`Finding`](super::outcome::Finding).
#[derive(Debug)]
pub(crate) struct Rule {
    /// The stable code, in lower case with hyphens.
    ///
    /// Used by `--accept`, in JSON, in SARIF as `ruleId`, and as the anchor in the HTML report.
    pub(crate) code: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub(crate) title: &'static str,
    /// Why it matters.
    pub(crate) why: &'static str,
    /// The remedy with Palisade.
    ///
    /// Names the option, the section of the configuration or the type. Text in backticks is code in
    /// the HTML report.
    pub(crate) palisade: &'static str,
    /// The remedy with nginx.
    ///
    /// A directive to copy, or a sentence where nginx alone cannot do it.
    pub(crate) nginx: &'static str,
    /// The category of the OWASP API Security Top 10 of 2023.
    pub(crate) owasp: &'static str,
    /// The requirement of OWASP ASVS 5.0.0. Empty where it has none.
    ///
    /// Written as `V12.2.1`, without the version of the standard.
    pub(crate) asvs: &'static str,
}

/// The categories of the OWASP API Security Top 10 of 2023 that a stranger can observe.
///
/// API2: the service does not verify who calls.
pub(crate) const BROKEN_AUTHENTICATION: &str = "API2:2023 Broken Authentication";
/// API4: one client can use all of the processor, the memory or the budget.
pub(crate) const RESOURCE_CONSUMPTION: &str = "API4:2023 Unrestricted Resource Consumption";
/// API8: TLS, headers, methods, errors and debug pages.
pub(crate) const MISCONFIGURATION: &str = "API8:2023 Security Misconfiguration";
/// API9: pages and descriptions that are public without a need.
pub(crate) const INVENTORY: &str = "API9:2023 Improper Inventory Management";

/// All rules, in the order of the report.
///
/// The order is fixed: JSON and SARIF of two checks can be compared line by line. `ruleIndex` of
/// SARIF is the position here.
pub(crate) fn all_rules() -> impl Iterator<Item = &'static Rule> {
    let areas: [&[&'static Rule]; 5] = [
        transport::ALL,
        access::ALL,
        input::ALL,
        exposure::ALL,
        headers::ALL,
    ];
    areas.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_every_text_is_there() {
        let mut codes = HashSet::new();
        for rule in all_rules() {
            assert!(codes.insert(rule.code), "{} twice", rule.code);
            for text in [rule.title, rule.why, rule.palisade, rule.nginx, rule.owasp] {
                assert!(!text.is_empty(), "{}", rule.code);
            }
            assert!(!rule.title.ends_with('.'), "{}", rule.code);
            assert!(rule.why.ends_with('.'), "{}", rule.code);
        }
        assert!(codes.len() >= 40, "{}", codes.len());
    }

    #[test]
    fn every_rule_has_its_section_in_the_book_with_the_same_text() {
        let page = include_str!("../../../../../docs/src/reference/check.md");
        for rule in all_rules() {
            let heading = format!("### `{}`\n", rule.code);
            let (_, section) = page
                .split_once(&heading)
                .unwrap_or_else(|| panic!("{heading} is missing"));
            let section = section.split("\n#").next().unwrap();
            let severity = capitalized(rule.severity.name());
            let texts = [
                format!("{severity}. {}. {}\n", rule.title, rule.why),
                format!("- Palisade: {}.\n", capitalized(rule.palisade)),
                format!("- nginx: `{}`\n", rule.nginx),
            ];
            for text in texts {
                assert!(section.contains(&text), "{}: {text}", rule.code);
            }
        }
    }

    fn capitalized(text: &str) -> String {
        let (first, rest) = text.split_at(1);
        first.to_ascii_uppercase() + rest
    }
}
