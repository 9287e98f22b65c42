//! Ordinary text of many scripts passes unchanged.

use std::borrow::Cow;

use palisade_sanitize::Sanitizer;

fn check(name: &str, text: &str) {
    for sanitizer in [
        Sanitizer::speech(),
        Sanitizer::prompt(),
        Sanitizer::builder().build().unwrap(),
    ] {
        let clean = sanitizer
            .clean(text)
            .unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert_eq!(clean.text(), text, "{name} {:?}", clean.report());
        assert!(!clean.report().is_changed(), "{name}");
        assert!(matches!(clean.into_text(), Cow::Borrowed(_)), "{name}");
    }
}

#[test]
fn persian_with_its_zero_width_non_joiners_is_unchanged() {
    check("verb", "می\u{200c}خواهم کتاب\u{200c}هایم را بردارم.");
    check(
        "behind a letter that does not join",
        "کار\u{200c}ها و دیگر\u{200c}ان",
    );
    check("behind a Latin word", "فایل PDF\u{200c}ها");
    check("behind a digit", "۲۰\u{200c}ساله");
}

#[test]
fn sinhala_and_other_brahmic_joiners_are_unchanged() {
    check("Sinhala conjunct", "ශ්\u{200d}රී ලංකාව");
    check("Sinhala touching letters", "බුද\u{200d}්ධ");
    check("Malayalam old chillu", "അവന്\u{200d} വന്നു");
    check("Bengali ya-phalaa", "র\u{200d}\u{9cd}য");
    check("Telugu loan word", "సాఫ్ట్\u{200c}వేర్");
    check("Nepali", "भन्\u{200c}नु");
    check("Khmer", "ភាសា\u{200b}ខ្មែរ");
}

#[test]
fn hebrew_thai_and_arabic_are_unchanged() {
    check("Hebrew", "שלום עולם, מה שלומך?");
    check("Hebrew with points", "בְּרֵאשִׁית בָּרָא אֱלֹהִים".nfc());
    check("Thai", "สวัสดีครับ วันนี้อากาศดีมาก น้ำเย็น");
    check("Arabic with marks", "بِسْمِ اللَّهِ الرَّحْمَٰنِ".nfc());
    check("Hijri year", "١٤٤٦ ه\u{200d}");
}

#[test]
fn chinese_japanese_and_korean_are_unchanged() {
    check(
        "Chinese",
        "今天天气很好，我们去公园玩吧。\n“好的！”——他说：《红楼梦》……",
    );
    check("full-width", "价格：１２３元，ＡＢＣ");
    check("Japanese", "がんばって！ヴァイオリンを弾く。");
    check("Korean", "안녕하세요, 반갑습니다.");
}

#[test]
fn latin_greek_cyrillic_and_vietnamese_are_unchanged() {
    check("Vietnamese", "Tiếng Việt có nhiều dấu: ế, ộ, ữ.");
    check("mixed", "Ça va ? Größe, naïve, Ελλάδα, Москва, 50 %");
    check("code", "if a < b {\n    return \"x\";\n}");
}

#[test]
fn emoji_are_unchanged() {
    for emoji in [
        "👍",
        "👍🏽",
        "❤\u{fe0f}",
        "☎\u{fe0e}",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦",
        "👩🏻\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏿",
        "🏳\u{fe0f}\u{200d}🌈",
        "🏴\u{200d}☠\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
        "#\u{fe0f}\u{20e3}",
        "🇨🇳🇩🇪",
        "🏃🏾\u{200d}♀\u{fe0f}\u{200d}➡\u{fe0f}",
        "⛓\u{fe0f}\u{200d}💥",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        "👨\u{200d}🦰",
        "🧑🏽\u{200d}🤝\u{200d}🧑🏿",
        "🙂\u{200d}↔\u{fe0f}",
    ] {
        check("alone", emoji);
        check("in a sentence", &format!("好的{emoji}，a{emoji}{emoji} b"));
    }
}

trait Normal {
    fn nfc(&self) -> &Self;
}

impl Normal for str {
    /// The points above are typed in canonical order by no keyboard; the test is about what is dropped.
    fn nfc(&self) -> &Self {
        let clean = Sanitizer::builder().build().unwrap().clean(self).unwrap();
        assert_eq!(clean.report().removed(), 0);
        String::leak(clean.into_text().into_owned())
    }
}

#[test]
fn spaces_of_typography_are_unchanged_but_in_a_prompt() {
    for text in [
        "50\u{a0}%",
        "«\u{202f}Bonjour\u{202f}!\u{202f}»",
        "第一段。\u{3000}第二段。",
        "1\u{2009}000",
    ] {
        for sanitizer in [Sanitizer::speech(), Sanitizer::builder().build().unwrap()] {
            assert_eq!(sanitizer.clean(text).unwrap().text(), text);
        }
    }
}

#[test]
fn old_hangul_braille_and_hieroglyphs_keep_what_they_need() {
    check("a syllable without a consonant", "\u{115f}\u{1161}\u{11a8}");
    check("a syllable without a vowel", "\u{1100}\u{1160}\u{11a8}");
    check("Braille", "\u{2801}\u{2803}\u{2800}\u{2809}");
    check("a quadrat", "\u{13000}\u{13430}\u{13001}");
    check("a sign that is mirrored", "\u{13000}\u{13440}");
    check("Khitan", "\u{18b00}\u{16fe4}\u{18b01}");
    let speech = palisade_sanitize::Sanitizer::prompt();
    for (text, clean) in [
        ("a\u{115f}b", "ab"),
        ("가\u{1160}", "가"),
        ("a\u{2800}b", "ab"),
        ("a\u{13430}b", "ab"),
        ("a\u{13440}b", "ab"),
        ("a\u{16fe4}b", "ab"),
        ("\u{18b00}\u{16fe4}\u{16fe4}", "\u{18b00}\u{16fe4}"),
        ("\u{1100}\u{1160}\u{1160}", "\u{1100}\u{1160}"),
    ] {
        assert_eq!(speech.clean(text).unwrap().text(), clean, "{text:?}");
    }
}

#[test]
fn persian_keeps_its_joiner_before_numbers_and_behind_quotations() {
    for text in [
        "کووید\u{200c}۱۹",
        "کووید\u{200c}19",
        "«کتاب»\u{200c}ها",
        "(کتاب)\u{200c}ها",
    ] {
        check("Persian", text);
    }
}
