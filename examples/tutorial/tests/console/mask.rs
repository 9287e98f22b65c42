//! What differs from one run to the next: identifiers, seconds to wait, and what is left of a limit meanwhile.

use std::sync::LazyLock;

use regex::Regex;

/// Patterns, and what replaces each on both sides of the comparison.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let patterns = [
        (r"\bkey [0-9A-Za-z]{12}\b", "key ID"),
        (r"\b[0-9a-f]{32}\b", "REQUEST-ID"),
        (r"anchor \d+:[0-9a-f]{64}", "anchor N:HASH"),
        // On a slow machine a limit admits one request more, and a checkpoint is written meanwhile.
        (r"\d+ records of \d+ requests", "N records of N requests"),
        (r"\d+ (repeated refusals|checkpoints|roots)", "N $1"),
        (r"(?m)^retry-after: [1-6]$", "retry-after: SECONDS"),
        (r#""client";r=4\d;t=\d+"#, "\"client\";r=REMAINING"),
        (r";t=[1-6]\b", ";t=SECONDS"),
    ];
    let compile = |(pattern, name)| (Regex::new(pattern).unwrap(), name);
    patterns.map(compile).into()
});

/// Returns a text without what differs, and without spaces at the ends of its lines.
pub fn mask(text: &str) -> String {
    // Only root gets this advice, and tests may run as root.
    let is_for_root = |line: &&str| line.contains("belongs to root; if the service runs");
    let lines = text.lines().map(str::trim_end);
    let lines: Vec<&str> = lines.filter(|line| !is_for_root(line)).collect();
    let joined = lines.join("\n");
    let masked = PATTERNS.iter().fold(joined, |text, (pattern, name)| {
        pattern.replace_all(&text, *name).into_owned()
    });
    masked.trim_end().to_owned()
}
