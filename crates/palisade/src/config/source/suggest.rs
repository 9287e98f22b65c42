//! Suggests a known name for an unknown one, for "did you mean".
//!
//! The messages of the TOML library are parsed here. If their form changes, suggestions are missing
//! and nothing else.

/// Returns the nearest known name from a message of the library about an unknown key or value.
pub(in crate::config) fn for_problem(problem: &str) -> Option<&str> {
    let list = problem
        .strip_prefix("unknown field ")
        .or_else(|| problem.strip_prefix("unknown variant "))?;
    let mut names = list.split('`').skip(1).step_by(2);
    let written = names.next()?;
    nearest(written, &names.collect::<Vec<_>>())
}

/// Returns the name of the field that the library reports as missing.
pub(in crate::config) fn missing_field(problem: &str) -> Option<&str> {
    let name = problem.strip_prefix("missing field `")?;
    name.strip_suffix('`')
}

/// Returns the most similar known name, if at most a third of its letters differ (at least one
/// may). For "did you mean" in errors of an application.
///
/// ```
/// use palisade::config::nearest_name;
///
/// assert_eq!(nearest_name("olama", &["openai", "ollama"]), Some("ollama"));
/// assert_eq!(nearest_name("whisper", &["openai", "ollama"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let written = written.to_lowercase();
    let distances = known.iter().map(|name| (distance(&written, name), *name));
    let (distance, name) = distances.min()?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(name)
}

/// Counts the letters to insert, remove, replace or swap with the next one.
///
/// This is the restricted Damerau–Levenshtein distance, also called optimal string alignment.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // The row before the last one is needed for swaps.
    let mut older: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut before = None;
    for (row, letter) in one.chars().enumerate() {
        let mut next = vec![row + 1];
        for (column, wanted) in other.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, column) + usize::from(letter != *wanted);
            let moved = at(&last, column + 1).min(at(&next, column)) + 1;
            let previous = column.checked_sub(1).and_then(|column| other.get(column));
            let is_swap = before == Some(*wanted) && previous == Some(&letter);
            let swapped = match column.checked_sub(1).filter(|_| is_swap) {
                Some(column) => at(&older, column) + 1,
                None => usize::MAX,
            };
            next.push(replaced.min(moved).min(swapped));
        }
        older = std::mem::replace(&mut last, next);
        before = Some(letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_are_counted() {
        for (one, other, count) in [
            ("", "abc", 3),
            ("proxy", "proxies", 3),
            ("haeder", "header", 1),
            ("burst", "burst", 0),
            ("rates", "rate", 1),
        ] {
            assert_eq!(distance(one, other), count, "{one} {other}");
        }
    }

    #[test]
    fn only_similar_names_are_suggested() {
        let known = ["header", "hosts", "https"];
        assert_eq!(nearest("Haeder", &known), Some("header"));
        assert_eq!(nearest("host", &known), Some("hosts"));
        assert_eq!(nearest("certificate", &known), None);
        let problem = "unknown field `polcy`, expected one of `file`, `policy`";
        assert_eq!(for_problem(problem), Some("policy"));
        assert_eq!(missing_field("missing field `rate`"), Some("rate"));
    }
}
