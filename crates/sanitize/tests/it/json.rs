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

pub(crate) async fn refuse(body: impl Into<bytes::Bytes>, status: u16, code: &str) {
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
    assert_eq!(ask(layer(), json(before)).await.passed().text(), after);
    ask(layer(), json(r#"{"messages":[]}"#))
        .await
        .is_refused(400, "field_missing");
}

#[tokio::test]
async fn two_fields_that_mean_one_string_clean_it_in_turn() {
    let rule = |pattern, by: &str| palisade_sanitize::TextRule::new("r", pattern).replace(by);
    let with = |rule| Sanitizer::builder().rule(rule).build().unwrap();
    let layer = |first: palisade_sanitize::TextRule, second| {
        SanitizeLayer::builder()
            .field(Field::required("/list/*", with(first)))
            .field(Field::required("/list/0", with(second)))
    };
    let body = r#"{"list":["abc","abc"]}"#;
    let outcome = ask(layer(rule("a", "x"), rule("b", "y")), json(body)).await;
    assert_eq!(outcome.passed().text(), r#"{"list":["xyc","xbc"]}"#);
    let removed = |field: &str, removed| palisade_core::Fact::Cleaned {
        field: field.into(),
        removed,
    };
    assert_eq!(
        outcome.facts,
        [removed("/list/*", 2), removed("/list/0", 1)]
    );
    // What the second leaves, the first sees again.
    let outcome = ask(layer(rule("a", "x"), rule("b", "a")), json(body)).await;
    assert_eq!(outcome.passed().text(), r#"{"list":["xxc","xbc"]}"#);
    // Two that undo each other never end.
    ask(layer(rule("a", "b"), rule("b", "a")), json(body))
        .await
        .is_refused(422, "text_unstable");
    // A name and the pointer to it are one string too; the second refuses what it must refuse.
    let layer = SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::prompt()))
        .field(Field::optional("/text", Sanitizer::identifier()));
    ask(layer, json(r#"{"text":"a\nb"}"#))
        .await
        .is_refused(422, "text_forbidden");
}

#[tokio::test]
async fn an_index_that_the_standard_does_not_have_means_no_element() {
    for pointer in ["/list/01", "/list/+1", "/list/-"] {
        let layer = SanitizeLayer::builder().field(Field::required(pointer, Sanitizer::speech()));
        ask(layer, json(r#"{"list":["a","b"]}"#))
            .await
            .is_refused(400, "field_missing");
    }
    let layer = SanitizeLayer::builder().field(Field::required("/list/01", Sanitizer::speech()));
    let outcome = ask(layer, json(r#"{"list":{"01":"a\u0000"}}"#)).await;
    assert_eq!(outcome.passed().text(), r#"{"list":{"01":"a"}}"#);
}

#[tokio::test]
async fn a_pointer_can_mean_the_whole_document() {
    let whole = |name| SanitizeLayer::builder().field(Field::required(name, Sanitizer::speech()));
    for name in ["", "/**"] {
        let outcome = ask(whole(name), json(r#" "a\u0000b" "#)).await;
        assert_eq!(outcome.passed().text(), r#" "ab" "#, "{name}");
    }
    ask(whole(""), json(r#"{"a":"b"}"#))
        .await
        .is_refused(422, "field_not_text");
    ask(whole(""), json("null"))
        .await
        .is_refused(400, "field_missing");
}

#[tokio::test]
async fn two_stars_mean_every_string_below() {
    let deep = || SanitizeLayer::builder().field(Field::required("/a/**", Sanitizer::speech()));
    let before =
        r#"{"\u0000":"\u0000","a":{"\u200b":["x\u0000",1,null,{"b":"y\u202e","c":""}],"n":1.50}}"#;
    ask(deep(), json(before))
        .await
        .is_refused(422, "text_empty");
    let optional = || SanitizeLayer::builder().field(Field::optional("/a/**", Sanitizer::speech()));
    let after = r#"{"\u0000":"\u0000","a":{"\u200b":["x",1,null,{"b":"y","c":""}],"n":1.50}}"#;
    assert_eq!(ask(optional(), json(before)).await.passed().text(), after);
    for (body, after) in [
        (r#"{"a":"x\u0000"}"#, r#"{"a":"x"}"#),
        (r#"{"a":1}"#, r#"{"a":1}"#),
        ("{}", "{}"),
    ] {
        assert_eq!(ask(optional(), json(body)).await.passed().text(), after);
    }
    ask(deep(), json(r#"{"a":[1,{}]}"#))
        .await
        .is_refused(400, "field_missing");
}

#[tokio::test]
async fn names_are_cleaned_where_the_field_says_so() {
    let layer = || {
        let field = Field::optional("/a/**", Sanitizer::speech()).with_names();
        SanitizeLayer::builder().field(field)
    };
    let before = r#"{"x\u200b":1,"a":{"k\u200bey":{"in\u0000":[{"o\u202ek":1}]},"":2}}"#;
    let after = r#"{"x\u200b":1,"a":{"key":{"in":[{"ok":1}]},"":2}}"#;
    assert_eq!(ask(layer(), json(before)).await.passed().text(), after);
    // Two names that become one.
    ask(layer(), json(r#"{"a":{"k":1,"k\u200b":2}}"#))
        .await
        .is_refused(400, "json_malformed");
    // The same name in two objects is none of that.
    ask(layer(), json(r#"{"a":[{"k\u200b":1},{"k\u200b":2}]}"#))
        .await
        .passed();
}

#[tokio::test]
async fn other_types_are_skipped_where_the_field_says_so() {
    let layer = || {
        let field = Field::optional("/*", Sanitizer::speech()).skip_other_types();
        SanitizeLayer::builder().field(field)
    };
    let outcome = ask(layer(), json(r#"{"n":1,"t":"a\u0000","l":[true],"o":{}}"#)).await;
    assert_eq!(
        outcome.passed().text(),
        r#"{"n":1,"t":"a","l":[true],"o":{}}"#
    );
    let strict = SanitizeLayer::builder().field(Field::optional("/*", Sanitizer::speech()));
    ask(strict, json(r#"{"n":1}"#))
        .await
        .is_refused(422, "field_not_text");
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
