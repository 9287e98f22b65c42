//! The Mandarin syllables nearest to English sounds.

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
    T-W-IH:tui T-W-EH:tui S-W-IH:sui S-W-IY:sui G-W-EH:gui G-W-IH:gui K-W-AA:kua K-W-AO:kuo T-R-IY:cui T-S-AH:ca T-S-AA:ca ";

/// Returns the syllable of two consonants and a vowel, if Mandarin says them in one.
pub(super) fn pair(sounds: &str) -> Option<&'static str> {
    let (_, rest) = PAIRS.split_once(sounds)?;
    rest.split(' ').next()
}

/// Returns the syllable of a consonant and a final.
pub(super) fn cell(consonant: &str, last: &str) -> Option<&'static str> {
    let column = FINALS.split(' ').position(|known| known == last)?;
    let consonant = if consonant == "ZH" { "JH" } else { consonant };
    let (_, row) = NEAREST.iter().find(|(row, _)| *row == consonant)?;
    row.split(' ').nth(column)
}

/// Returns the syllable of a consonant without a vowel.
pub(super) fn alone(consonant: &str) -> Option<&'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syllable::Syllable;

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
