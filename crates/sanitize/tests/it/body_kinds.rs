//! The type that a body declares, what it is, and what the handler parses agree, or the request is refused.

use palisade_core::{BodyKind, Rule};
use palisade_sanitize::{Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::{Outcome, ask, ask_built, ask_by_rule, form, json, post};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn layer(kind: BodyKind) -> SanitizeLayerBuilder {
    SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::speech()))
        .body(kind)
}

async fn by_rule(rule: Rule, content_type: &str, body: &str) -> Outcome {
    let request = post(content_type, body.to_owned());
    ask_by_rule(rule, SanitizeLayer::new(), request).await
}

#[tokio::test]
async fn a_json_body_under_a_form_type_is_refused() {
    let long = format!(r#"{{"text":"{}"}}"#, "好".repeat(600));
    let hidden = r#"{"text":"x","note":"&text=ok&"}"#;
    for body in [
        long.as_str(),
        hidden,
        r#"{"text":"\u0000&text=ok&"}"#,
        " \n[\"&text=ok\"]",
        "\u{feff}{\"&text=ok\":1}",
    ] {
        by_rule(Rule::public().text("text"), FORM, body)
            .await
            .is_refused(415, "content_type_unsupported");
        for kind in [BodyKind::Form, BodyKind::JsonOrForm] {
            let rule = Rule::public().text("text").body(kind);
            by_rule(rule, FORM, body)
                .await
                .is_refused(415, "content_type_mismatch");
        }
    }
}

#[tokio::test]
async fn a_form_under_a_json_type_is_refused() {
    for body in ["text=hello", "x=1&text=%00", "text[]=a&text=b"] {
        for kind in [BodyKind::Json, BodyKind::JsonOrForm] {
            let rule = Rule::public().text("text").body(kind);
            by_rule(rule, JSON, body)
                .await
                .is_refused(415, "content_type_mismatch");
        }
    }
    // JSON in which a reader of forms would find the field.
    let both = r#"{"text":"ok","x":"&text=%00&"}"#;
    let rule = || Rule::public().text("text");
    by_rule(rule().body(BodyKind::Form), JSON, both)
        .await
        .is_refused(415, "content_type_unsupported");
    by_rule(rule().body(BodyKind::JsonOrForm), JSON, both)
        .await
        .is_refused(400, "body_ambiguous");
    by_rule(rule(), JSON, both).await.passed();
}

#[tokio::test]
async fn a_form_sent_to_a_json_route_is_an_unsupported_type() {
    for rule in [Rule::public().text("text"), Rule::public().text("/text")] {
        let outcome = by_rule(rule, FORM, "text=hello").await;
        outcome.is_refused(415, "content_type_unsupported");
        assert_eq!(outcome.headers["accept"], JSON);
    }
}

#[tokio::test]
async fn each_kind_of_body_is_accepted_where_it_is_named() {
    use BodyKind::{Form, Json, JsonOrForm};
    for (kind, json_passes, form_passes) in [
        (Json, true, false),
        (Form, false, true),
        (JsonOrForm, true, true),
    ] {
        let rule = || Rule::public().text("text").body(kind);
        let outcome = by_rule(rule(), JSON, "{\"text\":\"a\u{200b}b\"}").await;
        assert_eq!(
            outcome.status == 200 && outcome.text() == r#"{"text":"ab"}"#,
            json_passes,
            "{kind:?}"
        );
        let outcome = by_rule(rule(), FORM, "text=a%00b").await;
        assert_eq!(
            outcome.status == 200 && outcome.text() == "text=ab",
            form_passes,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn the_rule_of_a_route_decides_before_the_layer() {
    let of = |rule: Rule| {
        let form_layer = SanitizeLayer::builder()
            .body(BodyKind::Form)
            .build()
            .unwrap();
        ask_by_rule(rule.text("text"), form_layer, form("text=a"))
    };
    of(Rule::public()).await.passed();
    of(Rule::public().body(BodyKind::Json))
        .await
        .is_refused(415, "content_type_unsupported");
}

#[tokio::test]
async fn a_byte_order_mark_is_left_out() {
    let bom = |body: &str| format!("\u{feff}{body}");
    let outcome = ask(layer(BodyKind::Json), json(bom(r#"{"text":"a"}"#))).await;
    assert_eq!(outcome.passed().text(), r#"{"text":"a"}"#);
    assert_eq!(outcome.headers["x-content-length"], "12");
    let outcome = ask(layer(BodyKind::Form), form(bom("text=a"))).await;
    assert_eq!(outcome.passed().text(), "text=a");
    let twice = ask(layer(BodyKind::Json), json(bom(&bom(r#"{"text":"a"}"#)))).await;
    twice.is_refused(400, "json_malformed");
    let utf16: Vec<u8> = bom(r#"{"text":"a"}"#)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let outcome = ask(layer(BodyKind::Json), json(utf16)).await;
    let detail = outcome.is_refused(400, "json_malformed").json()["detail"].to_string();
    assert!(detail.contains("UTF-16"), "{detail}");
    let leading = Sanitizer::speech()
        .clean("\u{feff}hello")
        .unwrap()
        .into_text()
        .into_owned();
    assert_eq!(leading, "hello");
}

/// Bodies that are JSON, forms, something of both, or neither.
fn body() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "&",
        "=",
        "text",
        "\"text\"",
        "text=",
        "\"text\":",
        "&text=%00&",
        "\"ok\"",
        "\"\u{200b}bad\"",
        "\"\\u0000bad\"",
        "\"&text=\u{200b}bad&\"",
        "{\"text\":\"ok\",\"x\":",
        "}",
        "x=1",
        "a",
        "%00",
        "%7B",
        "\u{feff}",
        " ",
        "\n",
        "1",
        "null",
        ";",
        "te%78t=%00",
    ]);
    prop::collection::vec(part, 1..10).prop_map(|parts| parts.concat())
}

fn texts_of_json(body: &[u8]) -> Vec<String> {
    let read = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    read.get("text")
        .and_then(|text| text.as_str())
        .map(str::to_owned)
        .into_iter()
        .collect()
}

fn texts_of_form(body: &[u8]) -> Vec<String> {
    let read = form_urlencoded::parse(body).into_owned();
    read.filter(|(name, _)| name == "text")
        .map(|(_, text)| text)
        .collect()
}

fn is_clean(text: &str) -> bool {
    Sanitizer::speech()
        .clean(text)
        .is_ok_and(|clean| !clean.report().is_changed())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(600) })]

    /// For every type that is declared, every body, and every reader that the route names, also one that does not
    /// look at the type: what it reads is clean.
    #[test]
    fn no_pair_of_declared_type_and_body_shows_a_reader_unclean_text(body in body()) {
        type Reader = fn(&[u8]) -> Vec<String>;
        let readers: [(BodyKind, &[Reader]); 3] = [
            (BodyKind::Json, &[texts_of_json]),
            (BodyKind::Form, &[texts_of_form]),
            (BodyKind::JsonOrForm, &[texts_of_json, texts_of_form]),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let declared = [JSON, "application/x+json; charset=utf-8", FORM, "text/plain", "multipart/form-data; boundary=x", ""];
        for (kind, readers) in readers {
            let built = layer(kind).build().unwrap();
            for declared in declared {
                let outcome = runtime.block_on(ask_built(built.clone(), post(declared, body.clone())));
                if outcome.status != 200 {
                    prop_assert!(outcome.status.is_client_error());
                    continue;
                }
                for reader in readers {
                    for text in reader(&outcome.body) {
                        prop_assert!(is_clean(&text), "{kind:?}, {declared}: {text:?} in {body:?}");
                    }
                }
            }
        }
    }
}
