//! Letters to sounds, for words that no dictionary knows.

use std::sync::OnceLock;

use crate::table::rows;

const SPELLING: &str = include_str!("../../data/spelling.tsv");

/// A row of the table.
#[derive(Debug)]
struct Spelling {
    letters: &'static str,
    /// What must follow them.
    after: &'static str,
    sounds: &'static str,
    /// Whether the letters stand at the front of the word.
    front: bool,
}

fn table() -> &'static [Spelling] {
    static TABLE: OnceLock<Vec<Spelling>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let row = |[letters, after, sounds, _, _]: [&'static str; 5]| Spelling {
            letters: letters.trim_start_matches('^'),
            after,
            sounds,
            front: letters.starts_with('^'),
        };
        rows(SPELLING).map(row).collect()
    })
}

/// Returns the phones of a word of small letters as English spells them, or nothing for what has no vowel to say.
pub(super) fn pronounce(word: &str) -> Option<String> {
    let word: String = word.chars().filter(char::is_ascii_lowercase).collect();
    let vowels = word.bytes().filter(|byte| is_vowel(*byte)).count();
    if word.len() < 4 || vowels == 0 {
        return None;
    }
    let mut sounds: Vec<&str> = Vec::new();
    let mut rest = word.as_str();
    for Spelling {
        letters,
        sounds: sound,
        ..
    } in table().iter().filter(|row| row.front)
    {
        let letters = *letters;
        // A y is a consonant before a vowel only.
        let stands = letters != "y" || word.as_bytes().get(1).copied().is_some_and(is_vowel);
        if let Some(tail) = rest.strip_prefix(letters).filter(|_| stands) {
            sounds.extend(sound.split('-'));
            rest = tail;
            break;
        }
    }
    while !rest.is_empty() {
        let (letters, sound) = rule(rest)?;
        sounds.extend(sound.split('-').filter(|sound| !sound.is_empty()));
        rest = rest.get(letters..)?;
    }
    Some(stressed(&sounds)).filter(|phones| !phones.is_empty())
}

/// Returns how many letters the first rule that fits takes, and their sounds.
fn rule(rest: &str) -> Option<(usize, &'static str)> {
    let mut inside = table().iter().filter(|row| !row.front);
    inside.find_map(|row| {
        let tail = rest.strip_prefix(row.letters)?;
        follows(tail, row.after).then_some((row.letters.len(), row.sounds))
    })
}

fn follows(tail: &str, pattern: &str) -> bool {
    let mut bytes = tail.bytes();
    pattern.bytes().all(|wanted| match wanted {
        b'-' => true,
        b'$' => bytes.next().is_none(),
        b'^' => bytes.next().is_some_and(|byte| !is_vowel(byte)),
        b'+' => bytes.next().is_some_and(|byte| b"eiy".contains(&byte)),
        letter => bytes.next() == Some(letter),
    })
}

const fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// Stresses the first full vowel; vowels behind it get a weaker one.
fn stressed(sounds: &[&str]) -> String {
    let mut stress = '1';
    let mark = |sound: &&str| {
        let vowel = sound.starts_with(['A', 'E', 'I', 'O', 'U']) && sound.len() == 2;
        if !vowel {
            return (*sound).to_owned();
        }
        format!("{sound}{}", std::mem::replace(&mut stress, '2'))
    };
    let marked: Vec<String> = sounds.iter().map(mark).collect();
    let joined = marked.join(" ");
    // A word of weak vowels only is stressed on the first.
    if joined.contains('1') {
        joined
    } else {
        joined.replacen('0', "1", 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, phones: &str) {
        assert_eq!(pronounce(word).unwrap_or_default(), phones, "{word}");
    }

    #[test]
    fn unknown_words_are_read_as_english_spells() {
        check("blake", "B L EY1 K");
        check("glorping", "G L AO1 R P IH0 NG");
        check("knist", "N IH1 S T");
        check("phrame", "F R EY1 M");
        check("zution", "Z UW1 SH AH0 N");
        check("yumly", "Y AH1 M L IY0");
    }

    /// Counts the phones to change between two pronunciations, stress left aside.
    fn distance(ours: &str, theirs: &str) -> usize {
        let plain = |phones: &str| -> Vec<String> {
            let phones = phones.split(' ');
            phones
                .map(|phone| phone.trim_end_matches(char::is_numeric).to_owned())
                .collect()
        };
        let (ours, theirs) = (plain(ours), plain(theirs));
        let mut row: Vec<usize> = (0..=theirs.len()).collect();
        for (at, our) in ours.iter().enumerate() {
            let mut corner = std::mem::replace(&mut row[0], at + 1);
            for (index, their) in theirs.iter().enumerate() {
                let changed = corner + usize::from(our != their);
                corner = row[index + 1];
                row[index + 1] = changed.min(corner + 1).min(row[index] + 1);
            }
        }
        row[theirs.len()]
    }

    #[test]
    fn two_phones_of_three_are_those_of_the_dictionary() {
        let (mut wrong, mut all, mut words) = (0, 0, 0);
        for line in super::super::dictionary::unpacked().lines().step_by(37) {
            let (word, phones) = line.split_once(' ').unwrap();
            if let Some(read) = pronounce(word) {
                wrong += distance(&read, phones);
                all += phones.split(' ').count();
                words += 1;
            }
        }
        assert!(
            words > 3_000 && wrong * 3 < all,
            "{wrong} of {all} phones are wrong"
        );
    }

    #[test]
    fn every_row_has_a_part_in_its_example() {
        for (at, [letters, _, _, example, phones]) in rows(SPELLING).enumerate() {
            check(example, phones);
            // Without the row the example is read otherwise, or by another row of the same sounds.
            let uses = uses(example);
            assert!(uses.contains(&at), "{letters} in {example}: {uses:?}");
        }
        assert_eq!(table().len(), crate::table::lines(SPELLING).count());
    }

    /// Returns the rows that a word is read by.
    fn uses(word: &str) -> Vec<usize> {
        let place = |row: &Spelling| table().iter().position(|other| std::ptr::eq(row, other));
        let mut rest = word;
        let mut uses = Vec::new();
        let y = |row: &&Spelling| {
            row.letters != "y" || word.as_bytes().get(1).copied().is_some_and(is_vowel)
        };
        let front = table().iter().filter(|row| row.front).filter(y);
        if let Some(row) = front.clone().find(|row| rest.starts_with(row.letters)) {
            uses.extend(place(row));
            rest = &rest[row.letters.len()..];
        }
        while !rest.is_empty() {
            let fits = |row: &&Spelling| {
                !row.front
                    && rest
                        .strip_prefix(row.letters)
                        .is_some_and(|tail| follows(tail, row.after))
            };
            let row = table().iter().find(fits).unwrap();
            uses.extend(place(row));
            rest = &rest[row.letters.len()..];
        }
        uses
    }

    #[test]
    fn what_has_no_vowel_is_no_word() {
        for word in ["", "tcp", "xml", "bcdfg", "ab"] {
            assert_eq!(pronounce(word), None, "{word}");
        }
    }
}
