//! Splits a SecLang file into directives and their arguments.
//!
//! The format is that of Apache's configuration files: one directive a line, `\` at the end of a
//! line continues it, `#` starts a comment line, arguments stand in double quotes where they hold
//! blanks. Inside quotes only `\"` is an escape; every other backslash belongs to the pattern.
//!
//! An example of one directive on three lines:
//!
//! ```text
//! SecRule ARGS "@rx ^a\"b" \
//!     "id:1,phase:2,\
//!     deny"
//! ```

/// One directive: its line in the file, its name and its arguments.
///
/// Nothing is known yet about whether the name exists or the arguments fit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Directive {
    /// The number of the line it starts on, from 1.
    ///
    /// It is for messages. Lines that continue another have no number of their own.
    pub(crate) line: usize,
    /// The name as written, such as `SecRule`.
    ///
    /// The reader compares it without case.
    pub(crate) name: String,
    /// The arguments without their quotes.
    ///
    /// `SecRule` has two or three: targets, operator and actions.
    pub(crate) arguments: Vec<String>,
}

/// Splits a file into directives. Never fails: what is no directive is found by its reader.
///
/// Cost: one pass and a copy of each directive. A file that ends inside a continued line gives
/// what was read.
pub(crate) fn directives(file: &str) -> Vec<Directive> {
    let mut found = Vec::new();
    let mut joined = String::new();
    let mut start = 1;
    for (index, line) in file.lines().enumerate() {
        if joined.is_empty() {
            start = index + 1;
            if line.trim_start().starts_with('#') {
                continue;
            }
        }
        if let Some(kept) = line.trim_end_matches('\r').strip_suffix('\\') {
            joined.push_str(kept);
            // Marks the continuation of a directive even where the line held nothing else.
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        found.extend(read_directive(start, &joined));
        joined.clear();
    }
    found.extend(read_directive(start, &joined));
    found
}

/// Reads one joined line. `None` if it is blank.
fn read_directive(line: usize, text: &str) -> Option<Directive> {
    let mut words = split_words(text).into_iter();
    let name = words.next()?;
    Some(Directive {
        line,
        name,
        arguments: words.collect(),
    })
}

/// Splits a line at blanks, except inside quotes.
///
/// A quote counts as such only at the start of a word.
fn split_words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => split_quoted(rest, first),
            _ => rest.split_at(bare_end(rest)),
        };
        found.push(unescape_word(word, first));
        rest = after.trim_start();
    }
    found
}

/// Where a word without quotes ends. A target may hold quotes in its middle:
/// `ARGS:'/a b/'|ARGS`.
fn bare_end(text: &str) -> usize {
    let mut inside = false;
    for (index, character) in text.char_indices() {
        match character {
            '\'' => inside = !inside,
            _ if character.is_whitespace() && !inside => return index,
            _ => {}
        }
    }
    // A quote that never closes belongs to the word: then blanks end it.
    if inside {
        return text.find(char::is_whitespace).unwrap_or(text.len());
    }
    text.len()
}

/// The text between quotes, and what follows the closing quote.
///
/// A quote that is never closed takes the rest of the line.
fn split_quoted(text: &str, quote: char) -> (&str, &str) {
    let inner = text.get(quote.len_utf8()..).unwrap_or_default();
    let mut escaped = false;
    for (index, character) in inner.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => {
                let (word, after) = inner.split_at(index);
                return (word, after.get(quote.len_utf8()..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (inner, "")
}

/// Removes the backslash before the quote that encloses a word.
fn unescape_word(word: &str, quote: char) -> String {
    match quote {
        '"' => word.replace("\\\"", "\""),
        '\'' => word.replace("\\'", "'"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expected: &[(usize, &[&str])]) {
        let found = directives(file);
        let found: Vec<(usize, Vec<&str>)> = found
            .iter()
            .map(|d| {
                let words = std::iter::once(&d.name).chain(&d.arguments);
                (d.line, words.map(String::as_str).collect())
            })
            .collect();
        let expected: Vec<(usize, Vec<&str>)> =
            expected.iter().map(|(l, w)| (*l, w.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_backslash_at_the_end_continues_the_directive() {
        check(
            "# no\nSecRule A \\\n  \"@rx b\" \\\n  \"id:1\"\nSecMarker X",
            &[
                (2, &["SecRule", "A", "@rx b", "id:1"]),
                (5, &["SecMarker", "X"]),
            ],
        );
    }

    #[test]
    fn only_an_escaped_quote_loses_its_backslash() {
        check(
            r#"SecRule A "@rx \"\d\\" "#,
            &[(1, &["SecRule", "A", r#"@rx "\d\\"#])],
        );
    }

    #[test]
    fn windows_line_ends_continue_too() {
        check("SecRule A \\\r\n\"b\"\r\n", &[(1, &["SecRule", "A", "b"])]);
    }

    #[test]
    fn a_selector_in_single_quotes_may_hold_blanks() {
        check(
            "SecRule ARGS:'/a b/'|XML \"c\"",
            &[(1, &["SecRule", "ARGS:'/a b/'|XML", "c"])],
        );
    }

    #[test]
    fn a_quote_that_never_closes_ends_with_the_file() {
        check("SecRule A \"@rx b", &[(1, &["SecRule", "A", "@rx b"])]);
    }
}
