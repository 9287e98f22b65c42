//! Unified social credit codes of organizations in mainland China (GB 32100).
//!
//! A code has 18 characters: authority and kind, region, organization, check character. Characters that
//! look like digits (`I`, `O`, `S`, `V`, `Z`) are not used.

use std::ops::Range;

use super::super::kind::PersonalDataKind;
use super::Search;

/// The characters of a code, by value. `I`, `O`, `S`, `V` and `Z` are not among them.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Adds a token of 18 characters whose last is the check character.
pub(super) fn find(search: &mut Search<'_>, view: &str, token: &Range<usize>) {
    let code = view.get(token.clone()).unwrap_or_default();
    if code.len() == 18 && is_code(&code.to_ascii_uppercase()) {
        search.add(PersonalDataKind::CreditCode, token.clone(), 90, true);
    }
}

/// Tells whether the authority is one of the standard, and the check character fits: weights are
/// powers of three modulo 31.
fn is_code(code: &str) -> bool {
    let authority = code.starts_with(['1', '5', '9', 'A', 'N', 'Y']);
    let values: Option<Vec<usize>> = code.chars().map(|c| ALPHABET.find(c)).collect();
    let Some((check, body)) = values.as_deref().and_then(|values| values.split_last()) else {
        return false;
    };
    let mut weight = 1;
    let mut sum = 0;
    for value in body {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    authority && (31 - sum % 31) % 31 == *check
}

#[cfg(test)]
mod tests {
    use super::is_code;

    #[test]
    fn codes_with_their_check_character_are_recognized() {
        for code in ["91350100M000100Y43", "91110000600037341L"] {
            assert!(is_code(code), "{code}");
        }
        assert!(!is_code("91350100M000100Y44"));
        assert!(!is_code("81350100M000100Y43"));
        assert!(!is_code("9135010OM000100Y43"), "an O");
    }
}
