//! `palisade audit verify`.

use std::path::PathBuf;

use clap::Args;
use palisade_audit::{
    Anchor, AuditKey, Finding, VerifyError, VerifyOptions, VerifyReport, verify_file,
};
use serde_json::json;

use crate::{Failure, output};

const EXAMPLES: &str = "\
Rotated parts beside the file are verified with it, oldest first. Exit code 0: intact. 1: not, and the first bad record
is named. 2: it could not be read.

Whoever can write the file can cut its end off. Keep the last record's anchor elsewhere, and give it the next time.

Examples:
  palisade audit verify audit.jsonl
  palisade audit verify audit.jsonl --key audit.key --json
  palisade audit verify audit.jsonl --anchor 1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Checks that every record is what was written, in its place, and none is missing
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// The file that is written, or was
    file: PathBuf,
    /// The key that the trail was written with
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A record that must be there, as an earlier run named it
    #[arg(long, value_name = "SEQUENCE:HASH")]
    anchor: Option<Anchor>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        match verify_file(&self.file, &self.options()?) {
            Ok(report) => Ok(output::result(self.intact(&report))?),
            Err(VerifyError::Broken(finding)) => {
                output::result(self.broken(&finding))?;
                Err(Failure::No)
            }
            Err(VerifyError::Io(problem)) => Err(Failure::new(format_args!(
                "cannot read {}: {problem}",
                self.file.display()
            ))),
            Err(problem) => Err(problem.into()),
        }
    }

    fn options(&self) -> Result<VerifyOptions, Failure> {
        let mut options = VerifyOptions::new();
        if let Some(key) = &self.key {
            options = options.key(AuditKey::from_file(key)?);
        }
        if let Some(anchor) = self.anchor {
            options = options.anchor(anchor);
        }
        Ok(options)
    }

    fn intact(&self, report: &VerifyReport) -> String {
        if self.json {
            return json!({
                "intact": true,
                "records": report.records,
                "requests": report.requests,
                "unfinished": report.unfinished,
                "lost": report.lost,
                "turned_away": report.turned_away,
                "recoveries": report.recoveries,
                "torn_bytes": report.torn_bytes,
                "files": report.files,
                "first": report.first,
                "anchor": report.last.to_string(),
                "key": report.key,
            })
            .to_string();
        }
        told(report)
    }

    fn broken(&self, finding: &Finding) -> String {
        if self.json {
            return json!({
                "intact": false,
                "file": finding.file.as_ref().map(|file| file.display().to_string()),
                "line": finding.line,
                "record": finding.sequence,
                "reason": finding.reason.to_string(),
            })
            .to_string();
        }
        format!("not intact: {finding}")
    }
}

/// Tells what is there, and of what is not as it should be only that.
fn told(report: &VerifyReport) -> String {
    let mut lines = vec![format!(
        "intact: {} records of {} requests in {} files, from record {}",
        report.records, report.requests, report.files, report.first
    )];
    let remarks = [
        (
            report.unfinished,
            "requests have no end: they still run, or the process was killed",
        ),
        (
            report.lost,
            "requests were not recorded, by the writer's own count",
        ),
        (
            report.turned_away,
            "requests were refused because they could not be recorded",
        ),
        (
            report.recoveries,
            "times the writer set something damaged aside and went on",
        ),
    ];
    for (count, remark) in remarks {
        if count > 0 {
            lines.push(format!("  {count} {remark}"));
        }
    }
    match &report.key {
        Some(key) => lines.push(format!("  written with key {key}")),
        None => lines.push(
            "  written without a key: whoever can write the file can write all of it anew".into(),
        ),
    }
    lines.push(format!("  anchor {}", report.last));
    lines.join("\n")
}
