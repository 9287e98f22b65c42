//! Fields of the query.

use http::Method;
use palisade_core::{Fact, Rule};
use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};

use crate::support::{ask, ask_by_rule, get, json, speech};

async fn check(before: &str, after: &str) {
    let outcome = ask(speech(), get(&format!("/tts?{before}"))).await;
    assert_eq!(outcome.passed().query.as_deref(), Some(after));
}

async fn refuse(query: &str, status: u16, code: &str) {
    ask(speech(), get(&format!("/tts?{query}")))
        .await
        .is_refused(status, code);
}

#[tokio::test]
async fn a_clean_query_is_not_touched() {
    for query in [
        "text=hello+world",
        "text=%e4%BB%8A&x=%zz&&y",
        "a=b&te%78t=hi",
        "text=a%20b",
        "text=今",
    ] {
        check(query, query).await;
    }
}

#[tokio::test]
async fn only_the_field_is_written_anew() {
    check("a=%zz&text=x%00y+z&b=1+2&", "a=%zz&text=xy%20z&b=1+2&").await;
    check("text=e%CC%81", "text=%C3%A9").await;
    check("text=%20hi%20", "text=hi").await;
    check("text=a%26b%3D%00", "text=a%26b%3D").await;
}

#[tokio::test]
async fn what_was_cleaned_is_recorded_as_a_count() {
    let outcome = ask(speech(), get("/tts?text=a%00%E2%80%AEb")).await;
    assert_eq!(
        outcome.passed().facts,
        [Fact::Cleaned {
            field: "text".into(),
            removed: 2
        }]
    );
    assert_eq!(ask(speech(), get("/tts?text=ab")).await.passed().facts, []);
}

#[tokio::test]
async fn a_field_that_must_be_there_is_missed() {
    refuse("", 400, "field_missing").await;
    refuse("Text=a&texts=b&x=text", 400, "field_missing").await;
    ask(speech(), get("/tts"))
        .await
        .is_refused(400, "field_missing");
    let outcome = ask(speech(), get("/tts")).await;
    assert_eq!(
        (&outcome.json()["field"], &outcome.json()["detail"]),
        (&"text".into(), &"The field `text` is missing.".into())
    );
}

#[tokio::test]
async fn an_optional_field_need_not_be_there() {
    let layer = || SanitizeLayer::builder().field(Field::optional("text", Sanitizer::speech()));
    ask(layer(), get("/tts")).await.passed();
}

#[tokio::test]
async fn an_optional_field_that_is_empty_is_absent() {
    let layer = || {
        SanitizeLayer::builder()
            .field(Field::optional("text", Sanitizer::speech()))
            .field(Field::optional("note", Sanitizer::prompt()))
    };
    for query in ["text=", "text", "text=&note="] {
        let outcome = ask(layer(), get(&format!("/tts?{query}"))).await;
        assert_eq!(outcome.passed().query.as_deref(), Some(query));
        assert_eq!(outcome.facts, []);
    }
    let empty = r#"{"text":"","note":null}"#;
    assert_eq!(ask(layer(), json(empty)).await.passed().text(), empty);
    // White space is cleaned all the same: there are many kinds of it.
    let outcome = ask(layer(), get("/tts?text=+%E2%80%83&note=%E2%80%A8%E2%80%83")).await;
    assert_eq!(outcome.passed().query.as_deref(), Some("text=&note=%0A%20"));
    ask(layer(), get("/tts?text=%E2%80%8B"))
        .await
        .is_refused(422, "text_nothing_left");
}

#[tokio::test]
async fn a_refusal_says_which_field_and_why() {
    refuse("text=", 422, "text_empty").await;
    refuse("text", 422, "text_empty").await;
    refuse("text=+%20", 422, "text_empty").await;
    refuse("text=%00%1B%E2%80%8B", 422, "text_nothing_left").await;
    let outcome = ask(speech(), get(&format!("/tts?text={}", "a".repeat(501)))).await;
    let problem = outcome.is_refused(422, "text_too_long").json();
    assert_eq!(
        problem["detail"],
        "The field `text` is longer than 500 characters."
    );
    assert_eq!(
        (&problem["field"], &problem["limit"], &problem["unit"]),
        (&"text".into(), &500.into(), &"characters".into())
    );
    assert!(!outcome.text().contains("aaa"));
}

#[tokio::test]
async fn a_broken_query_is_refused() {
    for query in [
        "text=%",
        "text=a%4",
        "text=%zz",
        "text=%ff%fe",
        "%zz=1&text=a",
        "text=a&%ff=1",
    ] {
        refuse(query, 400, "query_malformed").await;
    }
    let many = "a=1&".repeat(1000);
    refuse(&format!("{many}text=a"), 400, "query_malformed").await;
}

#[tokio::test]
async fn the_rule_of_a_route_names_fields() {
    let rule = || {
        Rule::public()
            .text("text")
            .text("title?")
            .text("/deep/text?")
    };
    let layer = || {
        SanitizeLayer::builder()
            .sanitizer_for("title", Sanitizer::identifier())
            .build()
            .unwrap()
    };
    let of = |query: &str| ask_by_rule(rule(), layer(), get(&format!("/tts?{query}")));
    assert_eq!(
        of("text=a%00b&title=x&other=%00")
            .await
            .passed()
            .query
            .as_deref(),
        Some("text=ab&title=x&other=%00")
    );
    of("title=x").await.is_refused(400, "field_missing");
    of("text=a&title=x%00")
        .await
        .is_refused(422, "text_forbidden");
    of("text=a&title=x&title=y")
        .await
        .is_refused(400, "field_duplicated");
}

#[tokio::test]
async fn a_route_without_text_fields_passes_unread() {
    let outcome = ask_by_rule(
        Rule::public(),
        SanitizeLayer::new(),
        get("/tts?text=%00%ff&text=%zz"),
    )
    .await;
    assert_eq!(
        outcome.passed().query.as_deref(),
        Some("text=%00%ff&text=%zz")
    );
}

#[tokio::test]
async fn a_preflight_needs_no_text() {
    let mut request = get("/tts");
    *request.method_mut() = Method::OPTIONS;
    request
        .headers_mut()
        .insert("origin", "https://example.org".parse().unwrap());
    request
        .headers_mut()
        .insert("access-control-request-method", "GET".parse().unwrap());
    ask_by_rule(Rule::public().text("text"), SanitizeLayer::new(), request)
        .await
        .passed();
}

#[tokio::test]
async fn a_field_is_required_if_the_layer_or_the_rule_says_so() {
    let layer = || {
        SanitizeLayer::builder()
            .field(Field::optional("text", Sanitizer::identifier()))
            .build()
            .unwrap()
    };
    let of = |field: &str, query: &str| {
        let rule = Rule::public().text(field);
        ask_by_rule(rule, layer(), get(&format!("/tts?{query}")))
    };
    of("text?", "x=1").await.passed();
    of("text", "x=1").await.is_refused(400, "field_missing");
    of("text", "text=").await.is_refused(422, "text_empty");
    // The layer's own sanitizer cleans it all the same.
    of("text", "text=a%0Ab")
        .await
        .is_refused(422, "text_forbidden");
}

#[tokio::test]
async fn a_plus_is_a_space_and_an_escaped_plus_is_a_plus() {
    check("text=1%2B1+2%00", "text=1%2B1%202").await;
    check("text=1%2B1+2", "text=1%2B1+2").await;
}
