//! What the presets promise.

use palisade_sanitize::{Action, Class, PersonalData, Preset, Refused, Sanitizer};

#[test]
fn a_log_line_is_one_line_without_commands() {
    let line = Sanitizer::log_line();
    let shown = |text: &str| line.clean(text).unwrap().into_text().into_owned();
    assert_eq!(shown("a\r\nb\u{2028}c\u{85}d\te"), "a b c d e");
    assert_eq!(shown("x\u{1b}[31m\0\u{9b}2K"), "x[31m2K");
    assert_eq!(shown("a\u{202e}b\u{200b}c\u{e0041}"), "abc");
    assert_eq!(shown(""), "");
    assert_eq!(shown("می‌خواهم 👨‍👩‍👧 好"), "می‌خواهم 👨‍👩‍👧 好");
    let cut = line
        .clean(&"好".repeat(5000))
        .unwrap()
        .into_text()
        .into_owned();
    assert_eq!(cut.chars().count(), 1000);
}

#[test]
fn a_search_query_is_one_plain_line() {
    let query = Sanitizer::search_query();
    let text = query.clean("\t ＡＢＣ\u{3000}①\r\nｶﾞ\u{202e} ").unwrap();
    assert_eq!(text.text(), "ABC 1 ガ");
    assert_eq!(query.clean(" \n").unwrap_err(), Refused::Empty);
}

#[test]
fn a_file_name_is_a_name_and_nothing_else() {
    let file = Sanitizer::file_name();
    assert_eq!(file.clean(" 报告 2.pdf ").unwrap().text(), "报告 2.pdf");
    for (name, why) in [
        (
            "photo\u{202e}gpj.exe",
            Refused::Forbidden(Class::BidiControl),
        ),
        ("a\nb", Refused::Forbidden(Class::LineFeed)),
        ("a\0.png", Refused::Forbidden(Class::Nul)),
        ("../etc/passwd", Refused::NotAllowed),
        (" .. ", Refused::NotAFileName),
    ] {
        assert_eq!(file.clean(name).unwrap_err(), why, "{name:?}");
    }
    assert!(file.clean(&"好".repeat(85)).is_ok());
    assert!(file.clean(&"好".repeat(86)).is_err());
}

/// The part of a text between two code points.
fn part(text: &str, place: std::ops::Range<usize>) -> String {
    text.chars().skip(place.start).take(place.len()).collect()
}

#[test]
fn places_are_those_of_the_text_as_it_was_sent() {
    for preset in [
        Preset::LogLine,
        Preset::Prompt,
        Preset::SearchQuery,
        Preset::Speech,
    ] {
        let rule = PersonalData::new().rule();
        let sanitizer = preset.builder().rule(rule).build().unwrap();
        for (before, data) in [
            ("", "13800138000"),
            ("\u{feff}  \t", "138\u{200b}0013\u{ad}8000"),
            ("e\u{301}e\u{301}\u{202e} ", "１３８００１３８０００"),
            ("가\u{1100}\u{1161}ﬃ①㍿ ", "138\u{a0}0013\u{3000}8000"),
            ("<|im_start|>\r\n\r\n👨‍👩‍👧", "138 0013 8000"),
            ("写", "a@exam\u{200d}ple.com"),
        ] {
            for after in ["", "，谢谢\u{200b}", " \n\u{e0041} "] {
                let text = format!("{before}{data}{after}");
                let clean = sanitizer.clean(&text).unwrap();
                let found: Vec<_> = clean.report().found_data().collect();
                let places: Vec<String> = found
                    .iter()
                    .map(|data| part(&text, data.char_range()))
                    .collect();
                assert_eq!(places, [data], "{preset} {text:?}");
                assert_eq!(text.get(found[0].byte_range()), Some(data));
            }
        }
    }
}

#[test]
fn code_points_are_explained_as_the_first_round_treats_them() {
    for preset in Preset::ALL {
        let sanitizer = preset.sanitizer();
        for text in [
            "a\u{202e}b",
            "می‌خواهم",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}x\u{e0067}",
            "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
            "a\r\n\u{85}b\u{200d}\u{200d}c❤\u{fe0f}1\u{fe0f}",
        ] {
            let points = sanitizer.code_points(text);
            let same: String = points.iter().map(|point| point.character).collect();
            assert_eq!(same, text);
            let is_refused = points.iter().any(|point| point.action == Action::Refuse);
            let refused = matches!(sanitizer.clean(text), Err(Refused::Forbidden(_)));
            assert_eq!(is_refused, refused, "{preset} {text:?}");
            if let Ok(clean) = sanitizer.clean(text) {
                let changed = |action| !matches!(action, Action::Keep | Action::Flag);
                let dropped = points.iter().filter(|point| changed(point.action)).count();
                let counted: u32 = clean.report().classes().map(|(_, count)| count).sum();
                assert_eq!(dropped, counted as usize, "{preset} {text:?}");
            }
        }
    }
}
