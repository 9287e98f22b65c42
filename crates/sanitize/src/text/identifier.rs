//! Identifiers by Unicode Technical Standard 39: characters that are in use, one script, and no word
//! that looks like another.

use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection};

use super::refused::Refused;

/// Checks a text by the identifier profile, the scripts and the confusable words.
///
/// # Errors
///
/// [`Refused::NotAllowed`], [`Refused::MixedScripts`] or [`Refused::Confusable`].
pub(super) fn check(text: &str) -> Result<(), Refused> {
    if text.is_ascii() {
        let allowed = |c: char| c == ' ' || c.identifier_allowed();
        return text
            .chars()
            .all(allowed)
            .then_some(())
            .ok_or(Refused::NotAllowed);
    }
    // A label may have several words. The space is the one character that is added to the profile.
    let words: String = text.chars().filter(|&c| c != ' ').collect();
    if !words.chars().all(|c| c.identifier_allowed()) {
        return Err(Refused::NotAllowed);
    }
    // Latin may stand beside Chinese, Japanese or Korean; anything else is of one script.
    let words = words.as_str();
    if !words.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Err(Refused::MixedScripts);
    }
    if looks_like_ascii(words) {
        return Err(Refused::Confusable);
    }
    Ok(())
}

/// Tells whether a word in Greek, Cyrillic or Armenian letters looks like a word in ASCII letters.
pub(super) fn looks_like_ascii(word: &str) -> bool {
    let foreign = |c: char| matches!(c, '\u{370}'..='\u{58f}');
    word.chars().any(foreign)
        && unicode_security::confusable_detection::skeleton(word).all(|c| c.is_ascii())
}

/// Returns the form under which look-alike texts are equal: the skeleton of Unicode Technical
/// Standard 39.
///
/// Two names with equal skeletons look alike to a reader. Store the skeleton beside a name, and
/// refuse a new name whose skeleton exists. Do not display the skeleton, and do not use it as the
/// name. Clean the name first, for instance with
/// [`Sanitizer::identifier`](crate::Sanitizer::identifier).
///
/// A new version of the Unicode data may change skeletons: compute stored ones again after an
/// update.
///
/// ```
/// use palisade_sanitize::skeleton;
///
/// assert_eq!(skeleton("раураl"), skeleton("paypal"));
/// assert_ne!(skeleton("paypal"), skeleton("payday"));
/// ```
#[must_use]
pub fn skeleton(text: &str) -> String {
    unicode_security::confusable_detection::skeleton(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_script_pass() {
        for name in [
            "voice 一",
            "alice_2",
            "o'neill",
            "Москва",
            "Ελλάδα",
            "東京タワー2",
            "서울 abc",
            "مريم",
            "naïve",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn restricted_mixed_and_confusable_names_are_refused() {
        for (name, why) in [
            ("a\u{2800}b", Refused::NotAllowed),
            ("a\u{378}", Refused::NotAllowed),
            ("a/b", Refused::NotAllowed),
            ("pаypal", Refused::MixedScripts), // with a Cyrillic а
            ("моя voice", Refused::MixedScripts),
            ("рауса", Refused::Confusable), // Cyrillic throughout
            ("ορα ν", Refused::Confusable),
        ] {
            assert_eq!(check(name), Err(why), "{name}");
        }
    }
}
