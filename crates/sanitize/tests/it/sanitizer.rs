//! Classes, limits, rules and presets, one behaviour each.

use palisade_sanitize::{
    Action, Class, LengthUnit, Normalization, OverLength, Refused, SanitizeBuildError, Sanitizer,
    SanitizerBuilder, TextRule, Whitespace,
};

fn check(builder: SanitizerBuilder, before: &str, after: &str) {
    let sanitizer = builder.build().unwrap();
    let clean = sanitizer
        .clean(before)
        .unwrap_or_else(|refused| panic!("{before:?}: {refused}"));
    assert_eq!(clean.text(), after);
    assert_eq!(
        clean.report().is_changed(),
        before != after,
        "{:?}",
        clean.report()
    );
}

fn refuse(builder: SanitizerBuilder, text: &str, why: Refused) {
    assert_eq!(
        builder.build().unwrap().clean(text).map(|_| ()),
        Err(why),
        "{text:?}"
    );
}

fn builder() -> SanitizerBuilder {
    Sanitizer::builder()
}

#[test]
fn line_separators_become_line_feeds() {
    check(
        builder(),
        "a\r\nb\rc\u{85}d\u{2028}e\u{2029}f\u{b}g\u{c}h",
        "a\nb\nc\nd\ne\nf\ng\nh",
    );
}

#[test]
fn an_action_is_done_for_its_class_only() {
    let text = "a\u{1}\u{202e}b";
    check(builder(), text, "ab");
    check(
        builder().class(Class::Control, Action::Replace('?')),
        text,
        "a?b",
    );
    check(
        builder().class(Class::Control, Action::Keep),
        text,
        "a\u{1}b",
    );
    refuse(
        builder().class(Class::BidiControl, Action::Refuse),
        text,
        Refused::Forbidden(Class::BidiControl),
    );
}

#[test]
fn a_flagged_character_stays_and_is_counted_once() {
    let sanitizer = builder()
        .class(Class::PrivateUse, Action::Flag)
        .build()
        .unwrap();
    let clean = sanitizer.clean("a\u{e000}\u{0}\u{e001}").unwrap();
    assert_eq!(clean.text(), "a\u{e000}\u{e001}");
    assert_eq!(
        (
            clean.report().flagged(Class::PrivateUse),
            clean.report().removed()
        ),
        (2, 1)
    );
    assert_eq!(
        clean.report().classes().collect::<Vec<_>>(),
        [(Class::Nul, 1)]
    );
}

#[test]
fn text_is_composed() {
    check(builder(), "e\u{301}", "é");
    check(
        builder().normalization(Normalization::None),
        "e\u{301}",
        "e\u{301}",
    );
    check(
        builder().normalization(Normalization::Nfkc),
        "ＡＢ①ﬁ",
        "AB1fi",
    );
}

#[test]
fn white_space_is_trimmed_folded_or_kept() {
    check(builder(), " a  b\n", "a  b");
    check(builder().whitespace(Whitespace::Keep), " a  b\n", " a  b\n");
    check(
        builder().whitespace(Whitespace::Fold),
        " a \n b\u{3000}",
        "a b",
    );
    check(
        builder().whitespace(Whitespace::FoldLines),
        " a \n\n b  c",
        "a\nb c",
    );
}

#[test]
fn nothing_and_next_to_nothing_are_told_apart() {
    refuse(builder(), "", Refused::Empty);
    refuse(builder(), " \n\u{3000}", Refused::Empty);
    refuse(builder(), "\u{0}\u{1b}\u{200b}", Refused::NothingLeft);
    refuse(builder(), "\u{2800}\u{3164}", Refused::NothingLeft);
    refuse(
        builder().min_graphemes(3),
        "ab",
        Refused::TooShort { limit: 3 },
    );
    check(builder().min_graphemes(0), "", "");
    check(builder().min_graphemes(0), "\u{0}", "");
}

#[test]
fn lengths_hold_in_bytes_code_points_and_graphemes() {
    let long = |unit, limit| Refused::TooLong { unit, limit };
    check(builder().max_bytes(6), "今天", "今天");
    refuse(builder().max_bytes(5), "今天", long(LengthUnit::Bytes, 5));
    check(builder().max_chars(2), "今天", "今天");
    refuse(builder().max_chars(1), "今天", long(LengthUnit::Chars, 1));
    check(
        builder().max_graphemes(2),
        "👩\u{200d}👧👍🏽",
        "👩\u{200d}👧👍🏽",
    );
    refuse(
        builder().max_graphemes(1),
        "👩\u{200d}👧👍🏽",
        long(LengthUnit::Graphemes, 1),
    );
}

#[test]
fn lengths_hold_before_and_after_normalization() {
    let long = |unit, limit| Refused::TooLong { unit, limit };
    check(builder().max_chars(2), "e\u{301}e\u{301}", "éé");
    refuse(
        builder().max_input_chars(3),
        "e\u{301}e\u{301}",
        long(LengthUnit::Chars, 3),
    );
    refuse(
        builder().max_input_bytes(3),
        "abcd",
        long(LengthUnit::Bytes, 3),
    );
    refuse(
        builder().max_input_graphemes(1),
        "a\u{0}",
        long(LengthUnit::Graphemes, 1),
    );
    // One code point that NFKC makes eighteen of.
    let nfkc = || {
        builder()
            .normalization(Normalization::Nfkc)
            .max_input_chars(1)
    };
    refuse(
        nfkc().max_chars(17),
        "\u{fdfa}",
        long(LengthUnit::Chars, 17),
    );
    check(nfkc().max_chars(18), "\u{fdfa}", "صلى الله عليه وسلم");
}

#[test]
fn a_long_text_is_cut_between_graphemes_if_asked_to() {
    let cut = |n| builder().max_graphemes(n).over_length(OverLength::Cut);
    check(cut(1), "👩\u{200d}👧👍🏽", "👩\u{200d}👧");
    check(cut(2), "ab cd", "ab");
    check(cut(3), "ab cd", "ab");
    check(cut(4), "ab cd", "ab c");
    check(
        builder().max_bytes(5).over_length(OverLength::Cut),
        "今天",
        "今",
    );
}

#[test]
fn marks_are_capped_per_base_character() {
    check(
        builder().max_marks(2),
        "q\u{323}\u{307}\u{308}x\u{307}",
        "q\u{323}\u{307}x\u{307}".nfc().as_str(),
    );
    refuse(
        builder()
            .max_marks(2)
            .class(Class::CombiningMark, Action::Refuse),
        "q\u{323}\u{307}\u{308}",
        Refused::Forbidden(Class::CombiningMark),
    );
}

#[test]
fn rules_drop_replace_mask_flag_and_refuse() {
    let rule = || TextRule::new("digits", "[0-9]+");
    check(builder().rule(rule().drop()), "a12b3", "ab");
    check(builder().rule(rule().replace("<n>")), "a12b3", "a<n>b<n>");
    // A replacement is literal: there is nothing to expand.
    check(builder().rule(rule().replace("$x")), "a12", "a$x");
    check(builder().rule(rule().mask('*')), "a12b3", "a**b*");
    check(builder().rule(rule().flag()), "a12b3", "a12b3");
    refuse(
        builder().rule(rule().refuse()),
        "a12b3",
        Refused::Rule("digits".into()),
    );
}

#[test]
fn a_report_counts_the_hits_of_each_rule() {
    let sanitizer = builder()
        .rule(TextRule::new("digits", "[0-9]+").flag())
        .rule(TextRule::new("x", "x").drop())
        .build()
        .unwrap();
    let clean = sanitizer.clean("1x2x3").unwrap();
    assert_eq!((clean.report().rule(0), clean.report().rule(1)), (1, 2));
}

#[test]
fn a_mistake_in_the_settings_is_found_when_building() {
    let fails = |result: Result<Sanitizer, SanitizeBuildError>, what: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    fails(
        builder()
            .class(Class::Control, Action::Replace('\u{200b}'))
            .build(),
        "U+200B",
    );
    fails(
        builder().class(Class::LineFeed, Action::Drop).build(),
        "U+000A",
    );
    fails(builder().min_graphemes(3).max_chars(2).build(), "minimum");
    fails(
        builder()
            .rule(TextRule::new("long", "a").replace("b".repeat(65)))
            .build(),
        "64 bytes",
    );
    for (pattern, what) in [
        ("(", "rule `r`"),
        ("a*", "empty text"),
        (r"\w{9000}", "rule `r`"),
        (&"a".repeat(4097), "4096"),
    ] {
        fails(builder().rule(TextRule::new("r", pattern)).build(), what);
    }
}

#[test]
fn speech_takes_500_graphemes_and_not_one_more() {
    for one in ["a", "今", "👍🏽", "e\u{301}"] {
        assert!(Sanitizer::speech().clean(&one.repeat(500)).is_ok(), "{one}");
        let refused = Sanitizer::speech().clean(&one.repeat(501)).map(|_| ());
        assert_eq!(
            refused,
            Err(Refused::TooLong {
                unit: LengthUnit::Graphemes,
                limit: 500
            }),
            "{one}"
        );
    }
}

#[test]
fn an_identifier_is_one_plain_line() {
    let clean = |text| {
        Sanitizer::identifier()
            .clean(text)
            .map(|clean| clean.text().to_owned())
    };
    assert_eq!(clean("  ｖoice   一 "), Ok("voice 一".to_owned()));
    for (text, class) in [
        ("a\nb", Class::LineFeed),
        ("a\u{200b}b", Class::Invisible),
        ("a\u{202e}b", Class::BidiControl),
        ("a\u{e000}", Class::PrivateUse),
        ("a\u{fe0f}", Class::VariationSelector),
    ] {
        assert_eq!(clean(text), Err(Refused::Forbidden(class)));
    }
}

#[test]
fn a_refusal_has_a_code_and_words_of_its_own() {
    let words = |text| {
        Sanitizer::speech()
            .clean(text)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(words(""), "is empty");
    assert_eq!(words("\u{0}"), "holds only control or invisible characters");
    assert_eq!(words(&"a".repeat(501)), "is longer than 500 characters");
    // A text of plain letters holds no invisible characters: a rule took them.
    let rule = TextRule::new("letters", "[a-z]").drop();
    let refused = builder()
        .rule(rule)
        .build()
        .unwrap()
        .clean("abc")
        .map(|_| ());
    let refused = refused.unwrap_err();
    assert_eq!(
        (&refused, refused.code()),
        (&Refused::RemovedByRule, "text_removed_by_rule")
    );
    assert_eq!(
        refused.to_string(),
        "has nothing left after the rules of this service were applied"
    );
    assert_eq!(
        Refused::Forbidden(Class::Nul).to_string(),
        "must not contain NUL"
    );
}

trait Normal {
    fn nfc(&self) -> String;
}

impl Normal for str {
    fn nfc(&self) -> String {
        builder()
            .build()
            .unwrap()
            .clean(self)
            .unwrap()
            .into_text()
            .into_owned()
    }
}
