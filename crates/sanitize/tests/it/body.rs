//! Forms, and bodies as such: types, sizes, encodings, headers.

use palisade_core::Rule;
use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};

use crate::support::{ask, ask_by_rule, form, json, post, speech};

#[tokio::test]
async fn a_form_is_cleaned_as_a_query_is() {
    let of = |body: &str| ask(speech(), form(body.to_owned()));
    assert_eq!(of("text=a+b&x=%zz").await.passed().text(), "text=a+b&x=%zz");
    assert_eq!(
        of("x=1&text=a%00+b").await.passed().text(),
        "x=1&text=a%20b"
    );
    of("x=1").await.is_refused(400, "field_missing");
    of("text=%ff").await.is_refused(400, "form_malformed");
    of("text=").await.is_refused(422, "text_empty");
}

#[tokio::test]
async fn headers_tell_the_truth_about_a_body_that_was_written_anew() {
    let with_digest = |body: &'static str| {
        let mut request = form(body);
        request
            .headers_mut()
            .insert("content-digest", "sha-256=:AAAA:".parse().unwrap());
        request
            .headers_mut()
            .insert("transfer-encoding", "chunked".parse().unwrap());
        request
    };
    let same = ask(speech(), with_digest("text=ab")).await;
    assert_eq!(
        (
            &same.passed().headers["x-content-length"],
            same.headers.len()
        ),
        (&"7".parse().unwrap(), 3)
    );
    let other = ask(speech(), with_digest("text=a%00b")).await;
    assert_eq!(other.passed().text(), "text=ab");
    assert_eq!(
        (&other.headers["x-content-length"], other.headers.len()),
        (&"7".parse().unwrap(), 1)
    );
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused() {
    let body = |length: usize| format!("text=a&x={}", "b".repeat(length - 9));
    ask(speech().max_body(64), form(body(64))).await.passed();
    ask(speech().max_body(64), form(body(65)))
        .await
        .is_refused(413, "payload_too_large");
    ask(
        speech(),
        json(format!(r#"{{"text":"a"}}{}"#, " ".repeat(70_000))),
    )
    .await
    .is_refused(413, "payload_too_large");
}

#[tokio::test]
async fn other_types_are_refused_where_text_is_looked_for() {
    for content_type in [
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/json; charset=utf-16",
        "application/xml",
    ] {
        let outcome = ask(speech(), post(content_type, "text=a")).await;
        assert!(
            outcome
                .is_refused(415, "content_type_unsupported")
                .headers
                .contains_key("accept")
        );
    }
    ask(
        speech().dangerously_pass_other_content(),
        post("text/plain", "\0"),
    )
    .await
    .passed();
}

#[tokio::test]
async fn compressed_bodies_are_refused_where_text_is_looked_for() {
    let request = |encoding: &'static str| {
        let mut request = json(r#"{"text":"a"}"#);
        request
            .headers_mut()
            .insert("content-encoding", encoding.parse().unwrap());
        request
    };
    ask(speech(), request("identity")).await.passed();
    for encoding in ["gzip", "br", "identity, gzip", ""] {
        ask(speech(), request(encoding))
            .await
            .is_refused(415, "content_encoding_unsupported");
    }
    ask(
        speech().dangerously_pass_compressed_bodies(),
        request("gzip"),
    )
    .await
    .passed();
}

#[tokio::test]
async fn where_no_text_is_looked_for_a_body_passes_unread_up_to_its_cap() {
    let layer = || {
        SanitizeLayer::builder()
            .max_unread_body(10)
            .build()
            .unwrap()
    };
    let of =
        |length: usize| ask_by_rule(Rule::public(), layer(), post("image/png", vec![0; length]));
    assert_eq!(of(10).await.passed().body.len(), 10);
    of(11).await.is_refused(413, "payload_too_large");
}

#[tokio::test]
async fn a_field_may_be_in_the_query_while_the_body_is_something_else() {
    let layer = || {
        SanitizeLayer::builder()
            .field(Field::required("text", Sanitizer::speech()))
            .field(Field::optional("note", Sanitizer::speech()))
    };
    let mut request = json(r#"{"note":"\u0000n"}"#);
    *request.uri_mut() = "/tts?text=a%00".parse().unwrap();
    let outcome = ask(layer(), request).await;
    assert_eq!(
        (outcome.passed().text(), outcome.query.as_deref()),
        (r#"{"note":"n"}"#, Some("text=a"))
    );
}

#[test]
fn mistakes_in_the_settings_are_found_when_building() {
    let field = |name: &'static str| Field::required(name, Sanitizer::speech());
    for name in ["/~", "/a~2", "/a/**/b"] {
        let error = SanitizeLayer::builder().field(field(name)).build();
        let error = error.unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let names = field("/a/*").with_names();
    assert!(SanitizeLayer::builder().field(names).build().is_err());
    let twice = SanitizeLayer::builder()
        .field(field("a"))
        .field(field("a"))
        .build();
    assert_eq!(
        twice.unwrap_err().to_string(),
        "the field `a` is named twice; remove one of them"
    );
}

#[tokio::test]
async fn what_is_flagged_is_noted_and_stays() {
    let rule = palisade_sanitize::TextRule::new("shouting", "[A-Z]{3,}").flag();
    let prompt = palisade_sanitize::SanitizerBuilder::prompt()
        .rule(rule)
        .build()
        .unwrap();
    let layer = SanitizeLayer::builder().field(Field::required("text", prompt));
    let outcome = ask(layer, json("{\"text\":\"LOUD \u{e000}\u{e001}\"}")).await;
    assert_eq!(
        outcome.passed().text(),
        "{\"text\":\"LOUD \u{e000}\u{e001}\"}"
    );
    let value = "text: private use characters (2), shouting (1)".into();
    assert_eq!(
        outcome.facts,
        [palisade_core::Fact::Noted {
            key: "text_flagged",
            value
        }]
    );
}

#[tokio::test]
async fn the_kinds_of_personal_data_are_recorded_and_none_of_the_data() {
    let rule = palisade_sanitize::PersonalData::new().rule();
    let prompt = palisade_sanitize::SanitizerBuilder::prompt()
        .rule(rule.label())
        .build()
        .unwrap();
    let layer = SanitizeLayer::builder().field(Field::required("/list/*", prompt));
    let body = r#"{"list":["手机13800138000","a@example.com 13900139000"]}"#;
    let outcome = ask(layer, json(body)).await;
    assert_eq!(
        outcome.passed().text(),
        r#"{"list":["手机[PHONE]","[EMAIL] [PHONE]"]}"#
    );
    let kinds = "/list/*: phone (2), email (1)".into();
    assert_eq!(
        outcome.facts,
        [
            palisade_core::Fact::Noted {
                key: "personal_data",
                value: kinds
            },
            palisade_core::Fact::Cleaned {
                field: "/list/*".into(),
                removed: 3
            }
        ]
    );
}

#[tokio::test]
async fn a_field_is_one_fact_however_often_it_is_there() {
    let prompt = palisade_sanitize::SanitizerBuilder::prompt()
        .build()
        .unwrap();
    let layer = SanitizeLayer::builder().field(Field::optional("/list/*", prompt));
    let many = vec!["\"a\\u0000\u{e000}b\""; 500].join(",");
    let outcome = ask(layer, json(format!(r#"{{"list":[{many}]}}"#))).await;
    let flagged = "/list/*: private use characters (500)".into();
    assert_eq!(
        outcome.passed().facts,
        [
            palisade_core::Fact::Noted {
                key: "text_flagged",
                value: flagged
            },
            palisade_core::Fact::Cleaned {
                field: "/list/*".into(),
                removed: 500
            }
        ]
    );
}

#[tokio::test]
async fn what_was_cleaned_before_a_refusal_is_recorded_too() {
    let layer = SanitizeLayer::builder()
        .field(Field::optional("a", Sanitizer::speech()))
        .field(Field::required("text", Sanitizer::speech()));
    let outcome = ask(layer, json(r#"{"a":"x\u0000","b":1}"#)).await;
    outcome.is_refused(400, "field_missing");
    let cleaned = palisade_core::Fact::Cleaned {
        field: "a".into(),
        removed: 1,
    };
    assert!(outcome.facts.contains(&cleaned), "{:?}", outcome.facts);
}

#[tokio::test]
async fn in_shadow_nothing_is_changed_or_refused_but_all_is_recorded() {
    let layer = || speech().dangerously_only_shadow();
    for (body, code) in [
        ("x=1", "field_missing"),
        ("text=", "text_empty"),
        ("text=a&text=b", "field_duplicated"),
        ("text=%", "form_malformed"),
    ] {
        let outcome = ask(layer(), form(body)).await;
        assert_eq!(
            (outcome.passed().text(), &outcome.would_refuse[..]),
            (body, &[code][..])
        );
    }
    let bom = "\u{feff}text=a";
    assert_eq!(ask(layer(), form(bom)).await.passed().text(), bom);
    let outcome = ask(layer(), form("text=a%00")).await;
    assert_eq!(outcome.passed().text(), "text=a%00");
    let noted = palisade_core::Fact::Noted {
        key: "text_would_be_cleaned",
        value: "text: 1".into(),
    };
    assert_eq!(outcome.facts, [noted]);
    let other = ask(layer(), post("text/plain", "\0")).await;
    assert_eq!(
        (other.passed().text(), &other.would_refuse[..]),
        ("\0", &["content_type_unsupported"][..])
    );
    ask(layer().max_body(4), form("text=a"))
        .await
        .is_refused(413, "payload_too_large");
}
