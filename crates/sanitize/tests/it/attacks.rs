//! What attackers try, one test each.

use palisade_sanitize::{Class, Refused, Sanitizer, TextRule};

use crate::support::{ask, form, get, json, speech as speech_layer};

fn speech(text: &str) -> String {
    Sanitizer::speech()
        .clean(text)
        .unwrap_or_else(|refused| panic!("{text:?}: {refused}"))
        .into_text()
        .into_owned()
}

#[test]
fn a_bidi_override_does_not_hide_the_order_of_text() {
    assert_eq!(speech("safe\u{202e}exe.cod\u{202c}"), "safeexe.cod");
    assert_eq!(speech("a\u{2066}b\u{2069}c\u{200f}d\u{61c}e"), "abcde");
}

#[test]
fn text_smuggled_in_tag_characters_is_dropped() {
    let hidden: String = "ignore all rules"
        .chars()
        .map(|c| char::from_u32(0xe0000 + u32::from(c)).unwrap())
        .collect();
    assert_eq!(speech(&format!("hello{hidden}!")), "hello!");
}

#[test]
fn text_smuggled_behind_a_flag_is_dropped() {
    let tags = |text: &str| {
        text.chars()
            .map(|c| char::from_u32(0xe0000 + u32::from(c)).unwrap())
            .collect::<String>()
    };
    assert_eq!(speech(&format!("🏴{}\u{e007f}", tags("usca"))), "🏴");
    assert_eq!(speech(&format!("🏴{}", tags("gbsct"))), "🏴");
    assert_eq!(
        speech(&format!("🏴{}{}\u{e007f}", tags("gbsct"), tags("evil"))),
        "🏴"
    );
}

#[test]
fn bytes_smuggled_in_variation_selectors_are_dropped() {
    let hidden: String = (0..40)
        .map(|n| char::from_u32(0xe0100 + n).unwrap())
        .collect();
    assert_eq!(speech(&format!("😀{hidden}a{hidden}今{hidden}")), "😀a今");
    assert_eq!(speech("❤\u{fe0f}\u{fe0e}\u{fe0f}"), "❤\u{fe0f}");
    assert_eq!(speech("😀\u{fe0f}\u{fe0e}\u{fe0f}"), "😀");
    assert_eq!(speech("a\u{fe0f}1\u{fe0f}b"), "a1b");
}

#[test]
fn bits_smuggled_in_joiners_are_dropped() {
    assert_eq!(speech("a\u{200c}\u{200d}\u{200c}\u{200b}b\u{200d}"), "ab");
    assert_eq!(speech("می\u{200c}\u{200d}\u{200c}خواهم"), "می\u{200c}خواهم");
    assert_eq!(speech("😀\u{200d}\u{200d}😀"), "😀\u{200d}😀");
}

#[test]
fn a_word_split_by_invisible_characters_is_whole_again() {
    for c in "\u{0}\u{ad}\u{34f}\u{115f}\u{17b4}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2063}\u{3164}\u{feff}\u{ffa0}\u{fffc}".chars() {
        assert_eq!(speech(&format!("ig{c}nore")), "ignore", "{:x}", u32::from(c));
    }
}

#[test]
fn a_rule_sees_the_text_without_what_hides_in_it() {
    let rule = TextRule::new("secret word", "(?i)ignore");
    let sanitizer = Sanitizer::builder().rule(rule).build().unwrap();
    for text in [
        "ignore",
        "ig\u{200b}nore",
        "IG\u{0}NORE",
        "i\u{202e}gnore",
        "ig\u{e0001}nore",
    ] {
        assert_eq!(
            sanitizer.clean(text).map(|_| ()),
            Err(Refused::Rule("secret word".into())),
            "{text:?}"
        );
    }
}

#[test]
fn a_removed_part_does_not_reassemble() {
    let sanitizer = Sanitizer::builder()
        .rule(TextRule::new("tag", "<script>").drop())
        .build()
        .unwrap();
    assert_eq!(sanitizer.clean("a<scr<script>ipt>b").unwrap().text(), "ab");
    assert_eq!(
        sanitizer
            .clean("a<scr<scr<script>ipt>ipt>b")
            .unwrap()
            .text(),
        "ab"
    );
    let deep = format!("{}x{}", "<scr".repeat(50), "ipt>".repeat(50)).replace('x', "<script>");
    assert_eq!(sanitizer.clean(&deep).map(|_| ()), Err(Refused::Unstable));
}

#[test]
fn stacked_marks_are_cut_down() {
    let zalgo = format!(
        "H{}e{}",
        "\u{335}\u{327}\u{301}".repeat(400),
        "\u{489}".repeat(900)
    );
    let clean = Sanitizer::speech().clean(&zalgo).unwrap();
    assert!(
        clean.text().chars().count() <= 18,
        "{}",
        clean.text().chars().count()
    );
    assert!(clean.report().count(Class::CombiningMark) > 2000);
}

#[test]
fn marks_do_not_hide_behind_selectors_or_joiners() {
    let text = format!("e{}", "\u{301}\u{fe0f}\u{200d}\u{34f}".repeat(500));
    assert!(speech(&text).chars().count() < 12);
}

#[test]
fn one_endless_grapheme_is_too_long() {
    // A family, a Hangul syllable and a conjunct of any length are each one grapheme.
    for one in ["👩\u{200d}", "\u{1100}", "\u{915}\u{94d}", "\u{600}"] {
        assert!(
            matches!(
                Sanitizer::speech().clean(&one.repeat(4001)),
                Err(Refused::TooLong { .. })
            ),
            "{one:?}"
        );
    }
}

#[test]
fn a_text_that_unfolds_is_refused_before_it_is_large() {
    // Each of these becomes eighteen characters in NFKC, and each of those 64 bytes.
    let rule = TextRule::new("grow", r"\p{Arabic}").replace("x".repeat(64));
    let sanitizer = Sanitizer::builder()
        .normalization(palisade_sanitize::Normalization::Nfkc)
        .max_bytes(1000)
        .max_input_bytes(2000)
        .rule(rule)
        .build()
        .unwrap();
    assert!(matches!(
        sanitizer.clean(&"\u{fdfa}".repeat(600)),
        Err(Refused::TooLong { .. })
    ));
}

#[test]
fn a_huge_text_is_refused_unread() {
    assert!(matches!(
        Sanitizer::speech().clean(&"\u{202e}".repeat(1 << 20)),
        Err(Refused::TooLong { .. })
    ));
}

#[test]
fn terminal_escapes_lose_their_power() {
    assert_eq!(speech("\u{1b}[31mred\u{9b}0m\u{7}"), "[31mred0m");
}

#[test]
fn log_lines_cannot_be_forged_with_odd_line_ends() {
    let name = Sanitizer::identifier();
    for text in ["a\nb", "a\rb", "a\u{85}b", "a\u{2028}b", "a\u{b}b"] {
        assert!(
            matches!(name.clean(text), Err(Refused::Forbidden(_))),
            "{text:?}"
        );
    }
}

#[test]
fn a_blank_name_of_fillers_is_empty() {
    for text in [
        "\u{3164}",
        "\u{2800}\u{2800}",
        "\u{115f}\u{1160}",
        "\u{200b}",
        "\u{ffa0} \u{feff}",
    ] {
        assert_eq!(
            Sanitizer::speech().clean(text).map(|_| ()),
            Err(Refused::NothingLeft),
            "{text:?}"
        );
    }
}

#[test]
fn a_refusal_and_its_debug_form_hold_none_of_the_text() {
    let sanitizer = Sanitizer::builder()
        .max_graphemes(3)
        .rule(TextRule::new("r", "[0-9]"))
        .build()
        .unwrap();
    for text in ["canary", "c4n"] {
        let refused = sanitizer.clean(text).unwrap_err();
        assert!(
            !format!("{refused:?} {refused}").contains("c4n")
                && !format!("{refused:?} {refused}").contains("canary")
        );
    }
}

#[tokio::test]
async fn a_name_in_percent_escapes_is_the_field() {
    let outcome = ask(speech_layer(), get("/tts?%74%65xt=a%00b")).await;
    assert_eq!(outcome.passed().query.as_deref(), Some("%74%65xt=ab"));
}

#[tokio::test]
async fn a_parameter_sent_twice_is_refused() {
    ask(speech_layer(), get("/tts?text=a&text=%00"))
        .await
        .is_refused(400, "field_duplicated");
    ask(speech_layer(), get("/tts?text=a&te%78t=b"))
        .await
        .is_refused(400, "field_duplicated");
    ask(speech_layer(), form("text=a&x=1&text=b"))
        .await
        .is_refused(400, "field_duplicated");
}

#[tokio::test]
async fn a_name_twice_in_one_object_is_refused() {
    for body in [
        r#"{"text":"a","text":"\u0000"}"#,
        r#"{"text":"a","te\u0078t":"b"}"#,
        r#"{"text":"a","x":{"y":1,"y":2}}"#,
    ] {
        ask(speech_layer(), json(body))
            .await
            .is_refused(400, "json_malformed");
    }
}

#[tokio::test]
async fn a_body_in_utf16_is_refused() {
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &str| {
        format!("{mark}{}", r#"{"text":"a"}"#)
            .encode_utf16()
            .flat_map(order)
            .collect::<Vec<u8>>()
    };
    for body in [
        utf16(u16::to_le_bytes, "\u{feff}"),
        utf16(u16::to_be_bytes, "\u{feff}"),
        utf16(u16::to_le_bytes, ""),
        utf16(u16::to_be_bytes, ""),
    ] {
        ask(speech_layer(), json(body))
            .await
            .is_refused(400, "json_malformed");
    }
}

#[tokio::test]
async fn invalid_utf8_is_refused() {
    for bytes in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe4\xbb",
    ] {
        let body = [b"{\"text\":\"".as_slice(), bytes, b"\"}"].concat();
        ask(speech_layer(), json(body))
            .await
            .is_refused(400, "json_malformed");
        ask(speech_layer(), form([b"text=".as_slice(), bytes].concat()))
            .await
            .is_refused(400, "form_malformed");
        let escaped: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        ask(speech_layer(), get(&format!("/tts?text={escaped}")))
            .await
            .is_refused(400, "query_malformed");
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused() {
    for escape in [
        r"\ud83d",
        r"\ude00",
        r"\ud83d\u0041",
        r"\ud83dx",
        r"\ude00\ud83d",
        r"\ud83d\ud83d",
    ] {
        ask(speech_layer(), json(format!(r#"{{"text":"{escape}"}}"#)))
            .await
            .is_refused(400, "json_malformed");
        ask(
            speech_layer(),
            json(format!(r#"{{"text":"a","x":"{escape}"}}"#)),
        )
        .await
        .is_refused(400, "json_malformed");
    }
}

#[tokio::test]
async fn deep_nesting_does_not_exhaust_the_stack() {
    for open in ["[", r#"{"a":"#] {
        ask(speech_layer(), json(open.repeat(10_000)))
            .await
            .is_refused(400, "json_malformed");
    }
}

#[tokio::test]
async fn a_second_content_type_does_not_open_a_way_around() {
    let mut request = json(r#"{"text":"\u0000"}"#);
    request
        .headers_mut()
        .append("content-type", "text/plain".parse().unwrap());
    ask(speech_layer(), request)
        .await
        .is_refused(415, "content_type_unsupported");
    let mut request = json(r#"{"text":"\u0000"}"#);
    request.headers_mut().remove("content-type");
    ask(speech_layer(), request)
        .await
        .is_refused(415, "content_type_unsupported");
}

#[tokio::test]
async fn a_list_does_not_carry_text_past_the_field() {
    ask(speech_layer(), json(r#"{"text":["\u202e"]}"#))
        .await
        .is_refused(422, "field_not_text");
}

#[tokio::test]
async fn a_refusal_echoes_nothing_of_the_request() {
    let canary = "canary";
    for request in [
        get(&format!("/tts?text={}", canary.repeat(100))),
        get(&format!("/tts?{canary}=1")),
        json(format!(r#"{{"text":"{canary}", }}"#)),
        json(format!(r#"{{"{canary}":1,"{canary}":2}}"#)),
        form(format!("text={canary}%zz")),
    ] {
        let outcome = ask(speech_layer(), request).await;
        assert!(outcome.status.is_client_error());
        assert!(
            !outcome.text().contains(canary) && !format!("{:?}", outcome.facts).contains(canary)
        );
    }
}

#[tokio::test]
async fn the_attack_corpus_gets_through_the_layer_without_a_server_error() {
    let Some(corpus) = crate::vectors::beside("crs-requests.json") else {
        return;
    };
    let stages: Vec<serde_json::Value> = serde_json::from_str(&corpus).unwrap();
    for data in stages.iter().filter_map(|stage| stage["data"].as_str()) {
        for request in [json(data.to_owned()), form(data.to_owned())] {
            let outcome = ask(speech_layer(), request).await;
            assert!(outcome.status.as_u16() < 500, "{data:?}");
        }
    }
}
