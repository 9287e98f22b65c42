//! Rules for banned words, scripts and repetition.

use std::fs;

use palisade_sanitize::{BannedWords, Refused, SanitizeBuildError, Sanitizer, TextRule};

fn sanitizer(rule: TextRule) -> Sanitizer {
    Sanitizer::builder().rule(rule).build().unwrap()
}

fn masked(rule: &TextRule, text: &str) -> String {
    let sanitizer = sanitizer(rule.clone().mask('*'));
    sanitizer.clean(text).unwrap().into_text().into_owned()
}

#[test]
fn banned_words_are_found_in_every_spelling_and_not_inside_others() {
    let rule = BannedWords::from_words(["ass", "赌博", "Straße", "two words", "a.c"]).unwrap();
    let rule = rule.rule("banned");
    for (text, clean) in [
        ("class ass, Ass. assassin", "class ***, ***. assassin"),
        ("网上赌博和赌 博", "网上**和赌 博"),
        ("ＡＳＳ and ａｓｓ１", "*** and ａｓｓ１"),
        ("straße STRASSE", "****** STRASSE"),
        ("two  \n words", "************"),
        ("abc a.c", "abc ***"),
        ("ass赌博ass", "********"),
    ] {
        assert_eq!(masked(&rule, text), clean, "{text}");
    }
}

#[test]
fn banned_words_are_found_across_separators_by_option() {
    let words = BannedWords::from_words(["casino", "赌博"]).unwrap();
    let rule = words.across_separators().rule("banned");
    for (text, clean) in [
        ("c.a.s.i.n.o", "***********"),
        ("赌*博 赌，博", "*** ***"),
        ("go ca sino", "go *******"),
        ("casinos", "casinos"),
    ] {
        assert_eq!(masked(&rule, text), clean, "{text}");
    }
    // A zero-width space is gone before the rule is asked.
    assert_eq!(masked(&words.rule("banned"), "赌\u{200b}博"), "**");
}

#[test]
fn a_file_of_words_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.txt");
    fs::write(&path, "\u{feff}# a comment\n\nbad\r\n").unwrap();
    let words = BannedWords::open_unwatched(&path).unwrap();
    let sanitizer = sanitizer(words.rule("banned"));
    let name = Refused::Rule("banned".into());
    assert_eq!(words.len(), 1);
    assert_eq!(sanitizer.clean("bad").unwrap_err(), name);
    assert!(sanitizer.clean("worse").is_ok());
    fs::write(&path, "worse\nbad").unwrap();
    words.refresh().unwrap();
    assert_eq!(sanitizer.clean("worse").unwrap_err(), name);
    // A list that is wrong does not replace the one in force.
    fs::write(&path, "a\u{0301}\n".repeat(2) + &"x".repeat(65)).unwrap();
    let problem = words.refresh().unwrap_err().to_string();
    assert!(
        problem.contains("line 3") && problem.contains("64"),
        "{problem}"
    );
    assert_eq!(sanitizer.clean("worse").unwrap_err(), name);
    fs::remove_file(&path).unwrap();
    words.refresh().unwrap_err();
    assert_eq!(sanitizer.clean("worse").unwrap_err(), name);
    assert!(!format!("{words:?}").contains("worse"));
}

#[test]
fn a_wrong_list_is_refused_when_it_is_made() {
    assert!(BannedWords::from_words(["", " "]).unwrap().is_empty());
    assert!(
        sanitizer(BannedWords::from_words([""; 0]).unwrap().rule("none"))
            .clean("x")
            .is_ok()
    );
    for words in [
        vec!["x".repeat(65)],
        (0..100_001).map(|i| i.to_string()).collect(),
    ] {
        let problem = BannedWords::from_words(&words).unwrap_err();
        assert!(matches!(problem, SanitizeBuildError::BannedWords { .. }));
    }
    assert!(BannedWords::open("/nonexistent/words").is_err());
}

#[test]
fn repeated_characters_are_shortened_found_or_refused() {
    let rule = TextRule::repeated_character("run", 3);
    let short = sanitizer(rule.clone().drop());
    let clean = |text| short.clean(text).unwrap().into_text().into_owned();
    assert_eq!(
        clean("aaaa    bbb 哈哈哈哈哈，ccccd"),
        "aaa    bbb 哈哈哈，cccd"
    );
    assert_eq!(clean(&"a".repeat(5000)), "aaa");
    assert!(sanitizer(rule).clean("coooool").is_err());
}

#[test]
fn text_that_repeats_itself_is_found_and_prose_is_not() {
    let rule = TextRule::repetitive("repetition", 0.3);
    let strict = sanitizer(rule);
    for text in [
        "a",
        "ab",
        "buy now ",
        "买买买",
        "重要的事情说三遍！",
        "lorem ipsum dolor ",
    ] {
        let repeated = text.repeat(600 / text.chars().count() + 1);
        assert!(strict.clean(&repeated).is_err(), "{text}");
        let hidden = format!("{}{repeated}", "一段正常的话。".repeat(3));
        assert!(strict.clean(&hidden).is_err(), "{text}");
    }
    for line in include_str!("../vectors/declaration.txt").lines() {
        assert!(strict.clean_optional(line).is_ok(), "{line}");
    }
}

#[test]
fn random_words_are_found_and_plain_ones_are_not() {
    let strict = sanitizer(TextRule::high_entropy("random", 4.5));
    for text in [
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
        "https://example.com/articles/2026/11/30/a-long-title-of-an-article",
        "pneumonoultramicroscopicsilicovolcanoconiosis",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "今天天气很好我们去公园玩吧今天天气很好我们去公园玩吧",
    ] {
        assert!(strict.clean(text).is_ok(), "{text}");
    }
    assert!(
        strict
            .clean("x q7Jd02KfLsXvB9aWzTnR4eYuPcGhM6Q1i8oE x")
            .is_err()
    );
}

#[test]
fn scripts_that_are_not_allowed_are_found() {
    let rule = TextRule::other_scripts("script", ["Latn", "Han", "Hiragana", "Katakana"]);
    assert_eq!(
        masked(&rule, "Tokyo 東京タワー です 1️⃣ ¿é?"),
        "Tokyo 東京タワー です 1️⃣ ¿é?"
    );
    assert_eq!(masked(&rule, "Москва 서울 a"), "****** ** a");
    let unknown = TextRule::other_scripts("script", ["Klingon"]);
    let problem = Sanitizer::builder().rule(unknown).build().unwrap_err();
    assert!(problem.to_string().contains("Klingon"), "{problem}");
}

#[test]
fn words_that_mix_scripts_are_found_and_usual_mixtures_are_not() {
    let rule = TextRule::mixed_scripts("mixed");
    assert_eq!(masked(&rule, "at pаypal now"), "at ****** now");
    assert_eq!(masked(&rule, "αlpha Gооgle"), "***** ******");
    for text in [
        "Привет world",
        "X轴 T恤 卡拉OK",
        "東京タワー",
        "서울abc",
        "naïve café",
        "مرحبا hello",
    ] {
        assert_eq!(masked(&rule, text), text);
    }
}

#[test]
fn a_word_that_looks_like_another_is_found_unless_the_text_is_of_its_script() {
    let rule = TextRule::confusable_words("look-alike");
    assert_eq!(masked(&rule, "at раура now"), "at ***** now");
    for text in ["сосна и рос", "Он сказал: оса", "γεια σου", "о", "plain"]
    {
        assert_eq!(masked(&rule, text), text);
    }
}

#[test]
fn a_function_rewrites_a_text_until_it_leaves_it_as_it_is() {
    let plain = |text: &str| text.replace("<script>", "");
    let rule = || TextRule::rewrite("html", plain);
    let build = |rule| Sanitizer::builder().rule(rule).build().unwrap();
    let clean = |text: &str| build(rule()).clean(text).unwrap().text().to_owned();
    assert_eq!(clean("a<b>c</b>"), "a<b>c</b>");
    assert_eq!(clean("a<scr<script>ipt>b"), "ab");
    // Hidden characters are removed before.
    assert_eq!(clean("a<scr\u{200b}ipt>b"), "ab");
    let refused = build(rule().refuse()).clean("a<script>").unwrap_err();
    assert_eq!(refused, Refused::Rule("html".into()));
    let flagged = build(rule().flag());
    let flagged = flagged.clean("a<script>").unwrap();
    assert_eq!((flagged.text(), flagged.report().rule(0)), ("a<script>", 1));
}

#[test]
fn a_function_that_never_rests_or_makes_a_text_huge_refuses_it() {
    let build = |rule| {
        Sanitizer::builder()
            .max_bytes(1000)
            .rule(rule)
            .build()
            .unwrap()
    };
    let flips = TextRule::rewrite("flips", |text| text.chars().rev().collect());
    assert_eq!(build(flips).clean("ab").unwrap_err(), Refused::Unstable);
    let grows = TextRule::rewrite("grows", |text| text.repeat(100));
    assert_eq!(
        build(grows).clean("ab").unwrap_err().code(),
        "text_too_long"
    );
}
