//! JSON that is read before it is forwarded: names of keys, and how much memory a document takes.
//!
//! Some servers compare names of keys without case, by the folding of Unicode.

/// The most objects, lists and commas of a document. Parsed, it then takes some 30 MB at most, and not a hundred times its
/// length.
const MOST_VALUES: usize = 100_000;

/// Returns whether a document has more than 100,000 values. Counts the characters outside texts that begin one, before
/// anything is parsed.
pub(crate) fn has_too_many_values(raw: &[u8]) -> bool {
    let (mut in_text, mut is_escaped, mut count) = (false, false, 0);
    for byte in raw {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' | b',' if !in_text => count += 1,
            _ => {}
        }
    }
    count > MOST_VALUES
}

/// Returns a name in the form in which such servers compare it: `MAX_TOKENS` and `max_to\u{212A}ens` (with a Kelvin sign) are
/// `max_tokens`.
pub(crate) fn fold_name(name: &str) -> String {
    name.chars().map(fold_letter).collect()
}

/// Folds a letter. Only two that are not ASCII fold to one that is.
const fn fold_letter(letter: char) -> char {
    match letter {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        letter => letter.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_fold_to_ascii_are_folded() {
        assert_eq!(fold_name("MAX_TO\u{212A}ENS"), "max_tokens");
        assert_eq!(fold_name("\u{17F}peech"), "speech");
        assert_eq!(fold_name("\u{131}nput"), "\u{131}nput");
    }
}
