//! Names that a lenient parser treats as the name of a field.
//!
//! Go compares JSON names without regard to case. PHP makes a list of `text[]` and stops at a NUL.
//! Old query parsers also separate parameters by `;`.

use palisade_internal::percent;
use unicode_normalization::UnicodeNormalization;

/// Returns the form under which such names are equal.
///
/// It is percent-decoded once more, ends before a NUL or a bracket, and holds only letters and
/// digits, of compatible characters, in lower case.
pub(crate) fn near_key(name: &str) -> String {
    let decoded = percent::decode(name);
    let decoded = String::from_utf8_lossy(&decoded);
    let end = decoded.find(['\0', '[']).unwrap_or(decoded.len());
    let name = decoded.get(..end).unwrap_or_default();
    let folded = name
        .nfkc()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase);
    folded
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// Tells whether a name differs from that of a field but has the same key.
pub(crate) fn is_near(name: &str, field: &str) -> bool {
    name != field && near_key(name) == near_key(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_spelling_are_near_and_other_names_are_not() {
        for name in [
            "Text",
            "TEXT",
            "text[]",
            "text[0][a]",
            "text\0",
            "text\0x",
            " text",
            "text ",
            "te\u{200b}xt",
            "ｔext",
            "te_xt",
            "text.",
            "%74ext",
        ] {
            assert!(is_near(name, "text"), "{name:?}");
        }
        for name in [
            "text", "texts", "ext", "x[text]", "context", "text2", "", "[]",
        ] {
            assert!(!is_near(name, "text"), "{name:?}");
        }
        assert!(is_near("ſpeed", "speed") && is_near("\u{212a}ey", "key"));
    }
}
