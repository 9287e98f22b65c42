//! Limits of JSON: depth, values, digits of numbers, lengths of strings and names.

use palisade_sanitize::{BodyKind, Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};

use crate::{
    json::refuse,
    support::{ask, form, get, json, speech},
};

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

#[tokio::test]
async fn numbers_that_take_long_to_read_are_refused_by_digits_and_exponent() {
    let field = Field::optional("/text", Sanitizer::speech());
    let layer = || SanitizeLayer::builder().field(field.clone());
    let ask_number = async |layer: SanitizeLayerBuilder, number: &str| {
        ask(layer, json(format!(r#"{{"text":"a","n":{number}}}"#))).await
    };
    let digits = "7".repeat(128);
    for number in [
        &digits,
        &format!("-{digits}"),
        "1e400",
        "1E-400",
        "1.7976931348623157e308",
        "5e-0000000000324",
    ] {
        ask_number(layer(), number).await.passed();
    }
    for number in [
        &format!("7{digits}"),
        &format!("0.{digits}"),
        &format!("1e{}", "0".repeat(128)),
        "1e401",
        "1e-401",
        "0e1000000000",
        "1e99999999999999999999999999",
    ] {
        let outcome = ask_number(layer(), number).await;
        outcome.is_refused(400, "json_malformed");
        assert!(outcome.text().contains("too many digits"), "{number}");
    }
    let wide = || layer().max_number_digits(1000).max_exponent(6000);
    ask_number(wide(), &"7".repeat(1000)).await.passed();
    ask_number(wide(), "1e6000").await.passed();
    ask_number(wide(), "1e6001")
        .await
        .is_refused(400, "json_malformed");
}

#[tokio::test]
async fn strings_and_names_have_a_limit_wherever_they_are() {
    let field = Field::optional("text", Sanitizer::speech());
    let layer = || SanitizeLayer::builder().field(field.clone()).max_string(8);
    let bodies = [
        (r#"{"text":"a","b":"12345678"}"#, true),
        (r#"{"text":"a","b":"123456789"}"#, false),
        (r#"{"text":"a","b":["123456789"]}"#, false),
        (r#"{"text":"a","123456789":1}"#, false),
        // As it is written: six bytes for each escape.
        (r#"{"text":"a","b":"\u0061\u0061"}"#, false),
    ];
    for (body, passes) in bodies {
        let outcome = ask(layer(), json(body)).await;
        match passes {
            true => outcome.passed(),
            false => outcome.is_refused(400, "json_malformed"),
        };
    }
    let forms = || layer().body(BodyKind::Form);
    ask(forms(), form("text=a&b=12345678")).await.passed();
    let outcome = ask(forms(), form("text=a&b=123456789")).await;
    outcome.is_refused(400, "form_malformed");
    let outcome = ask(layer(), get("/tts?123456789=a")).await;
    outcome.is_refused(400, "query_malformed");
}
