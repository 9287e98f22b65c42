#![allow(clippy::unwrap_used)]
use super::*;
use crate::pattern::Pattern;

fn rule() -> SpeechRule {
    SpeechRule {
        path: Pattern::new("/tts"),
        text: "text".to_owned(),
        millis_each: 1000,
        price: None,
    }
}

fn read(
    target: &str,
    media_type: &str,
    body: &'static str,
) -> Result<SpeechRequest, Box<Rejection>> {
    let mut request = http::Request::post(target);
    if !media_type.is_empty() {
        request = request.header(header::CONTENT_TYPE, media_type);
    }
    let mut head = request.body(()).unwrap().into_parts().0;
    SpeechRequest::read(&rule(), &mut head, Bytes::from_static(body.as_bytes()))
}

#[track_caller]
fn check(target: &str, media_type: &str, body: &'static str, expected: Option<u64>) {
    let characters = read(target, media_type, body).ok().map(|it| it.characters);
    assert_eq!(characters, expected, "{target} {body}");
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[test]
fn the_text_is_counted_wherever_it_is() {
    check("/tts?text=hello", "", "", Some(5));
    check("/tts?text=%E4%BD%A0%E5%A5%BD", "", "", Some(2));
    check("/tts", FORM, "voice=a&text=hello+you", Some(9));
    check("/tts", JSON, r#"{"text":"hello","voice":"a"}"#, Some(5));
    check(
        "/tts",
        "application/vnd.x+json; charset=utf-8",
        r#"{"text":"你好"}"#,
        Some(2),
    );
    check("/tts?text=ab", JSON, r#"{"text":"cde"}"#, Some(7));
}

#[test]
fn no_second_reading_is_free() {
    check("/tts?text=a&text=bcd", "", "", Some(6));
    check("/tts?TEXT=abc", "", "", Some(3));
    check("/tts?%74ext=abc", "", "", Some(3));
    check("/tts?a=1;text=abc", "", "", Some(3));
    check("/tts?text=a;b=c", "", "", Some(5));
    check("/tts", JSON, r#"{"Text":"abc","text":"d"}"#, Some(6));
    let spoken = SpeechRule {
        text: "speech".to_owned(),
        ..rule()
    };
    let mut head = http::Request::post("/tts?%C5%BFpeech=abc")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let body = Bytes::from_static("{\"\u{17F}peech\":\"de\"}".as_bytes());
    let folded = SpeechRequest::read(&spoken, &mut head, body).unwrap();
    assert_eq!(folded.characters, 7);
    let twice = read("/tts", JSON, r#"{"text":"long text","text":"a"}"#).unwrap();
    assert_eq!(
        (twice.characters, &*twice.body),
        (1, br#"{"text":"a"}"#.as_slice())
    );
}

#[test]
fn what_has_no_text_or_cannot_be_read_is_refused() {
    check("/tts", "", "", None);
    check("/tts?voice=a", "", "", None);
    check("/tts?text=", "", "", None);
    check("/tts", "text/plain", "text=abc", None);
    check("/tts", "multipart/form-data; boundary=x", "--x", None);
    check("/tts", JSON, r#"["text"]"#, None);
    check("/tts", JSON, r#"{"text":"a""#, None);
    check("/tts?text=a", JSON, r#"{"text":"a","model":5}"#, None);
}

#[test]
fn a_text_that_servers_read_in_different_ways_is_refused() {
    // A server that writes the value as a text also writes its names, brackets and marks.
    for value in [
        r#"{"a long name":""}"#,
        r#"["ab",{"c":"de"}]"#,
        r#"["ab"]"#,
        "1e20",
        "true",
        "null",
    ] {
        let body: &'static str = format!(r#"{{"text":{value}}}"#).leak();
        check("/tts", JSON, body, None);
        check("/tts?text=a", JSON, body, None);
    }
    for name in [
        "text[]",
        "text[a]",
        "text.a",
        "%20text",
        "text%00a",
        "%EF%BB%BFtext",
        "te%FFxt",
    ] {
        let pairs: &'static str = format!("text=a&{name}=long").leak();
        check("/tts", FORM, pairs, None);
        check(&format!("/tts?{pairs}"), "", "", None);
    }
    check("/tts", JSON, r#"{"text":"a","text[]":"long"}"#, None);
    check(
        "/tts",
        JSON,
        "{\"text\":\"a\",\"\u{FEFF}text\":\"long\"}",
        None,
    );
    check("/tts?text=%E4%BD", "", "", None);
    check("/tts?text=%u4f60", "", "", None);
}

#[test]
fn a_form_in_another_character_set_is_refused() {
    for charset in ["iso-8859-1", "utf-16", "\"utf-7\"", "x"] {
        check(
            "/tts",
            &format!("{FORM}; charset={charset}"),
            "text=a",
            None,
        );
        check(
            "/tts",
            &format!("{FORM};CHARSET = {charset}"),
            "text=a",
            None,
        );
    }
    check("/tts", FORM, "_charset_=iso-8859-1&text=a", None);
    check("/tts", FORM, "utf8=%26%2310003%3B&text=a", None);
    check(
        "/tts",
        FORM,
        "utf8=%E2%9C%93&_charset_=UTF-8&text=a",
        Some(1),
    );
    let mut head = http::Request::post("/tts")
        .header(header::CONTENT_TYPE, format!("{FORM}; charset=UTF-8; x=y"))
        .body(())
        .unwrap()
        .into_parts()
        .0;
    SpeechRequest::read(&rule(), &mut head, Bytes::from_static(b"text=a")).unwrap();
    assert_eq!(head.headers[header::CONTENT_TYPE], FORM);
}

#[test]
fn the_model_is_the_same_in_all_places() {
    let model = |target: &str, media_type: &str, body: &'static str| {
        read(target, media_type, body).ok().map(|it| it.model)
    };
    let named = |model: &str| Some(model.to_owned());
    assert_eq!(model("/tts?text=a&model=m", "", ""), named("m"));
    assert_eq!(model("/tts", FORM, "text=a&model=m"), named("m"));
    assert_eq!(
        model("/tts?model=m", JSON, r#"{"text":"a","model":"m"}"#),
        named("m")
    );
    assert_eq!(model("/tts?text=a", "", ""), named(""));
    for query in [
        "model=n",
        "model=",
        "Model=m",
        "model[]=m",
        "model=m&model=n",
    ] {
        let target = format!("/tts?{query}");
        assert_eq!(
            model(&target, JSON, r#"{"text":"a","model":"m"}"#),
            None,
            "{query}"
        );
    }
    assert_eq!(model("/tts", JSON, r#"{"text":"a","Model":"m"}"#), None);
}

#[test]
fn several_slow_sounds_and_further_models_are_seen_wherever_they_are() {
    let lengths = |target: &str, media_type: &str, body: &'static str| {
        let read = read(target, media_type, body).ok();
        read.map(|read| (read.characters, read.slowness, read.names_further_models))
    };
    let plain = Some((5, Some(1), false));
    assert_eq!(lengths("/tts?text=hello&speed=2", "", ""), plain);
    let several = Some((15, Some(4), false));
    assert_eq!(lengths("/tts?n=3&speed=.3", FORM, "text=hello"), several);
    let json = r#"{"text":"hello","n":3,"speed":0.25}"#;
    assert_eq!(lengths("/tts", JSON, json), several);
    let further = Some((5, Some(1), true));
    assert_eq!(lengths("/tts?text=hello&models[]=big", "", ""), further);
    assert_eq!(lengths("/tts", FORM, "text=hello&Fallbacks=big"), further);
    let json = r#"{"text":"hello","route":"fallback","models":null}"#;
    assert_eq!(lengths("/tts", JSON, json), further);
    let unknown = Some((5, None, false));
    assert_eq!(
        lengths("/tts", JSON, r#"{"text":"hello","speed":"x"}"#),
        unknown
    );
    assert_eq!(lengths("/tts", JSON, r#"{"text":"hello","n":0}"#), None);
}
