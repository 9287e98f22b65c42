//! Fields of JSON.

use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::{ask, json, speech};

async fn check(before: &str, after: &str) {
    let outcome = ask(speech(), json(before.to_owned())).await;
    assert_eq!(outcome.passed().text(), after);
    assert_eq!(
        outcome.headers["x-content-length"],
        after.len().to_string().as_str()
    );
}

async fn refuse(body: impl Into<bytes::Bytes>, status: u16, code: &str) {
    ask(speech(), json(body)).await.is_refused(status, code);
}

#[tokio::test]
async fn a_clean_document_is_not_touched() {
    for body in [
        r#"{"text":"hi"}"#,
        "\t{ \"n\" : 1.50e+3 , \"text\" : \"\\u4eca\\ud83d\\ude00\\n!\" , \"list\":[true,false,null,{}, [ ]]}\r\n",
        r#"{"other": "\u0000\u202e", "text": "a\/b"}"#,
    ] {
        check(body, body).await;
    }
}

#[tokio::test]
async fn only_the_field_is_written_anew() {
    check(
        r#"{ "n": 1.50, "text": "a\u0000b\"\\", "z": "\u0000" }"#,
        r#"{ "n": 1.50, "text": "ab\"\\", "z": "\u0000" }"#,
    )
    .await;
    check(
        "{\"text\":\"a\\u202eb\\nc\\td\"}",
        "{\"text\":\"ab\\nc d\"}",
    )
    .await;
    check(r#"{"te\u0078t":"\u0065\u0301"}"#, r#"{"te\u0078t":"é"}"#).await;
}

#[tokio::test]
async fn a_field_that_is_no_string_is_refused() {
    for value in ["1", "true", "{}", r#"["\u0000"]"#, r#"{"text":"a"}"#] {
        refuse(format!(r#"{{"text":{value}}}"#), 422, "field_not_text").await;
    }
    refuse(r#"{"text":null}"#, 400, "field_missing").await;
    refuse(r#"{}"#, 400, "field_missing").await;
    refuse(r#"[{"text":"a"}]"#, 400, "field_missing").await;
    refuse(r#""text""#, 400, "field_missing").await;
    refuse("", 400, "field_missing").await;
    refuse(r#"{"a":{"text":"a"}}"#, 400, "field_missing").await;
}

#[tokio::test]
async fn a_text_is_refused_with_the_reason() {
    refuse(r#"{"text":""}"#, 422, "text_empty").await;
    refuse(r#"{"text":"\u0000\u200b"}"#, 422, "text_nothing_left").await;
    refuse(
        format!(r#"{{"text":"{}"}}"#, "今".repeat(501)),
        422,
        "text_too_long",
    )
    .await;
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    for body in [
        " ",
        "{",
        "}",
        "{]",
        "[1,]",
        r#"{"text":"a",}"#,
        r#"{"text" "a"}"#,
        r#"{text:"a"}"#,
        r#"{'text':'a'}"#,
        r#"{"text":"a"} x"#,
        r#"{"text":"a"}{"text":"b"}"#,
        "{\"text\":\"a\nb\"}",
        r#"{"text":"\x41"}"#,
        r#"{"text":"\u+041"}"#,
        r#"{"text":"\u12"}"#,
        r#"{"text":"a"#,
        r#"{"text":"a\"#,
        r#"{"text":"a\"}"#,
        r#"{"n":01,"text":"a"}"#,
        r#"{"n":+1,"text":"a"}"#,
        r#"{"n":1.,"text":"a"}"#,
        r#"{"n":.5,"text":"a"}"#,
        r#"{"n":1e,"text":"a"}"#,
        r#"{"n":-,"text":"a"}"#,
        r#"{"n":NaN,"text":"a"}"#,
        r#"{"n":tru,"text":"a"}"#,
        "\u{feff}{\"text\":\"a\"}",
        "// c\n{\"text\":\"a\"}",
    ] {
        refuse(body.to_owned(), 400, "json_malformed").await;
    }
}

#[tokio::test]
async fn pointers_lead_to_nested_fields() {
    let layer = || {
        SanitizeLayer::builder()
            .field(Field::required("/messages/*/content", Sanitizer::prompt()))
            .field(Field::optional(
                "/messages/0/content",
                Sanitizer::identifier(),
            ))
            .field(Field::optional("/a~1b/m~0n", Sanitizer::speech()))
    };
    let before = r#"{"a/b":{"m~n":"\u0000x"},"messages":[{"content":"\u0000a"},{"content":"b"},{"content":"\u202ec","other":"\u0000"}]}"#;
    let after = r#"{"a/b":{"m~n":"x"},"messages":[{"content":"a"},{"content":"b"},{"content":"c","other":"\u0000"}]}"#;
    // The first message is named twice: the field that was named first cleans it, the other one looks at it too.
    ask(layer(), json(before))
        .await
        .is_refused(422, "text_forbidden");
    let first_is_clean = |text: &str| text.replace(r"\u0000a", "a");
    assert_eq!(
        ask(layer(), json(first_is_clean(before)))
            .await
            .passed()
            .text(),
        after
    );
    ask(layer(), json(r#"{"messages":[]}"#))
        .await
        .is_refused(400, "field_missing");
}

#[tokio::test]
async fn other_json_types_are_json_too() {
    let request = || {
        let mut request = json(r#"{"text":"a\u0000"}"#);
        request.headers_mut().insert(
            "content-type",
            "application/vnd.api+json; charset=utf-8".parse().unwrap(),
        );
        request
    };
    assert_eq!(
        ask(speech(), request()).await.passed().text(),
        r#"{"text":"a"}"#
    );
}

#[tokio::test]
async fn depth_and_size_have_limits() {
    let nested = |levels: usize| {
        format!(
            r#"{{"text":"a","deep":{}{}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    ask(speech(), json(nested(31))).await.passed();
    refuse(nested(32), 400, "json_malformed").await;
    refuse(nested(30_000), 400, "json_malformed").await;
    refuse(
        format!(r#"{{"text":"a","list":[{}0]}}"#, "0,".repeat(1000)),
        400,
        "json_malformed",
    )
    .await;
    assert!(speech().max_depth(129).build().is_err());
}

/// Some JSON, and texts that are almost JSON.
fn document() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"text\"",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "1",
        "-0.5e2",
        "01",
        "true",
        "null",
        " ",
        "\"",
        "\\",
        "{\"text\":",
        "\"b\":",
        "\"x\"}",
    ]);
    prop::collection::vec(token, 1..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_passes_is_what_a_reader_of_json_takes(body in document()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let layer = SanitizeLayer::builder().field(Field::optional("text", Sanitizer::speech()));
        let outcome = runtime.block_on(ask(layer, json(body.clone())));
        let read = serde_json::from_str::<serde_json::Value>(&body);
        if outcome.status == 200 {
            // A number that is too large for that reader is a number all the same.
            let large = read.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(read.is_ok() || large, "{body}");
            prop_assert_eq!(outcome.text(), body);
        } else if outcome.json()["code"] == "json_malformed" {
            // Names that are there twice are taken by that reader, and by ours refused.
            let twice = outcome.json()["detail"].as_str().unwrap().contains("twice");
            prop_assert!(read.is_err() || twice, "{body}");
        }
    }
}
