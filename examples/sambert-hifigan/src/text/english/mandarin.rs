//! English words in Mandarin syllables, for voices that learned nothing else.
//!
//! This is how the language borrows words itself: each consonant gets a vowel, and each pair of sounds the nearest syllable there is.

use super::syllables::Heard;
use crate::text::Syllable;

/// The finals of the table below, in order.
const FINALS: &str = "a ai ao e ei i ou u an ang en in ing ong";

/// The nearest syllables, by consonant (rows) and final (columns).
const NEAREST: [(&str, &str); 23] = [
    ("", "a ai ao e ei yi ou wu an ang en yin ying ang"),
    ("B", "ba bai bao bo bei bi bo bu ban bang ben bin bing beng"),
    ("P", "pa pai pao po pei pi po pu pan pang pen pin ping peng"),
    ("M", "ma mai mao mo mei mi mo mu man mang men min ming meng"),
    (
        "F",
        "fa fai fo fo fei fei fou fu fan fang fen fen feng feng",
    ),
    ("V", "wa wai wo wo wei wei wo wu wan wang wen wen weng weng"),
    (
        "D",
        "da dai dao de dei di dou du dan dang dan ding ding dong",
    ),
    (
        "T",
        "ta tai tao te tai ti tou tu tan tang teng ting ting tong",
    ),
    (
        "N",
        "na nai nao ne nei ni nuo nu nan nang nen nin ning nong",
    ),
    (
        "L",
        "la lai lao le lei li lou lu lan lang lun lin ling long",
    ),
    (
        "R",
        "la lai lao re rui rui rou ru ran rang ren rui ling rong",
    ),
    (
        "G",
        "ga gai gao ge gei ji gou gu gan gang gen jin jing gong",
    ),
    (
        "K",
        "ka kai kao ke kai ji kou ku kan kang ken jin jing kong",
    ),
    (
        "HH",
        "ha hai hao he hei xi hou hu han hang hen xin xing hong",
    ),
    (
        "JH",
        "jia zhai zhao zhe jie ji zhou zhu zhan zhang zhen jin jing zhong",
    ),
    (
        "CH",
        "cha chai chao che qie qi chou chu chan chang chen qin qing chong",
    ),
    (
        "SH",
        "sha shai shao she xie xi shou shu shan shang shen xin xing xiong",
    ),
    (
        "S",
        "sa sai sao se sai xi sou su san sang sen xin xing song",
    ),
    (
        "TH",
        "sa sai sao se sai xi sou su san sang sen xin xing song",
    ),
    (
        "Z",
        "za zai zao ze zei ji zou zu zan zang zen jin jing zong",
    ),
    (
        "DH",
        "za zai zao ze dei di zou zu zan zang zen jin ding zong",
    ),
    ("W", "wa wai wa wo wei wei wo wu wan wang wen wen weng weng"),
    ("Y", "ya ye yao ye ye yi you you yan yang yan yin ying yong"),
];

/// Pairs of consonants that Mandarin says in one, with the vowel after them.
const PAIRS: &str = " K-Y-UW:qiu G-Y-UW:jiu HH-Y-UW:xiu M-Y-UW:miu N-Y-UW:niu K-W-IH:kui K-W-IY:kui K-W-EH:kui K-W-EY:kui \
    T-W-IH:tui T-W-EH:tui S-W-IH:sui S-W-IY:sui G-W-EH:gui G-W-IH:gui K-W-AA:kua K-W-AO:kuo T-R-IY:cui ";

/// Returns the nearest Mandarin syllables: stress is a high or falling tone, what follows it is neutral.
pub(super) fn nearest(heard: &[Heard<'_>]) -> Vec<Syllable> {
    let mut spoken = Vec::new();
    let mut stressed = false;
    for (index, syllable) in heard.iter().enumerate() {
        let ends = index + 1 == heard.len();
        let tone = match (syllable.stressed, stressed) {
            (true, _) if ends => 4,
            (false, true) if !syllable.full => 5,
            _ => 1,
        };
        stressed |= syllable.stressed;
        say(syllable, tone, &mut spoken);
    }
    spoken
}

fn say(heard: &Heard<'_>, tone: u8, spoken: &mut Vec<Syllable>) {
    let mut add = |spelling: Option<&str>, tone: u8| {
        spoken.extend(spelling.and_then(|spelling| Syllable::parse(&format!("{spelling}{tone}"))));
    };
    let (mut onset, mut coda) = (heard.onset.as_slice(), heard.coda.as_slice());
    let merged = match onset {
        [before @ .., first, second] => {
            let found = pair(&format!(" {first}-{second}-{}:", heard.vowel));
            found.inspect(|_| onset = before)
        }
        _ => None,
    };
    let consonant = match onset {
        [before @ .., last] if merged.is_none() => {
            onset = before;
            *last
        }
        _ => "",
    };
    for consonant in onset {
        add(alone(consonant), 1);
    }
    let nasal = coda.first().copied().unwrap_or_default();
    let closed = closed(heard.vowel, nasal, heard.full).filter(|_| merged.is_none());
    if closed.is_some() {
        coda = coda.get(1..).unwrap_or_default();
    }
    let last = closed.unwrap_or_else(|| open(heard.vowel, heard.full));
    add(merged.or_else(|| cell(consonant, last)), tone);
    match heard.vowel {
        "OY" => add(Some("yi"), 5),
        "ER" if heard.stressed && nasal != "L" => add(Some("er"), 5),
        _ => {}
    }
    for consonant in coda {
        add(alone(consonant), 5);
    }
}

fn pair(sounds: &str) -> Option<&'static str> {
    let (_, rest) = PAIRS.split_once(sounds)?;
    rest.split(' ').next()
}

/// Returns the syllable of a consonant and a final.
fn cell(consonant: &str, last: &str) -> Option<&'static str> {
    let column = FINALS.split(' ').position(|known| known == last)?;
    let consonant = if consonant == "ZH" { "JH" } else { consonant };
    let (_, row) = NEAREST.iter().find(|(row, _)| *row == consonant)?;
    row.split(' ').nth(column)
}

/// Returns the syllable of a consonant without a vowel.
fn alone(consonant: &str) -> Option<&'static str> {
    Some(match consonant {
        "B" => "bu",
        "CH" => "qi",
        "D" | "DH" => "de",
        "F" | "V" => "fu",
        "G" => "ge",
        "HH" => "he",
        "JH" | "ZH" => "zhi",
        "K" => "ke",
        "L" | "R" => "er",
        "M" => "mu",
        "N" | "NG" => "en",
        "P" => "pu",
        "S" | "TH" => "si",
        "SH" => "shi",
        "T" => "te",
        "W" => "wu",
        "Y" => "yi",
        "Z" => "zi",
        _ => return None,
    })
}

/// Returns the final nearest to a vowel.
fn open(vowel: &str, full: bool) -> &'static str {
    match vowel {
        "AA" => "a",
        "AE" | "AY" => "ai",
        "AH" if full => "a",
        "AO" | "AW" => "ao",
        "EH" | "EY" => "ei",
        "IH" | "IY" => "i",
        "OW" | "OY" => "ou",
        "UH" | "UW" => "u",
        _ => "e",
    }
}

/// Returns the final nearest to a vowel with a nasal behind it.
fn closed(vowel: &str, nasal: &str, full: bool) -> Option<&'static str> {
    Some(match (vowel, nasal) {
        ("AA" | "AE", "N") => "an",
        ("AH", "N") => {
            if full {
                "an"
            } else {
                "en"
            }
        }
        ("AO", "N") | ("AA" | "AE" | "AH" | "AO" | "AW", "NG") => "ang",
        ("EH", "N") => "en",
        ("IH" | "IY", "N") => "in",
        ("EH" | "IH" | "IY", "NG") => "ing",
        ("OW" | "UH" | "UW", "N" | "NG") => "ong",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::english::syllables;

    #[track_caller]
    fn check(phones: &str, pinyin: &str) {
        let spoken = nearest(&syllables::of(phones));
        let shown: Vec<_> = spoken.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), pinyin);
    }

    #[test]
    fn words_sound_as_borrowed_ones() {
        check("HH AH0 L OW1", "he1 lou4");
        check("G UW1 G AH0 L", "gu1 ge5 er5");
        check("AY1 F OW2 N", "ai1 feng1");
        check("K W IH1 K", "kui4 ke5");
        check("S T AA1 R", "si1 ta4 er5");
    }

    #[test]
    fn every_cell_is_a_syllable() {
        for (consonant, row) in NEAREST {
            assert_eq!(
                row.split(' ').count(),
                FINALS.split(' ').count(),
                "{consonant}"
            );
            for spelling in row.split(' ') {
                assert!(
                    Syllable::parse(&format!("{spelling}1")).is_some(),
                    "{spelling}"
                );
            }
        }
    }
}
