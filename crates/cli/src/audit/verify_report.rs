//! What `palisade audit verify` prints: the report for people, and as JSON for programs.

use palisade_audit::{Finding, FindingClass, VerifyOutcome, VerifyReport};
use serde_json::{Value, json};

/// Returns the outcome in words.
///
/// In JSON the space is an underscore: `not_intact`.
fn outcome_text(report: &VerifyReport) -> &'static str {
    match report.outcome() {
        VerifyOutcome::Intact => "intact",
        VerifyOutcome::Incidents => "incidents",
        _ => "not intact",
    }
}

/// Returns the report as JSON.
///
/// Programs read the members by name: later versions may add some.
pub(super) fn report_document(report: &VerifyReport) -> Value {
    json!({
        "outcome": outcome_text(report).replace(' ', "_"),
        "intact": report.is_intact(),
        "findings": report.findings.iter().map(finding_document).collect::<Vec<_>>(),
        "findings_total": report.findings_total,
        "records": report.records,
        "requests": report.requests,
        "folded": report.folded,
        "events": report.events,
        "unfinished": report.unfinished,
        "lost": report.lost,
        "events_lost": report.events_lost,
        "turned_away": report.turned_away,
        "recoveries": report.recoveries,
        "torn_bytes": report.torn_bytes,
        "interruptions": report.interruptions,
        "uncounted_interruptions": report.uncounted_interruptions,
        "unproven": report.unproven,
        "roots": report.roots,
        "clock_steps": report.clock_steps,
        "gaps": report.gaps_total,
        "retired": report.retired,
        "files": report.files,
        "first": report.first,
        "closed": report.closed,
        "anchor": report.last.to_string(),
        "trail": report.trail,
        "key": report.key,
        "checkpoints": {
            "found": report.checkpoints.found,
            "valid": report.checkpoints.valid,
            "forged": report.checkpoints.forged,
            "unknown": report.checkpoints.unknown,
        },
    })
}

/// Returns a finding as JSON.
///
/// The members are named as those of the records: `record` is the sequence number.
fn finding_document(finding: &Finding) -> Value {
    json!({
        "class": finding_class(finding),
        "file": finding.file.as_ref().map(|file| file.display().to_string()),
        "line": finding.line,
        "record": finding.sequence,
        "reason": finding.reason.to_string(),
        "acknowledged_by": finding.acknowledged_by,
    })
}

/// Returns the class of a finding.
///
/// `broken` is the class for which the exit code is 1.
fn finding_class(finding: &Finding) -> &'static str {
    match finding.class() {
        FindingClass::Acknowledged => "acknowledged",
        FindingClass::Incident => "incident",
        _ => "broken",
    }
}

/// Writes the report for people: the findings, the outcome, then the counts that are not zero.
///
/// The findings come first: a person reads them, and the last lines repeat in each run.
pub(super) fn report_summary(report: &VerifyReport) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(finding_line).collect();
    if report.findings_total > u64::try_from(report.findings.len()).unwrap_or(u64::MAX) {
        lines.push(format!("  {} findings in all", report.findings_total));
    }
    lines.push(format!(
        "{}: {} records of {} requests in {} files, from record {}",
        outcome_text(report),
        report.records,
        report.requests,
        report.files,
        report.first
    ));
    let remarks = counted_remarks(report);
    let remarks = remarks.iter().filter(|(count, _)| *count > 0);
    lines.extend(remarks.map(|(count, remark)| format!("  {count} {remark}")));
    if !report.closed {
        lines.push("  not closed: the server still runs, or was killed".into());
    }
    if !report.checkpoints.found {
        lines.push(
            "  no checkpoints: a cut end would not show; give --checkpoints or --anchor".into(),
        );
    }
    match &report.key {
        Some(key) => lines.push(format!("  written with key {key}")),
        None => lines.push(
            "  written without a key: an attacker who can write the file can rewrite all of it"
                .into(),
        ),
    }
    lines.push(format!("  anchor {}", report.last));
    lines.join("\n")
}

/// Writes a finding in one line. Names in it are escaped, since they come from the file.
///
/// An acknowledged finding names the person, so that a reader knows whom to ask.
fn finding_line(finding: &Finding) -> String {
    match (finding.class(), &finding.acknowledged_by) {
        (FindingClass::Acknowledged, Some(by)) => {
            format!("acknowledged by {}: {finding}", by.escape_debug())
        }
        (FindingClass::Incident, _) => format!("incident: {finding}"),
        _ => format!("not intact: {finding}"),
    }
}

/// Returns the counts of the report with what each of them counts.
///
/// Counts that are zero are not printed. Most remarks are no fault: a killed process leaves requests
/// without an end.
fn counted_remarks(report: &VerifyReport) -> [(u64, &'static str); 14] {
    [
        (
            report.folded,
            "repeated refusals and connection events are counted, not listed",
        ),
        (
            report.unfinished,
            "requests have no end: they still run, or the process was killed",
        ),
        (
            report.lost,
            "requests were not recorded, by the writer's own count",
        ),
        (
            report.events_lost,
            "events were not recorded, by the writer's own count",
        ),
        (
            report.turned_away,
            "requests were refused because they could not be recorded",
        ),
        (
            report.recoveries,
            "times the writer set something aside and continued",
        ),
        (
            report.interruptions,
            "times a process ended without closing the trail",
        ),
        (
            report.uncounted_interruptions,
            "of those may have lost records without a count: the writer was not fail-closed",
        ),
        (
            report.unproven,
            "records could not be proven: the record before them is missing or bad",
        ),
        (report.roots, "roots of the Merkle tree were compared"),
        (report.clock_steps, "times the clock of the machine was set"),
        (report.gaps_total, "times no record was written for long"),
        (
            report.retired,
            "is the last record that was deleted in order (retention)",
        ),
        (
            report.checkpoints.valid,
            "checkpoints have the right signature",
        ),
    ]
}
