//! Writes the report as one page of HTML.
//!
//! The page has no script, loads nothing, and forbids both by its content security policy. Every
//! text that comes from the trail goes through [`escape_visibly`].

use std::{fmt::Write as _, time::Duration};

use palisade_internal::html::escape_visibly;

use super::{Top, TrailReport, chart};
use crate::{
    record::timestamp::rfc3339,
    verify::{FindingClass, VerifyOutcome, VerifyReport},
};

const STYLE: &str = include_str!("page.css");

/// Rows of a table.
const ROWS: usize = 12;
/// Findings of the verification that are listed. `palisade audit verify` lists all.
const MAX_FINDINGS: usize = 12;

/// Writes the page, from what an operator needs first to what he needs last: the period, what the numbers are
/// worth, the sums, then who was refused, who asked, how long it took, and what it cost.
pub(super) fn page(report: &TrailReport, title: &str, verified: Option<&VerifyReport>) -> String {
    let title = escape_visibly(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Audit report: {title}</title><style>{STYLE}</style></head><body>\n<h1>Audit report: {title}</h1>\n"
    );
    page += &period(report);
    page += &verification(verified);
    page += &unreadable_parts(report);
    if report.sampled > 0 {
        let _ = writeln!(
            page,
            "<p class=muted>{} records are samples: they stand for about {} requests. All numbers below count records.</p>",
            report.sampled, report.sampled_from
        );
    }
    page += &numbers(report);
    page += "<h2>Requests over time</h2>";
    page += &chart::timeline(&report.timeline);
    page += "<p class=\"key muted\"><span class=answered></span>answered<span class=refused></span>refused</p>\n";
    page += "<h2>Refusals</h2><div class=tables>";
    page += &table("By guard and code", "Refusal", &report.by_refusal);
    page += &table("By client address", "Client", &report.refused_clients);
    page += "</div>\n<h2>Requests</h2><div class=tables>";
    page += &table("By principal", "Principal", &report.by_principal);
    page += &table("By client address", "Client", &report.by_client);
    page += &table("By route", "Route", &report.by_route);
    page += &table("Without a complete response", "Outcome", &report.by_outcome);
    page += "</div>\n<h2>Duration and cost</h2>";
    page += &chart::latency(&report.latency);
    page += &durations(report);
    page += &costs(report);
    page += "<h2>Events</h2><div class=tables>";
    page += &table("By identifier", "Event", &report.by_event);
    page += "</div>\n</body></html>\n";
    page
}

/// Writes from when to when the records are.
fn period(report: &TrailReport) -> String {
    let moment = |time: Duration| {
        let text = rfc3339(time);
        text.get(..19).unwrap_or_default().replace('T', " ")
    };
    match report.times {
        Some((first, last)) => {
            format!(
                "<p class=muted>{} to {} (UTC)</p>\n",
                moment(first),
                moment(last)
            )
        }
        None => "<p class=none>No records meet the conditions.</p>\n".to_owned(),
    }
}

/// Writes the result of the verification and its findings.
///
/// A page without a verification says so at the same place: numbers from a file that somebody may have edited
/// look like any others.
fn verification(verified: Option<&VerifyReport>) -> String {
    let Some(verified) = verified else {
        return "<div class=state><strong>The records are not verified.</strong> \
                Run <code>palisade audit verify</code>.</div>\n"
            .to_owned();
    };
    let (class, text) = match verified.outcome() {
        VerifyOutcome::Intact => (
            "good",
            "Intact: no record was changed, and none is missing.",
        ),
        VerifyOutcome::Incidents => ("", "Incidents: an operator must check them."),
        VerifyOutcome::NotIntact => (
            "bad",
            "Not intact: records were altered, removed or forged.",
        ),
    };
    let mut out = format!(
        "<div class=\"state {class}\"><strong>{text}</strong> Records: {}, files: {}, first record: {}.",
        verified.records, verified.files, verified.first
    );
    for (count, what) in [
        (
            verified.lost,
            "requests were not recorded, by the writer's own count",
        ),
        (
            verified.interruptions,
            "times a process ended without closing the trail",
        ),
        (verified.unfinished, "requests have no end record"),
        (verified.gaps_total, "times no record was written for long"),
    ] {
        if count > 0 {
            let _ = write!(out, "<p>{count} {what}.</p>");
        }
    }
    if !verified.checkpoints.found {
        out += "<p>No checkpoints were found: a cut end would not show.</p>";
    }
    if verified.key.is_none() {
        out += "<p>Written without a key: an attacker who can write the file can rewrite all of it.</p>";
    }
    if !verified.findings.is_empty() {
        out += "<table><caption>Findings</caption>";
        for finding in verified.findings.iter().take(MAX_FINDINGS) {
            let class = match finding.class() {
                FindingClass::Acknowledged => "acknowledged",
                FindingClass::Broken => "not intact",
                FindingClass::Incident => "incident",
            };
            let _ = write!(
                out,
                "<tr><td>{class}<td>{}",
                escape_visibly(&finding.to_string())
            );
        }
        let _ = write!(
            out,
            "</table><p>Findings in all: {}. <code>palisade audit verify</code> lists them.</p>",
            verified.findings_total
        );
    }
    out + "</div>\n"
}

/// Writes which files could not be read: their records are missing in all numbers.
fn unreadable_parts(report: &TrailReport) -> String {
    if report.unreadable_parts.is_empty() {
        return String::new();
    }
    let mut out = "<div class=\"state bad\"><strong>Files that could not be read:</strong> their records are missing \
                   in these numbers.<ul>"
        .to_owned();
    for part in report.unreadable_parts.iter().take(MAX_FINDINGS) {
        let name = part.display().to_string();
        let _ = write!(out, "<li>{}", escape_visibly(&name));
    }
    let _ = writeln!(
        out,
        "</ul><p>Files in all: {}.</p></div>",
        report.unreadable_parts.len()
    );
    out
}

/// Writes the most important numbers: recorded requests, refusals, repetitions, server errors, events.
fn numbers(report: &TrailReport) -> String {
    let server_errors = report.by_class.get(&5).copied().unwrap_or(0);
    let mut out = "<ul class=numbers>".to_owned();
    for (number, what) in [
        (report.requests, "requests with a record"),
        (report.refused(), "refused"),
        (report.folded, "repetitions, counted only"),
        (server_errors, "with status 5xx"),
        (report.events, "events"),
    ] {
        let _ = write!(out, "<li><b>{number}</b>{what}");
    }
    out + "</ul>\n"
}

/// Writes a table of the largest counts, and the sum of the others. A sentence stands in place of an empty one.
fn table(caption: &str, column: &str, top: &Top) -> String {
    let largest = top.largest(ROWS);
    if largest.entries.is_empty() {
        return format!("<p class=none>{caption}: none.</p>");
    }
    let mut out =
        format!("<table><caption>{caption}</caption><tr><th>{column}<th class=number>Count");
    for (name, count) in largest.entries {
        let _ = write!(
            out,
            "<tr><td>{}<td class=number>{count}",
            escape_visibly(name)
        );
    }
    if largest.others > 0 {
        let _ = write!(
            out,
            "<tr><td class=muted>others<td class=number>{}",
            largest.others
        );
    }
    out + "</table>"
}

/// Writes quantiles of the duration. They are ends of intervals that double, and so at most twice the true value.
fn durations(report: &TrailReport) -> String {
    if report.latency.count() == 0 {
        return String::new();
    }
    let quantile = |thousandths: u64| duration(report.latency.quantile(thousandths));
    format!(
        "<p>Half of the requests took at most {}, 95 % at most {}, 99 % at most {}, all at most {}.</p>\n",
        quantile(500),
        quantile(950),
        quantile(990),
        quantile(1000)
    )
}

/// Writes what requests cost, by unit.
fn costs(report: &TrailReport) -> String {
    if report.costs.is_empty() {
        return String::new();
    }
    let mut out = "<table><caption>Cost that handlers reported</caption>\
                   <tr><th>Unit<th class=number>Sum"
        .to_owned();
    for (unit, sum) in &report.costs {
        let _ = write!(
            out,
            "<tr><td>{}<td class=number>{sum}",
            escape_visibly(unit)
        );
    }
    out + "</table>\n"
}

/// Writes a duration with three digits at most.
pub(super) fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..1000 => format!("{micros} µs"),
        micros @ 1000..1_000_000 => format!("{} ms", micros / 1000),
        micros => format!("{} s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let text = |micros| duration(Duration::from_micros(micros));
        assert_eq!(
            [text(999), text(64_000), text(1_024_000)],
            ["999 µs", "64 ms", "1 s"]
        );
    }
}
