//! Rules for invisible characters by their context: which are needed where they are.
//!
//! The filter keeps a `Before` for the text that it has kept and asks it about each next character.
//!
//! | Character | Needed |
//! |---|---|
//! | ZWNJ (U+200C) | in Persian between parts of a word; after a virama; in Bengali between vowels |
//! | ZWJ (U+200D) | after a letter of a cursive script; after a virama; between two pictographs |
//! | U+FE0E, U+FE0F | after the 371 characters with two presentations; in keycaps |
//! | U+FE00–FE0D, Mongolian selectors | in the pairs of StandardizedVariants |
//! | U+200B | between letters of scripts without spaces, such as Thai and Khmer |
//! | U+034F | between two combining marks |
//! | U+180E | between two Mongolian letters |
//! | U+115F, U+1160 | in place of the consonant or the vowel of a syllable of Hangul |
//! | U+2800 | beside a Braille pattern with dots |
//! | U+13430–13440 | between Egyptian hieroglyphs |
//! | U+16FE4 | behind a character of the small script of Khitan |
//!
//! The decision looks at one character before and at most four after, so a pass takes linear time.

use super::Class;
use super::tables::{
    is_brahmic, is_braille, is_cursive, is_hangul_initial, is_hangul_vowel, is_hieroglyph,
    is_ideograph, is_khitan, is_mark, is_mongolian, is_pictograph, is_skin_tone, is_unspaced,
    is_virama, suspect,
};
use super::variants::{is_emoji_variation_base, is_standardized_variant};

/// Marks behind which Persian joins an ending to a quoted word: «کتاب»‌ها.
const CLOSING: [char; 5] = [')', ']', '»', '”', '’'];

/// Keeps Persian letters from joining. Between other letters it can hide a word from a filter.
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
/// Joins emoji into one, and letters of some scripts.
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Marks where a line may break, in scripts without spaces.
const ZERO_WIDTH_SPACE: char = '\u{200b}';
/// Keeps marks in their order. It has no other use in a text.
const GRAPHEME_JOINER: char = '\u{34f}';
/// A pattern of Braille without dots: it looks like a space and is none.
const BRAILLE_BLANK: char = '\u{2800}';
/// Stands for a missing first consonant of a Korean syllable.
const HANGUL_INITIAL_FILLER: char = '\u{115f}';
/// Stands for a missing vowel of a Korean syllable.
const HANGUL_VOWEL_FILLER: char = '\u{1160}';
/// Arranges the parts of a word of Khitan.
const KHITAN_FILLER: char = '\u{16fe4}';
/// Puts the digit before it on a key: 1️⃣.
const KEYCAP: char = '\u{20e3}';
/// Joins an ending to a Mongolian word. Elsewhere it is invisible.
const MONGOLIAN_VOWEL_SEPARATOR: char = '\u{180e}';

/// The characters kept so far, as far as the next decision needs them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    /// The character just before.
    last: Option<char>,
    /// The last one that is no mark, selector, joiner or skin tone.
    base: Option<char>,
    /// How many marks follow the base. Many of them cover the lines above and below.
    marks: usize,
}

impl Before {
    /// Records a character that was kept.
    pub(crate) fn push(&mut self, c: char) {
        self.last = Some(c);
        if is_mark(c) {
            self.marks = self.marks.saturating_add(1);
        } else if !is_skin_tone(c)
            && !matches!(suspect(c), Some(Class::Joiner | Class::VariationSelector))
        {
            self.base = Some(c);
            self.marks = 0;
        }
    }

    /// Returns the class of `c` in this position, or `None` if plain text needs it here.
    pub(crate) fn class_of(&self, c: char, rest: &str, max_marks: usize) -> Option<Class> {
        let Some(class) = suspect(c) else {
            let excess = self.marks >= max_marks && is_mark(c);
            return excess.then_some(Class::CombiningMark);
        };
        let next = rest.chars().next();
        match class {
            Class::Joiner if self.needs_joiner(c, behind_joiners(rest)) => None,
            Class::VariationSelector => self.selector_class(c, next),
            Class::Invisible if self.needs_invisible(c, next) => None,
            _ => Some(class),
        }
    }

    /// Tells whether the script or an emoji sequence needs the joiner here.
    fn needs_joiner(&self, joiner: char, next: Option<char>) -> bool {
        let (Some(last), Some(base)) = (self.last, self.base) else {
            return false;
        };
        // Never two in a row: a run of them is a hidden alphabet.
        if suspect(last) == Some(Class::Joiner) {
            return false;
        }
        if is_brahmic(base)
            && (is_virama(last) || next.is_some_and(|n| is_brahmic(n) && is_mark(n)))
        {
            return true;
        }
        match joiner {
            // Persian writes it between the parts of a word, also behind a Latin or a digit.
            ZERO_WIDTH_NON_JOINER => next.is_some_and(|next| {
                let cursive =
                    is_cursive(next) && (base.is_alphanumeric() || CLOSING.contains(&base));
                // Between a word and a number: کووید‌۱۹.
                let number = is_cursive(base) && base.is_alphabetic() && next.is_numeric();
                // Bengali keeps an independent vowel apart from the letter before.
                let brahmic = is_brahmic(next) && is_brahmic(base);
                (next.is_alphabetic() && (cursive || brahmic)) || number
            }),
            ZERO_WIDTH_JOINER => {
                (is_cursive(base) && base.is_alphabetic())
                    || (is_pictograph(base) && next.is_some_and(is_pictograph))
            }
            _ => false,
        }
    }

    /// Returns the class of a variation selector, or `None` if Unicode lists the sequence.
    fn selector_class(&self, selector: char, next: Option<char>) -> Option<Class> {
        let Some(last) = self.last else {
            return Some(Class::VariationSelector);
        };
        let needed = match selector {
            '\u{fe0e}' | '\u{fe0f}' => {
                let is_key = matches!(last, '0'..='9' | '#' | '*');
                is_emoji_variation_base(last) && (!is_key || next == Some(KEYCAP))
            }
            '\u{e0100}'..='\u{e01ef}' if is_ideograph(last) => {
                return Some(Class::IdeographicVariant);
            }
            _ => is_standardized_variant(last, selector),
        };
        (!needed).then_some(Class::VariationSelector)
    }

    /// Tells whether an invisible character is needed between its neighbors.
    fn needs_invisible(&self, c: char, next: Option<char>) -> bool {
        match (c, self.last) {
            // A filler takes the place of a missing part of one syllable.
            (HANGUL_INITIAL_FILLER, last) => {
                return next.is_some_and(is_hangul_vowel) && !last.is_some_and(is_hangul_initial);
            }
            (HANGUL_VOWEL_FILLER, Some(last)) => {
                return is_hangul_initial(last) && !next.is_some_and(is_hangul_vowel);
            }
            (BRAILLE_BLANK, last) => {
                return last.is_some_and(is_braille) || next.is_some_and(is_braille);
            }
            (KHITAN_FILLER, last) => return last.is_some_and(is_khitan),
            ('\u{13430}'..='\u{13440}', Some(last)) => {
                let is_part = |c| is_hieroglyph(c) || matches!(c, '\u{13430}'..='\u{13440}');
                return is_part(last) && (next.is_some_and(is_part) || c > '\u{13436}');
            }
            _ => {}
        }
        let (Some(last), Some(base), Some(next)) = (self.last, self.base, next) else {
            return false;
        };
        match c {
            ZERO_WIDTH_SPACE => {
                last != c && is_unspaced(base) && (is_unspaced(next) || next.is_whitespace())
            }
            GRAPHEME_JOINER => last != c && is_mark(last) && is_mark(next),
            MONGOLIAN_VOWEL_SEPARATOR => is_mongolian(last) && is_mongolian(next),
            _ => false,
        }
    }
}

/// Returns the next character that is not a joiner. It looks only a few characters ahead: following
/// a long run of joiners from each of them would take quadratic time.
fn behind_joiners(rest: &str) -> Option<char> {
    rest.chars()
        .take(4)
        .find(|&c| suspect(c) != Some(Class::Joiner))
}

/// Returns the length of the tags after a black flag, if they spell one of the three flags in use.
///
/// Any other region would be well-formed too, but a chain of flags can carry a hidden text.
pub(crate) fn flag_tags(flag: char, rest: &str) -> Option<usize> {
    /// The flags that Unicode recommends: those of England, Scotland and Wales.
    const FLAGS: [&str; 3] = [
        "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", // England
        "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", // Scotland
        "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}", // Wales
    ];
    if flag != '\u{1f3f4}' {
        return None;
    }
    FLAGS
        .into_iter()
        .find(|tags| rest.starts_with(tags))
        .map(str::len)
}
