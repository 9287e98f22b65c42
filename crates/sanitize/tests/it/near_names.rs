//! Names that other readers take for the name of a field, in the strict mode of gateways.

use palisade_core::Fact;
use palisade_sanitize::{Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};

use crate::support::{ask, form, get, json, speech};

fn strict() -> SanitizeLayerBuilder {
    speech().refuse_near_names()
}

const NEAR: [&str; 13] = [
    "Text",
    "TEXT",
    "text[]",
    "text%5B0%5D",
    "text%00",
    "text%00x",
    "+text",
    "te_xt",
    "text.",
    "te%E2%80%8Bxt",
    "%EF%BD%94ext",
    "%2574ext",
    "%EF%BB%BFtext",
];

#[tokio::test]
async fn a_parameter_of_nearly_the_name_is_refused_in_strict_mode() {
    for name in NEAR {
        let query = format!("/tts?text=a&{name}=%E2%80%8Bb");
        ask(strict(), get(&query))
            .await
            .is_refused(400, "field_near_name");
        ask(strict(), form(format!("{name}=b&text=a")))
            .await
            .is_refused(400, "field_near_name");
    }
    let outcome = ask(strict(), get("/tts?text=a&Text=b")).await;
    assert_eq!(outcome.json()["field"], "text");
    assert!(!outcome.text().contains("Text"));
}

#[tokio::test]
async fn a_parameter_behind_a_semicolon_is_refused_in_strict_mode() {
    for query in [
        "text=a&x=1;text=b",
        "text=a&x;te%78t=b",
        "text=a;text=b",
        "text=a&x=1;Text=b",
    ] {
        ask(strict(), get(&format!("/tts?{query}")))
            .await
            .is_refused(400, "field_near_name");
    }
}

#[tokio::test]
async fn a_member_of_nearly_the_name_is_refused_in_strict_mode() {
    for name in [
        "Text",
        "TEXT",
        "te\\u0078T",
        "text\\u0000",
        "text[]",
        "te\u{200b}xt",
        "te_xt",
        "ｔext",
    ] {
        let body = format!(r#"{{"text":"a","{name}":"b"}}"#);
        ask(strict(), json(body))
            .await
            .is_refused(400, "field_near_name");
    }
    let pointer = || {
        SanitizeLayer::builder()
            .field(Field::optional("/messages/*/content", Sanitizer::speech()))
            .refuse_near_names()
    };
    for body in [r#"{"Messages":[]}"#, r#"{"messages":[{"Content":"a"}]}"#] {
        ask(pointer(), json(body))
            .await
            .is_refused(400, "field_near_name");
    }
    let other = r#"{"messages":[{"content":"a","Messages":1}],"content":1,"Content":2}"#;
    ask(pointer(), json(other)).await.passed();
}

#[tokio::test]
async fn other_names_pass_in_strict_mode() {
    for query in [
        "text=a&texts=b",
        "text=a&context=b",
        "text=a&x[text]=b",
        "text=a;b",
        "text=a&x=1;y=2",
        "text=a&&=&;",
    ] {
        let outcome = ask(strict(), get(&format!("/tts?{query}"))).await;
        assert_eq!(outcome.passed().query.as_deref(), Some(query));
    }
}

#[tokio::test]
async fn near_names_are_other_names_by_default() {
    let outcome = ask(speech(), get("/tts?text=a&Text=%00")).await;
    assert_eq!(outcome.passed().query.as_deref(), Some("text=a&Text=%00"));
    assert_eq!(outcome.facts, [] as [Fact; 0]);
}
