//! The tables of characters: classes, and the properties of scripts that the rules need.
//!
//! The ranges are short because they follow the grouping of Unicode. The tests compare them with
//! the properties of the `regex` crate.
//!
//! Sources: UnicodeData.txt, PropList.txt, Scripts.txt and emoji-data.txt of the Unicode Character
//! Database. When the database changes, the tests fail with the code points that differ.
//!
//! `suspect` decides about one character alone. Some classes are justified by neighbors, such as a
//! joiner between letters of a cursive script; that is the work of `neighbours`.
//!
//! The order of the arms counts: the frequent characters come first, and a code point has the first
//! class that fits.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use super::Class;

/// Returns the class of a character, unless its neighbors justify it.
///
/// `None` for ordinary text. Printable ASCII and the usual Chinese characters are decided first.
pub(crate) fn suspect(c: char) -> Option<Class> {
    Some(match c {
        ' '..='~' | '\u{3400}'..='\u{d7ff}' => return None,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Class::Space
        }
        '\0' => Class::Nul,
        '\t' => Class::Tab,
        '\n' => Class::LineFeed,
        '\u{b}'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineBreak,
        '\u{1}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Class::Control,
        '\u{61c}' | '\u{200e}' | '\u{200f}' => Class::BidiMark,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Class::BidiControl,
        '\u{200c}' | '\u{200d}' => Class::Joiner,
        '\u{180b}'..='\u{180d}'
        | '\u{180f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}' => Class::VariationSelector,
        '\u{e0000}'..='\u{e007f}' => Class::Tag,
        c if is_noncharacter(c) => Class::Noncharacter,
        c if is_invisible(c) => Class::Invisible,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => Class::PrivateUse,
        _ => return None,
    })
}

/// Tells whether Unicode reserves the code point for ever: U+FDD0 to U+FDEF, and the last two of
/// each plane.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || (u32::from(c) & 0xfffe) == 0xfffe
}

/// The characters with the Unicode property `Default_Ignorable_Code_Point` that have no class of
/// their own, those that stand for something that is not text, the controls of Egyptian hieroglyphs,
/// the filler of the Khitan script (U+16FE4), the note without a head (U+1D159), and the Braille pattern without dots (U+2800).
///
/// The soft hyphen, the zero width space and the byte order mark are among them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{13430}'..='\u{13440}'
            | '\u{16fe4}'
            | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0080}'..='\u{e00ff}'
            | '\u{e01f0}'..='\u{e0fff}'
    )
}

/// Tells whether a character shows nothing when it is alone.
///
/// A text of blank characters alone counts as empty.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || suspect(c).is_some_and(|class| class != Class::PrivateUse)
}

/// Tells whether a character is a combining mark.
///
/// The ranges without any mark are excluded before the table is searched.
pub(crate) fn is_mark(c: char) -> bool {
    !matches!(c, '\0'..='\u{2ff}' | '\u{3400}'..='\u{a66e}' | '\u{ac00}'..='\u{d7ff}')
        && is_combining_mark(c)
}

/// Tells whether a character is a virama, which removes the vowel of a letter.
///
/// Canonical combining class 9 of the Unicode Character Database.
pub(crate) fn is_virama(c: char) -> bool {
    canonical_combining_class(c) == 9
}

/// Tells whether a character is a skin tone modifier of an emoji.
pub(crate) fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Tells whether a character is an ideograph.
///
/// The unified ideographs with their extensions, and the compatibility ideographs.
pub(crate) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Scripts whose letters change their form beside a joiner.
pub(crate) fn is_cursive(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{74f}' // Arabic, Syriac
            | '\u{750}'..='\u{77f}'
            | '\u{7c0}'..='\u{7ff}' // N'Ko
            | '\u{840}'..='\u{8ff}' // Mandaic, Syriac, Arabic
            | '\u{1800}'..='\u{18af}' // Mongolian
            | '\u{a840}'..='\u{a87f}' // Phags-pa
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}'
            | '\u{10d00}'..='\u{10d3f}' // Hanifi Rohingya
            | '\u{1e900}'..='\u{1e95f}' // Adlam
    )
}

/// Tells whether a character is of the small script of Khitan.
pub(crate) fn is_khitan(c: char) -> bool {
    matches!(c, '\u{18b00}'..='\u{18cff}')
}

/// Tells whether a character is an initial consonant of Hangul, in its conjoining form.
pub(crate) fn is_hangul_initial(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115e}' | '\u{a960}'..='\u{a97c}')
}

/// Tells whether a character is a vowel of Hangul, in its conjoining form.
pub(crate) fn is_hangul_vowel(c: char) -> bool {
    matches!(c, '\u{1161}'..='\u{11a7}' | '\u{d7b0}'..='\u{d7c6}')
}

/// Tells whether a character is an Egyptian hieroglyph.
pub(crate) fn is_hieroglyph(c: char) -> bool {
    matches!(c, '\u{13000}'..='\u{1342f}' | '\u{13440}'..='\u{143ff}')
}

/// Tells whether a character is a Braille pattern with dots.
pub(crate) fn is_braille(c: char) -> bool {
    matches!(c, '\u{2801}'..='\u{28ff}')
}

/// Tells whether a character is of the Mongolian script, whose selectors choose letter forms.
pub(crate) fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1800}'..='\u{18af}')
}

/// Scripts of the Brahmi family, in which a joiner chooses the form of a cluster.
pub(crate) fn is_brahmic(c: char) -> bool {
    matches!(
        c,
        '\u{900}'..='\u{dff}' // Devanagari to Sinhala
            | '\u{f00}'..='\u{109f}' // Tibetan, Myanmar
            | '\u{1700}'..='\u{17ff}' // Philippine scripts, Khmer
            | '\u{1900}'..='\u{194f}'
            | '\u{1a20}'..='\u{1aaf}'
            | '\u{1b00}'..='\u{1c4f}'
            | '\u{a8e0}'..='\u{a8ff}'
            | '\u{a980}'..='\u{a9df}'
            | '\u{aa60}'..='\u{aa7f}'
            | '\u{11000}'..='\u{11fff}'
    )
}

/// Tells whether the script is written without spaces and marks words with U+200B.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
            | '\u{1000}'..='\u{109f}' // Myanmar
            | '\u{1780}'..='\u{17ff}' // Khmer
            | '\u{1950}'..='\u{19ff}' // Tai Le, New Tai Lue, Khmer symbols
            | '\u{1a20}'..='\u{1aaf}' // Tai Tham
            | '\u{1b00}'..='\u{1b7f}' // Balinese
            | '\u{a980}'..='\u{a9df}' // Javanese
            | '\u{a9e0}'..='\u{a9ff}'
            | '\u{aa60}'..='\u{aadf}' // Myanmar, Tai Viet
    )
}

/// Tells whether a character can begin an emoji (the property `Extended_Pictographic`).
pub(crate) fn is_pictograph(c: char) -> bool {
    match c {
        '\0'..='\u{a8}' => false,
        '\u{1f000}'..='\u{1fffd}' => is_pictograph_of_plane_1(c),
        _ => is_pictograph_of_plane_0(c),
    }
}

/// Those of the Basic Multilingual Plane (Extended_Pictographic of emoji-data.txt).
#[rustfmt::skip] // a table reads better in rows
fn is_pictograph_of_plane_0(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{2199}'
        | '\u{21a9}'..='\u{21aa}' | '\u{231a}'..='\u{231b}' | '\u{2328}' | '\u{2388}' | '\u{23cf}'
        | '\u{23e9}'..='\u{23f3}' | '\u{23f8}'..='\u{23fa}' | '\u{24c2}' | '\u{25aa}'..='\u{25ab}' | '\u{25b6}'
        | '\u{25c0}' | '\u{25fb}'..='\u{25fe}' | '\u{2600}'..='\u{2605}' | '\u{2607}'..='\u{2612}'
        | '\u{2614}'..='\u{2685}' | '\u{2690}'..='\u{2705}' | '\u{2708}'..='\u{2712}' | '\u{2714}' | '\u{2716}'
        | '\u{271d}' | '\u{2721}' | '\u{2728}' | '\u{2733}'..='\u{2734}' | '\u{2744}' | '\u{2747}' | '\u{274c}'
        | '\u{274e}' | '\u{2753}'..='\u{2755}' | '\u{2757}' | '\u{2763}'..='\u{2767}' | '\u{2795}'..='\u{2797}'
        | '\u{27a1}' | '\u{27b0}' | '\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b07}'
        | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}')
}

/// Those of the Supplementary Multilingual Plane, from the same file.
#[rustfmt::skip]
fn is_pictograph_of_plane_1(c: char) -> bool {
    matches!(c,
        '\u{1f000}'..='\u{1f0ff}' | '\u{1f10d}'..='\u{1f10f}' | '\u{1f12f}' | '\u{1f16c}'..='\u{1f171}'
        | '\u{1f17e}'..='\u{1f17f}' | '\u{1f18e}' | '\u{1f191}'..='\u{1f19a}' | '\u{1f1ad}'..='\u{1f1e5}'
        | '\u{1f201}'..='\u{1f20f}' | '\u{1f21a}' | '\u{1f22f}' | '\u{1f232}'..='\u{1f23a}'
        | '\u{1f23c}'..='\u{1f23f}' | '\u{1f249}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1f53d}'
        | '\u{1f546}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6ff}' | '\u{1f774}'..='\u{1f77f}'
        | '\u{1f7d5}'..='\u{1f7ff}' | '\u{1f80c}'..='\u{1f80f}' | '\u{1f848}'..='\u{1f84f}'
        | '\u{1f85a}'..='\u{1f85f}' | '\u{1f888}'..='\u{1f88f}' | '\u{1f8ae}'..='\u{1f8ff}'
        | '\u{1f90c}'..='\u{1f93a}' | '\u{1f93c}'..='\u{1f945}' | '\u{1f947}'..='\u{1faff}'
        | '\u{1fc00}'..='\u{1fffd}')
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn holds(property: &str, check: impl Fn(char, bool)) {
        let regex = Regex::new(property).unwrap();
        for c in '\0'..=char::MAX {
            check(c, regex.is_match(c.encode_utf8(&mut [0; 4])));
        }
    }

    #[test]
    fn pictographs_are_those_of_unicode() {
        // Newer versions of Unicode take reserved code points out again, never assigned ones.
        holds(r"\p{Extended_Pictographic}", |c, expected| {
            if expected {
                assert!(is_pictograph(c), "{:x} is one", u32::from(c));
            }
        });
        holds(r"[\p{Extended_Pictographic}\p{So}\p{Cn}]", |c, expected| {
            assert!(expected || !is_pictograph(c), "{:x} is none", u32::from(c));
        });
    }

    #[test]
    fn nothing_that_may_be_left_out_of_the_display_is_overlooked() {
        holds(r"\p{Default_Ignorable_Code_Point}", |c, expected| {
            assert!(!expected || suspect(c).is_some(), "{:x}", u32::from(c));
        });
    }

    #[test]
    fn every_control_character_is_suspect() {
        holds(r"\p{Cc}", |c, expected| {
            let found = matches!(
                suspect(c),
                Some(Class::Control | Class::LineBreak | Class::LineFeed | Class::Nul | Class::Tab)
            );
            let separator = matches!(c, '\u{2028}' | '\u{2029}');
            assert_eq!(found, expected || separator, "{:x}", u32::from(c));
        });
    }

    #[test]
    fn bidirectional_controls_are_those_of_unicode() {
        holds(r"\p{Bidi_Control}", |c, expected| {
            let found = matches!(suspect(c), Some(Class::BidiControl | Class::BidiMark));
            assert_eq!(found, expected, "{:x}", u32::from(c));
        });
    }

    #[test]
    fn noncharacters_and_private_use_are_those_of_unicode() {
        holds(r"\p{Noncharacter_Code_Point}", |c, expected| {
            assert_eq!(
                suspect(c) == Some(Class::Noncharacter),
                expected,
                "{:x}",
                u32::from(c)
            );
        });
        holds(r"\p{Co}", |c, expected| {
            assert_eq!(
                suspect(c) == Some(Class::PrivateUse),
                expected,
                "{:x}",
                u32::from(c)
            );
        });
    }

    #[test]
    fn selectors_are_those_of_unicode() {
        holds(r"\p{Variation_Selector}", |c, expected| {
            assert_eq!(
                suspect(c) == Some(Class::VariationSelector),
                expected,
                "{:x}",
                u32::from(c)
            );
        });
    }

    #[test]
    fn no_letter_digit_or_punctuation_is_suspect() {
        holds(r"[\p{L}\p{N}\p{P}\p{S} ]", |c, expected| {
            let blank_letter = matches!(
                c,
                '\u{115f}'
                    | '\u{1160}'
                    | '\u{2800}'
                    | '\u{3164}'
                    | '\u{ffa0}'
                    | '\u{fffc}'
                    | '\u{1d159}'
            );
            assert!(
                !expected || blank_letter || suspect(c).is_none(),
                "{:x}",
                u32::from(c)
            );
        });
    }

    #[test]
    fn unusual_spaces_are_those_of_unicode() {
        holds(r"\p{Zs}", |c, expected| {
            let found = c == ' ' || suspect(c) == Some(Class::Space);
            assert_eq!(found, expected, "{:x}", u32::from(c));
        });
    }

    #[test]
    fn marks_are_those_of_unicode() {
        let unassigned = Regex::new(r"\p{Cn}").unwrap();
        holds(r"\p{M}", |c, expected| {
            // The tables of the two libraries may be a version of Unicode apart.
            let newer = || unassigned.is_match(c.encode_utf8(&mut [0; 4]));
            assert!(is_mark(c) == expected || newer(), "{:x}", u32::from(c));
        });
    }
}
