//! Letters to sounds, for words that no dictionary knows.

/// Letters at the front of the rest of a word, what must follow them, and their sounds; the longer and the stricter first.
///
/// What follows is `$` for the end, `^` for one consonant, `+` for e, i or y, and else the letters themselves.
const RULES: &str = "\
tion $ SH-AH0-N|tions $ SH-AH0-N-Z|sion $ ZH-AH0-N|cious $ SH-AH0-S|tious $ SH-AH0-S|cian $ SH-AH0-N|ture $ CH-ER0|sure $ ZH-ER0|\
ious $ IY0-AH0-S|ous $ AH0-S|able $ AH0-B-AH0-L|ible $ AH0-B-AH0-L|ing $ IH0-NG|ings $ IH0-NG-Z|ism $ IH0-Z-AH0-M|age $ IH0-JH|\
ness $ N-AH0-S|ment $ M-AH0-N-T|less $ L-AH0-S|ful $ F-AH0-L|ally $ AH0-L-IY0|\
eigh - EY|ough - AO|augh - AO|igh - AY|tch - CH|dge - JH|sch - SH|que $ K|gue $ G|eau - OW|\
ai - EY|ay - EY|au - AO|aw - AO|air - EH-R|ar ^ AA-R|ar $ AA-R|are $ EH-R|all $ AO-L|al $ AH0-L|a tion EY|a ^e$ EY|a ^es$ EY|a ^ing EY|a ^y$ EY|a $ AH0|a - AE|\
bb - B|b - B|cc + K-S|cc - K|ck - K|ch - CH|c + S|c - K|dd - D|d - D|\
ea - IY|eer - IH-R|ee - IY|ei - EY|eu - Y-UW|ew - UW|er ^ ER|er $ ER0|ers $ ER0-Z|ey $ IY0|el $ AH0-L|en $ AH0-N|ed $ D|es $ Z|e ^e$ IY|e $ -|e - EH|\
ff - F|f - F|gg - G|gh - G|gn $ N|ge $ JH|g + JH|g - G|h - HH|\
ie $ IY0|ie - IY|io - IY0-OW|ia $ IY0-AH0|ir ^ ER|ir $ ER|ire $ AY-ER0|i ^e$ AY|i ^es$ AY|i ^ing AY|ind $ AY-N-D|i $ IY0|i - IH|\
j - JH|kk - K|k - K|le $ AH0-L|ll - L|l - L|mm - M|m - M|ng $ NG|nk - NG-K|ng ^ NG-G|nn - N|n - N|\
oa - OW|oe $ OW|oi - OY|oy - OY|ook - UH-K|oo - UW|ou - AW|ow $ OW|ow - AW|or ^ AO-R|or $ ER0|ore $ AO-R|on $ AH0-N|old $ OW-L-D|o tion OW|o ^e$ OW|o ^es$ OW|o ^ing OW|o $ OW|o - AA|\
pp - P|ph - F|p - P|q u K|q - K|rr - R|rh - R|r - R|sh - SH|ss - S|sc + S|se $ Z|s $ Z|s - S|\
th - TH|tt - T|t - T|ui - UW|ur ^ ER|ur $ ER|ure $ Y-UH-R|us $ AH0-S|um $ AH0-M|u tion UW|u ^e$ UW|u ^es$ UW|u $ UW|u - AH|vv - V|v - V|\
wh - W|wr - R|w - W|x $ K-S|x - K-S|y ^e$ AY|y ^ IH|y $ IY0|y - Y|zz - Z|z - Z";

/// Letters that are silent or different at the front of a word.
const FRONTS: &str = "kn N|wr R|gn N|ps S|pn N|wh W|x Z|mc M-AH0-K|rh R|y Y";

/// Returns the phones of a word of small letters as English spells them, or nothing for what has no vowel to say.
pub(super) fn pronounce(word: &str) -> Option<String> {
    let word: String = word.chars().filter(char::is_ascii_lowercase).collect();
    let vowels = word.bytes().filter(|byte| is_vowel(*byte)).count();
    if word.len() < 4 || vowels == 0 {
        return None;
    }
    let mut sounds: Vec<&str> = Vec::new();
    let front = FRONTS.split('|').filter_map(|rule| rule.split_once(' '));
    let mut rest = word.as_str();
    for (letters, sound) in front {
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
    RULES.split('|').find_map(|rule| {
        let mut parts = rule.split(' ');
        let (letters, after, sound) = (parts.next()?, parts.next()?, parts.next()?);
        let tail = rest.strip_prefix(letters)?;
        follows(tail, after).then_some((letters.len(), sound))
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
    fn what_has_no_vowel_is_no_word() {
        for word in ["", "tcp", "xml", "bcdfg", "ab"] {
            assert_eq!(pronounce(word), None, "{word}");
        }
    }
}
