//! The report as one HTML file: no script, nothing loaded from elsewhere, light and dark.
//!
//! The page works from a file and in a mail: style is inside, and a Content-Security-Policy forbids
//! everything else, so that a text of the service could not run even if escaping failed. `noindex`
//! and `no-referrer` keep the report from being found by accident.
//!
//! Order of the page: address, letter and reason; notes; numbers by severity; findings, the worst
//! first and open; accepted findings; rules in order; rules that were not checked; the table of the
//! grades.
//!
//! Each finding has its code as `id`, so that a link to `report.html#no-tls` opens it.

use std::fmt::Write as _;

use palisade_internal::html::escape;

use super::{Report, asvs_requirement};
use crate::check::{grade::SCALE, outcome::Finding, rules::Severity};

/// The style of the page. Beside this file, so that an editor knows what it is.
///
/// Colors follow `prefers-color-scheme`. No font is loaded.
const STYLE: &str = include_str!("report.css");

impl Report {
    /// Formats the report as a page.
    ///
    /// Every text is escaped, whether it is ours or the service's: none can become markup.
    pub(crate) fn to_html(&self) -> String {
        let letter = self.grade.letter;
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{letter}: {url}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
            url = escape(&self.url),
        );
        self.write_head(&mut page);
        page.push_str("<h2>Findings</h2>\n");
        if self.outcomes.findings().is_empty() {
            page.push_str("<p class=\"none\">Nothing was found.</p>\n");
        }
        for finding in self.outcomes.findings() {
            write_finding(&mut page, finding);
        }
        if !self.outcomes.set_aside_findings().is_empty() {
            page.push_str("<h2>Accepted</h2>\n");
        }
        for finding in self.outcomes.set_aside_findings() {
            write_finding(&mut page, finding);
        }
        self.write_rest(&mut page);
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }

    /// Writes the address, the letter, the facts, the notes and the numbers by severity. The letter
    /// as a picture is hidden from screen readers: the next line says it in words.
    fn write_head(&self, page: &mut String) {
        let (letter, reason) = (self.grade.letter, escape(&self.grade.reason));
        let _ = write!(
            page,
            "<header>\n<div class=\"grade grade-{letter}\" aria-hidden=\"true\">{letter}</div>\n\
             <div>\n<h1>{url}</h1>\n<p><strong>Grade {letter}</strong>: {reason}.</p>\n\
             <p class=\"facts\">{address}, {requests} requests, {date}</p>\n</div>\n</header>\n",
            url = escape(&self.url),
            address = self.address,
            requests = self.requests,
            date = self.start_time(),
        );
        for note in &self.notes {
            let _ = writeln!(page, "<p class=\"note\">{}</p>", escape(note));
        }
        page.push_str("<ul class=\"counts\">\n");
        for severity in [
            Severity::Critical,
            Severity::High,
            Severity::Medium,
            Severity::Low,
            Severity::Info,
        ] {
            let count = self.outcomes.count_of(severity);
            let name = severity.name();
            let zero = if count == 0 { " zero" } else { "" };
            let _ = writeln!(
                page,
                "<li class=\"{name}{zero}\"><b>{count}</b> {name}</li>"
            );
        }
        page.push_str("</ul>\n");
    }

    /// Writes what is in order, what was not checked, and the table of grades. The lists are closed
    /// at first.
    fn write_rest(&self, page: &mut String) {
        let passed = self.outcomes.in_order();
        let _ = write!(
            page,
            "<h2>In order</h2>\n<details>\n<summary>{} rules</summary>\n<ul class=\"rules\">\n",
            passed.len()
        );
        for rule in passed {
            let _ = writeln!(page, "<li><code>{}</code></li>", rule.code);
        }
        let skipped = self.outcomes.not_checked();
        let _ = write!(
            page,
            "</ul>\n</details>\n<h2>Not checked</h2>\n<details>\n<summary>{} rules</summary>\n<dl>\n",
            skipped.len()
        );
        for (rule, why) in skipped {
            let _ = writeln!(
                page,
                "<dt><code>{}</code></dt><dd>{}</dd>",
                rule.code,
                escape(why)
            );
        }
        page.push_str("</dl>\n</details>\n<h2>The grades</h2>\n<dl class=\"scale\">\n");
        for (letter, meaning) in SCALE {
            let _ = writeln!(page, "<dt>{letter}</dt><dd>{meaning}</dd>");
        }
        page.push_str("</dl>\n");
    }
}

/// Writes one finding. High and critical ones are open at first.
fn write_finding(page: &mut String, finding: &Finding) {
    let rule = finding.rule;
    let severity = rule.severity.name();
    let open = if rule.severity >= Severity::High {
        " open"
    } else {
        ""
    };
    let _ = write!(
        page,
        "<details class=\"finding {severity}\" id=\"{code}\"{open}>\n\
         <summary><span class=\"badge\">{severity}</span> <span class=\"title\">{title}</span></summary>\n\
         <p>{why}</p>\n<h3>Seen</h3>\n<ul class=\"seen\">\n",
        code = rule.code,
        title = escape(rule.title),
        why = escape(rule.why),
    );
    for seen in &finding.seen {
        let _ = writeln!(page, "<li>{}</li>", escape(seen));
    }
    let _ = write!(
        page,
        "</ul>\n<h3>With Palisade</h3>\n<p>{palisade}</p>\n<h3>With nginx</h3>\n<pre>{nginx}</pre>\n\
         <p class=\"references\"><code>{code}</code> · {owasp} · {asvs}</p>\n</details>\n",
        palisade = with_code(rule.palisade),
        nginx = escape(rule.nginx),
        code = rule.code,
        owasp = escape(rule.owasp),
        asvs = escape(&asvs_requirement(rule.asvs)),
    );
}

/// Escapes a text and shows what is between backticks as code.
///
/// The text is ours, so the backticks come in pairs. An open one would make the rest code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(place, part)| match place % 2 {
        1 => format!("<code>{}</code>", escape(part)),
        _ => escape(part),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backticks_become_markup() {
        assert_eq!(with_code("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
    }
}
