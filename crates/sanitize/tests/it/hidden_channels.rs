//! Data hidden in characters that no reader sees, and names that are not what they look like.

use palisade_sanitize::{Action, Class, Refused, Sanitizer, SanitizerBuilder, skeleton};

fn presets() -> [(&'static str, Sanitizer); 4] {
    [
        ("speech", Sanitizer::speech()),
        ("prompt", Sanitizer::prompt()),
        ("identifier", Sanitizer::identifier()),
        ("display_name", Sanitizer::display_name()),
    ]
}

#[test]
fn bytes_hidden_in_selectors_behind_ideographs_are_dropped_or_refused() {
    for number in 0xfe00..=0xfe0d_u32 {
        let selector = char::from_u32(number).unwrap();
        let text = format!("好{selector}天{selector}");
        for (name, sanitizer) in presets() {
            match sanitizer.clean(&text) {
                Ok(clean) => assert_eq!(clean.text(), "好天", "{name}"),
                Err(refused) => assert_eq!(
                    refused,
                    Refused::Forbidden(Class::VariationSelector),
                    "{name}"
                ),
            }
        }
    }
}

/// Sixteen bytes in 43 characters: three bits a selector.
#[test]
fn a_message_in_selectors_one_to_seven_does_not_get_through() {
    let secret = b"attack at dawn!!";
    let bits: Vec<u8> = secret
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1))
        .collect();
    let carrier = "今天天气很好我们去公园玩吧".chars().cycle();
    let text: String = bits
        .chunks(3)
        .zip(carrier)
        .flat_map(|(bits, c)| {
            let value = bits.iter().fold(0, |sum, bit| sum << 1 | u32::from(*bit));
            [c, char::from_u32(0xfe00 + value).unwrap()]
        })
        .collect();
    let selectors = |text: &str| {
        text.chars()
            .filter(|c| ('\u{fe00}'..='\u{fe0f}').contains(c))
            .count()
    };
    assert_eq!(selectors(&text), 43);
    for sanitizer in [Sanitizer::speech(), Sanitizer::prompt()] {
        assert_eq!(selectors(sanitizer.clean(&text).unwrap().text()), 0);
    }
    Sanitizer::identifier().clean(&text).unwrap_err();
}

/// One bit a pictograph: U+FE0E or U+FE0F after one that has a single form.
#[test]
fn a_message_in_the_selectors_of_emoji_does_not_get_through() {
    let text: String = "🥰🧑🦊🫶🥲🪐"
        .chars()
        .enumerate()
        .flat_map(|(at, c)| [c, if at % 2 == 0 { '\u{fe0e}' } else { '\u{fe0f}' }])
        .collect();
    for sanitizer in [Sanitizer::speech(), Sanitizer::prompt()] {
        assert_eq!(sanitizer.clean(&text).unwrap().text(), "🥰🧑🦊🫶🥲🪐");
        // Those with two forms keep their selector.
        assert_eq!(
            sanitizer.clean("❤\u{fe0f}☎\u{fe0e}").unwrap().text(),
            "❤\u{fe0f}☎\u{fe0e}"
        );
    }
}

#[test]
fn selectors_of_other_scripts_stay_only_in_listed_pairs() {
    let speech = |text: &str| {
        Sanitizer::speech()
            .clean(text)
            .unwrap()
            .into_text()
            .into_owned()
    };
    // Listed in StandardizedVariants: an intersection with serifs, a Mongolian letter, a comma of another width.
    for listed in [
        "\u{2229}\u{fe00}",
        "\u{1820}\u{180b}",
        "\u{3001}\u{fe00}",
        "\u{4e0d}",
    ] {
        assert_eq!(speech(listed), listed);
    }
    for (text, clean) in [
        ("\u{2228}\u{fe00}", "\u{2228}"),
        ("\u{2229}\u{fe01}", "\u{2229}"),
        ("\u{1820}\u{180f}", "\u{1820}"),
        ("\u{1000}\u{fe01}", "\u{1000}"),
        ("\u{ff21}\u{fe00}", "\u{ff21}"),
        ("0\u{fe00}", "0"),
    ] {
        assert_eq!(speech(text), clean);
    }
}

#[test]
fn ideographic_variants_stay_by_option() {
    let text = "葛\u{e0100}城";
    assert_eq!(Sanitizer::speech().clean(text).unwrap().text(), "葛城");
    let keeping = SanitizerBuilder::speech().class(Class::IdeographicVariant, Action::Keep);
    assert_eq!(keeping.build().unwrap().clean(text).unwrap().text(), text);
}

#[test]
fn an_identifier_has_no_blanks_fillers_or_unassigned_characters() {
    let identifier = Sanitizer::identifier();
    for c in
        "\u{2800}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{378}\u{e0080}\u{2065}\u{fff0}\u{1f1ff}★🎉²½"
            .chars()
    {
        let text = format!("a{c}b");
        match identifier.clean(&text) {
            Ok(clean) => assert!(
                clean.text().chars().all(|c| c.is_ascii_alphanumeric()),
                "{:x}",
                u32::from(c)
            ),
            Err(refused) => assert!(
                matches!(
                    refused,
                    Refused::NotAllowed | Refused::Forbidden(Class::Invisible)
                ),
                "{:x} {refused:?}",
                u32::from(c)
            ),
        }
    }
    for name in [
        "alice",
        "Alice_2",
        "o'neill",
        "jean-luc",
        "voice 一",
        "Москва",
        "مريم",
        "東京タワー",
        "한국어 abc",
    ] {
        assert_eq!(identifier.clean(name).unwrap().text(), name);
    }
}

#[test]
fn an_identifier_does_not_mix_scripts_or_look_like_another() {
    let refused = |text| Sanitizer::identifier().clean(text).map(|_| ()).unwrap_err();
    assert_eq!(refused("pаypal"), Refused::MixedScripts); // а is Cyrillic
    assert_eq!(refused("αdmin"), Refused::MixedScripts);
    assert_eq!(refused("аррӏе"), Refused::Confusable); // Cyrillic throughout
    assert_eq!(refused("аррӏе").code(), "text_confusable");
    assert_eq!(skeleton("pаypal"), skeleton("paypal"));
    assert_eq!(skeleton("rnicrosoft"), skeleton("microsoft"));
}

#[test]
fn a_display_name_has_signs_and_emoji_and_nothing_hidden() {
    let clean = |text: &str| {
        Sanitizer::display_name()
            .clean(text)
            .map(|clean| clean.text().to_owned())
    };
    for name in ["Bob (he/him) 🎉", "Ms. Ünal, Ph.D.", "小明★", "مريم"] {
        assert_eq!(clean(name).as_deref(), Ok(name));
    }
    assert_eq!(clean("Bob\u{3000} B."), Ok("Bob B.".to_owned()));
    assert_eq!(clean("a\u{378}b"), Err(Refused::NotAllowed));
    assert_eq!(clean("\u{2801}\u{2800}\u{2801}"), Err(Refused::NotAllowed));
    assert_eq!(
        clean("a\u{2800}b"),
        Err(Refused::Forbidden(Class::Invisible))
    );
    assert_eq!(
        clean("a\u{202e}b"),
        Err(Refused::Forbidden(Class::BidiControl))
    );
    assert_eq!(clean("a\nb"), Err(Refused::Forbidden(Class::LineFeed)));
}
