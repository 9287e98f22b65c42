//! Prints what was examined: as lines, or as one JSON object.

use palisade_jwt::IssuerReport;
use serde_json::{Value, json};

use super::findings::{self, Finding};
use crate::{clock_skew, failure::Failure, output, token_decision::Decision};

/// What was examined.
pub(super) struct Examined<'a> {
    pub(super) issuer: &'a str,
    pub(super) report: &'a IssuerReport,
    pub(super) findings: &'a [Finding],
    pub(super) sample: Option<&'a Decision>,
}

impl Examined<'_> {
    /// Prints one line a fact, then one a finding. Names come from the issuer, so they are escaped.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub(super) fn print_report(&self) -> Result<(), Failure> {
        let line = |name: &str, text: &str| {
            output::print_result(format_args!("{name:<9} {}", output::escape_control(text)))
        };
        line("issuer", self.issuer)?;
        if let Some(metadata) = &self.report.metadata {
            line("metadata", &metadata.url)?;
        }
        if let Some(url) = &self.report.keys_url {
            line("keys", url)?;
        }
        for key in self.usable_keys() {
            line("key", &key)?;
        }
        if let Some(seconds) = self.skew_seconds() {
            line("clock", &format!("differs by {seconds} s"))?;
        }
        match self.sample {
            None => {}
            Some(Decision::Accepted(who)) => line("sample", &format!("accepted: {who}"))?,
            Some(Decision::Refused { reason, .. }) => line("sample", reason)?,
        }
        for finding in self.findings {
            line("finding", &format!("{}: {}", finding.code, finding.text))?;
        }
        Ok(())
    }

    /// The algorithm and the name of each usable key.
    fn usable_keys(&self) -> Vec<String> {
        let keys = self.report.keys.iter().flat_map(|set| set.keys());
        let line = |key: &palisade_jwt::VerifyingKey| {
            let name = key.kid().unwrap_or("(no kid)");
            format!("{:<6} {name}", key.algorithm().name())
        };
        keys.map(line).collect()
    }

    /// The difference of the clocks in whole seconds.
    fn skew_seconds(&self) -> Option<u64> {
        let (ours, theirs) = findings::both_times(self.report)?;
        Some(clock_skew::time_difference(ours, theirs).as_secs())
    }

    /// One object with all of it. What is not known is `null`.
    pub(super) fn to_json(&self) -> Value {
        let report = self.report;
        let set = report.keys.as_ref();
        let keys = set.into_iter().flat_map(|set| set.keys());
        let skipped = set.into_iter().flat_map(|set| set.skipped());
        json!({
            "issuer": self.issuer,
            "metadata": report.metadata.as_ref().map(|metadata| json!({
                "url": metadata.url,
                "issuer": metadata.issuer,
                "jwks_uri": metadata.jwks_uri,
            })),
            "keys_url": report.keys_url,
            "keys": keys.map(|key| json!({
                "kid": key.kid(),
                "algorithm": key.algorithm().name(),
            })).collect::<Vec<_>>(),
            "skipped": skipped.map(|key| json!({
                "index": key.index,
                "kid": key.kid,
                "reason": key.reason.to_string(),
            })).collect::<Vec<_>>(),
            "max_age_seconds": report.max_age.map(|age| age.as_secs()),
            "clock_skew_seconds": self.skew_seconds(),
            "sample": self.sample.map(Decision::to_json),
            "findings": self.findings.iter().map(|finding| json!({
                "code": finding.code,
                "text": finding.text,
            })).collect::<Vec<_>>(),
        })
    }
}
