//! The report for a person at a terminal.
//!
//! For people; the form may change with any version. Programs use `--json`.
//!
//! ```text
//!   https://voice.example/tts?text=hello
//!   203.0.113.7, 48 requests, 2026-01-31T12:00:00Z
//!
//!   Grade C  the worst finding is medium: hsts-missing
//!
//!   medium    Strict-Transport-Security is missing  hsts-missing
//!             seen      GET / → 200
//!             palisade  every response over TLS has it; …
//!
//!   In order       31: tls-old, …
//!   Not checked    6: any-key-accepted, …
//! ```

use std::{env, io::IsTerminal as _};

use super::{Report, asvs_requirement};
use crate::check::{outcome::Finding, rules::Severity};

/// The width of the text, in characters. Fits into a terminal of 100 columns.
///
/// The number is fixed, so that a report in a log looks like one at a terminal.
const WIDTH: usize = 96;
/// Where the text of a finding begins.
const INDENT: usize = 12;

impl Report {
    /// Formats the report. With `verbose` also why each finding matters, the remedy with nginx, the
    /// references, and what is in order.
    ///
    /// Colors are used if standard output is a terminal and `NO_COLOR` is not set.
    pub(crate) fn to_text(&self, verbose: bool) -> String {
        let is_terminal = std::io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
        self.text_with(verbose, Paint(is_terminal))
    }

    /// The same with or without colors, for the tests.
    fn text_with(&self, verbose: bool, paint: Paint) -> String {
        let mut lines = vec![
            String::new(),
            format!("  {}", self.url),
            format!(
                "  {}, {} requests, {}",
                self.address,
                self.requests,
                self.start_time()
            ),
            String::new(),
            format!(
                "  {}  {}",
                paint.colored_grade(self.grade.letter),
                self.grade.reason
            ),
        ];
        lines.extend(self.notes.iter().map(|note| format!("     {note}")));
        for finding in self.outcomes.findings() {
            lines.push(String::new());
            lines.extend(finding_lines(finding, verbose, paint));
        }
        lines.push(String::new());
        lines.extend(self.other_lines(verbose));
        lines.join("\n")
    }

    /// What is accepted, in order, and not checked.
    ///
    /// One line for each list: its number, then its codes. With `verbose` a line with the reason
    /// follows for each rule that was not checked; without it a hint at `--verbose`.
    fn other_lines(&self, verbose: bool) -> Vec<String> {
        let codes = |codes: &mut dyn Iterator<Item = &'static str>| codes.collect::<Vec<_>>();
        let accepted = codes(
            &mut self
                .outcomes
                .set_aside_findings()
                .iter()
                .map(|one| one.rule.code),
        );
        let good = codes(&mut self.outcomes.in_order().iter().map(|rule| rule.code));
        let open = codes(
            &mut self
                .outcomes
                .not_checked()
                .iter()
                .map(|(rule, _)| rule.code),
        );
        let mut lines = Vec::new();
        for (title, codes) in [
            ("Accepted", accepted),
            ("In order", good),
            ("Not checked", open),
        ] {
            if !codes.is_empty() {
                let text = format!("{}: {}", codes.len(), codes.join(", "));
                lines.extend(labelled_lines(title, &text, 2, 15));
            }
        }
        if verbose {
            lines.push(String::new());
            for (rule, why) in self.outcomes.not_checked() {
                lines.extend(labelled_lines(rule.code, why, 2, 31));
            }
        } else {
            lines.push(String::new());
            lines.push("  --verbose tells why each matters and the remedy with nginx; --html FILE as well.".to_owned());
        }
        lines
    }
}

/// The first line has severity, title and code. Without `verbose` at most two lines of what was
/// seen follow, and the number of the others.
fn finding_lines(finding: &Finding, verbose: bool, paint: Paint) -> Vec<String> {
    let rule = finding.rule;
    let severity = paint.severity_name(rule.severity);
    let code = paint.dim(rule.code);
    let mut lines = vec![format!("  {severity}  {}  {code}", paint.bold(rule.title))];
    let shown = if verbose { finding.seen.len() } else { 2 };
    for seen in finding.seen.iter().take(shown) {
        lines.extend(labelled_lines("seen", seen, INDENT, 10));
    }
    if finding.seen.len() > shown {
        let more = format!("and {} more", finding.seen.len() - shown);
        lines.extend(labelled_lines("", &more, INDENT, 10));
    }
    if verbose {
        lines.extend(labelled_lines("why", rule.why, INDENT, 10));
    }
    lines.extend(labelled_lines("palisade", rule.palisade, INDENT, 10));
    if verbose {
        lines.extend(labelled_lines("nginx", rule.nginx, INDENT, 10));
        let references = format!("{}; {}", rule.owasp, asvs_requirement(rule.asvs));
        lines.extend(labelled_lines("see", &references, INDENT, 10));
    }
    lines
}

/// A label and its text, wrapped at [`WIDTH`]. `wide` is the width of the label with its space.
///
/// Lines break at spaces only. A word that is longer than the line stays whole, so that an address
/// can be copied. The text has at least 20 columns.
fn labelled_lines(label: &str, text: &str, indent: usize, wide: usize) -> Vec<String> {
    let text_width = WIDTH.saturating_sub(indent + wide).max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let length = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > text_width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    let labelled = lines.iter().zip(labels);
    labelled
        .map(|(line, label)| format!("{:indent$}{label:wide$}{line}", ""))
        .collect()
}

/// Colors, if the terminal has them.
///
/// False writes no escape sequences, for files, pipes and `NO_COLOR` (<https://no-color.org>).
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    /// Wraps a text into an escape sequence (ECMA-48, SGR), or returns it as it is.
    fn with_style(self, code: &str, text: &str) -> String {
        match self.0 {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    fn bold(self, text: &str) -> String {
        self.with_style("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with_style("2", text)
    }

    /// The name is padded to eight characters before it is colored, so that escape sequences do not
    /// count as width.
    fn severity_name(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Critical => "1;35",
            Severity::High => "1;31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        self.with_style(code, &format!("{severity:8}"))
    }

    /// Green for `A`, yellow for `B` and `C`, red for the others.
    fn colored_grade(self, letter: char) -> String {
        let code = match letter {
            'A' => "1;32",
            'B' | 'C' => "1;33",
            _ => "1;31",
        };
        self.with_style(code, &format!("Grade {letter}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_under_its_beginning() {
        let lines = labelled_lines("why", &"word ".repeat(60), 12, 10);
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[1].starts_with(&" ".repeat(22)));
    }

    #[test]
    fn a_word_without_a_space_is_kept_whole() {
        let long = "x".repeat(300);
        assert!(
            labelled_lines("seen", &long, 12, 10)
                .concat()
                .ends_with(&long)
        );
    }
}
