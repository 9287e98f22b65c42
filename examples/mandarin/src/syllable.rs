//! Pinyin syllables and their phones.

use std::fmt;

use crate::phones::PHONES;

/// Initials, the two-letter ones first.
const INITIALS: [&str; 23] = [
    "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "r", "x",
    "z", "c", "s", "y", "w",
];

/// A syllable in surface form. Mandarin: `v` for every ü, the tone it is spoken with. English: its phones in capitals.
///
/// ```
/// use mandarin::Syllable;
///
/// let syllable = Syllable::parse("xue3").unwrap();
/// assert_eq!(syllable.to_string(), "xve3");
/// assert_eq!(syllable.phones().unwrap(), ["xx_c", "ve_c"]);
/// assert_eq!(Syllable::parse("bla1"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // It says no more than what is written: letters and a tone.
pub struct Syllable {
    /// The spelling, such as `xve` for 雪 or `L-OW` for -lo; a trailing `r` beyond `er` colors the syllable.
    pub spelling: String,
    /// 1 to 4, 5 for neutral; of an English syllable 1 with stress and 0 without.
    pub tone: u8,
}

impl Syllable {
    /// Parses an ordinary spelling with its tone behind it, such as `xue3`; without a digit the tone is neutral.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (letters, tone) = match text.char_indices().last()? {
            (at, digit @ '0'..='9') => (text.get(..at)?, digit as u8 - b'0'),
            _ => (text, 5),
        };
        let tone = match tone {
            1..=5 => tone,
            0 => 5,
            6 => 2,
            _ => return None,
        };
        let syllable = Self {
            spelling: respell(letters),
            tone,
        };
        syllable.phones().is_some().then_some(syllable)
    }

    /// Makes an English syllable.
    pub(crate) fn english<'a>(phones: impl Iterator<Item = &'a str>, stressed: bool) -> Self {
        Self {
            spelling: phones.collect::<Vec<_>>().join("-"),
            tone: u8::from(stressed),
        }
    }

    /// Returns the phones as [`PHONES`] names them, two for a Mandarin syllable, or nothing for a spelling that is no syllable.
    #[must_use]
    pub fn phones(&self) -> Option<Vec<String>> {
        let spelling = self.spelling.as_str();
        if spelling.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Some(spelling.split('-').map(str::to_lowercase).collect());
        }
        let [first, last] = self.initial_and_final()?;
        Some(vec![first, last])
    }

    fn initial_and_final(&self) -> Option<[String; 2]> {
        let spelling = self.spelling.as_str();
        let (plain, suffix) = match spelling.strip_suffix('r') {
            Some(plain) if spelling != "er" && !plain.is_empty() => (plain, "r"),
            _ => (spelling, ""),
        };
        let initial = INITIALS
            .into_iter()
            .find(|initial| plain.starts_with(initial));
        let (first, last) = match initial {
            Some(initial) => {
                let last = finals_of(initial, plain.get(initial.len()..)?);
                (
                    if initial == "x" {
                        "xx_c".to_owned()
                    } else {
                        format!("{initial}_c")
                    },
                    last,
                )
            }
            None => {
                let placeholder = match plain.chars().next()? {
                    'a' => "ga",
                    'e' => "ge",
                    'o' => "go",
                    _ => return None,
                };
                (placeholder.to_owned(), plain)
            }
        };
        let last = format!("{last}{suffix}_c");
        is_final(&last).then_some([first, last])
    }

    /// Splits a colored syllable into the plain one and a neutral `er`, for voices without colored finals.
    #[must_use]
    pub fn uncolored(&self) -> Option<[Self; 2]> {
        let plain = self
            .spelling
            .strip_suffix('r')
            .filter(|plain| *plain != "e" && !plain.is_empty())?;
        let plain = Self {
            spelling: plain.to_owned(),
            tone: self.tone,
        };
        Some([
            plain,
            Self {
                spelling: "er".to_owned(),
                tone: 5,
            },
        ])
    }
}

impl fmt::Display for Syllable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.spelling, self.tone)
    }
}

/// Writes a final as the phone set names it.
fn finals_of<'a>(initial: &str, last: &'a str) -> &'a str {
    match (initial, last) {
        ("zh" | "ch" | "sh" | "r", "i") => "ih",
        ("z" | "c" | "s", "i") => "ii",
        ("y" | "w", last) => last,
        (_, "ui") => "uei",
        (_, "un") => "uen",
        (_, "iu") => "iou",
        (_, last) => last,
    }
}

fn is_final(phone: &str) -> bool {
    let initial = phone
        .strip_suffix("_c")
        .is_some_and(|letters| letters == "xx" || INITIALS.contains(&letters));
    !initial && PHONES.split_whitespace().any(|known| known == phone)
}

/// Writes ü as `v`, also where ordinary spelling has a plain u for it, and gives syllabic nasals a vowel.
fn respell(letters: &str) -> String {
    let letters = letters
        .to_lowercase()
        .replace(['ü'], "v")
        .replace("u:", "v")
        .replace('ê', "e");
    let initial = letters.chars().next();
    match letters.as_str() {
        "n" | "ng" => return "en".to_owned(),
        "m" => return "mu".to_owned(),
        "hm" | "hng" => return "heng".to_owned(),
        "lue" | "nue" => return letters.replace("ue", "ve"),
        _ => {}
    }
    match (initial, letters.get(1..2)) {
        (Some('j' | 'q' | 'x' | 'y'), Some("u")) => letters.replacen('u', "v", 1),
        _ => letters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, phones: [&str; 2]) {
        let syllable = Syllable::parse(text).unwrap();
        assert_eq!(syllable.phones().unwrap(), phones, "{text}");
    }

    #[test]
    fn ordinary_spelling_reaches_the_phone_set() {
        check("xue3", ["xx_c", "ve_c"]);
        check("lüe4", ["l_c", "ve_c"]);
        check("gui1", ["g_c", "uei_c"]);
        check("wen2", ["w_c", "en_c"]);
        check("shi4", ["sh_c", "ih_c"]);
        check("zi5", ["z_c", "ii_c"]);
        check("er2", ["ge", "er_c"]);
        check("an1", ["ga", "an_c"]);
        check("huar1", ["h_c", "uar_c"]);
        check("shir4", ["sh_c", "ihr_c"]);
        check("dunr1", ["d_c", "uenr_c"]);
        check("yuan2", ["y_c", "van_c"]);
    }

    #[test]
    fn what_is_no_syllable_is_refused() {
        for text in ["", "x", "bla1", "qq1", "5", "zhong9"] {
            assert_eq!(Syllable::parse(text), None, "{text}");
        }
    }
}
