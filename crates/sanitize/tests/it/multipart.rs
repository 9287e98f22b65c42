//! Text parts of multipart bodies.

use palisade_core::BodyKind;
use palisade_sanitize::{Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};
use proptest::prelude::*;

use crate::support::{Outcome, ask, ask_built, post};

const TYPE: &str = "multipart/form-data; boundary=XX";

fn layer() -> SanitizeLayerBuilder {
    SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::speech()))
        .field(Field::optional("title", Sanitizer::identifier()))
        .body(BodyKind::Multipart)
}

/// A part with this name and content.
fn part(name: &str, content: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
}

async fn sent(layer: SanitizeLayerBuilder, body: impl AsRef<[u8]>) -> Outcome {
    ask(layer, post(TYPE, body.as_ref().to_vec())).await
}

#[tokio::test]
async fn text_parts_are_cleaned_and_files_stay_byte_for_byte() {
    let file = "--XX\r\nContent-Disposition: form-data; name=\"voice\"; filename=\"a.wav\"\r\n\
                Content-Type: audio/wav\r\n\r\n";
    let with = |text: &str| {
        let mut body = part("text", text).into_bytes();
        body.extend(part("other", "x\u{202e}y").as_bytes());
        body.extend(file.as_bytes());
        body.extend(b"\x00\xff\r\n\xfe\r\n--XX--\r\n");
        body
    };
    let outcome = sent(layer(), with("今天\u{202e}天气\u{200b}很好")).await;
    outcome.passed();
    assert_eq!(outcome.body, with("今天天气很好"));
    // A clean body is passed on as it is.
    let clean = with("今天天气很好");
    assert_eq!(sent(layer(), &clean).await.body, clean);
    sent(layer().refuse_files(), &clean)
        .await
        .is_refused(422, "file_not_accepted");
    sent(layer(), part("title", "a") + "--XX--")
        .await
        .is_refused(400, "field_missing");
    sent(layer(), part("text", &"好".repeat(501)) + "--XX--")
        .await
        .is_refused(422, "text_too_long");
}

#[tokio::test]
async fn bodies_that_parsers_read_differently_are_refused() {
    let text = part("text", "hello");
    for body in [
        String::new() + "\r\n" + &text + "--XX--",
        "preamble\r\n".to_owned() + &text + "--XX--",
        text.clone(),
        text.clone() + "--XX",
        text.clone() + "--XX--\r\nepilogue",
        text.clone() + "--XX--\r\n--XX--",
        text.replace("\r\n", "\n") + "--XX--",
        part(
            "text",
            "a\n--XX\nContent-Disposition: form-data; name=\"text\"\n\nb",
        ) + "--XX--",
        part("text", "a--XXb") + "--XX--",
        part("text", "a\r\n--XXY") + "--XX--",
        part("text", "a\n-\u{200b}-XX\n") + "--XX--",
        text.replace("name=\"text\"", "name=\"text\"; name=\"other\"") + "--XX--",
        text.replace("name=\"text\"", "name=\"te\\xt\"") + "--XX--",
        "--XX--".to_owned(),
    ] {
        let outcome = sent(layer(), &body).await;
        assert!(outcome.status.is_client_error(), "{body:?}: {outcome:?}");
    }
    let code = |outcome: Outcome| outcome.json()["code"].as_str().unwrap().to_owned();
    let twice = sent(layer(), text.clone() + &text + "--XX--").await;
    assert_eq!(code(twice), "field_duplicated");
    let file = text.replace("name=\"text\"", "name=\"text\"; filename=\"text\"");
    assert_eq!(code(sent(layer(), file + "--XX--").await), "field_not_text");
    let near = part("Text", "x") + &text + "--XX--";
    assert_eq!(
        code(sent(layer().refuse_near_names(), near).await),
        "field_near_name"
    );
    let many = part("x", "").repeat(1000) + &text + "--XX--";
    assert_eq!(code(sent(layer(), many).await), "multipart_malformed");
    let mut latin = part("text", "").into_bytes();
    latin.splice(latin.len() - 2.., *b"\xe9\r\n--XX--");
    assert_eq!(code(sent(layer(), latin).await), "multipart_malformed");
}

#[tokio::test]
async fn other_kinds_of_body_are_refused_where_multipart_is_expected_and_the_reverse() {
    let layer = layer().build().unwrap();
    for (kind, body) in [
        ("application/json", r#"{"text":"x"}"#),
        ("application/x-www-form-urlencoded", "text=x"),
        ("multipart/form-data", "--XX--"),
        ("multipart/mixed; boundary=XX", "--XX--"),
    ] {
        ask_built(layer.clone(), post(kind, body))
            .await
            .is_refused(415, "content_type_unsupported");
    }
    let json = SanitizeLayer::builder().field(Field::required("text", Sanitizer::speech()));
    let body = part("text", "x") + "--XX--";
    sent(json, body)
        .await
        .is_refused(415, "content_type_unsupported");
}

proptest! {
    /// Whatever passes is clean for a lenient parser too: one that splits at every line that begins
    /// with the boundary.
    #[test]
    fn no_body_shows_a_lenient_parser_unclean_text(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "--XX", "\r\n", "\n", "--", "Content-Disposition: form-data; name=\"text\"", "\r\n\r\n", "\n\n",
                "a\u{202e}b", "hello", "; filename=\"f\"", " ", "\u{200b}", "XX", "-",
            ]),
            0..14,
        ),
        whole in any::<bool>(),
    ) {
        let inner = pieces.concat();
        let body = if whole { part("text", &inner) + "--XX--\r\n" } else { inner };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(sent(layer(), &body));
        if outcome.status == 200 {
            let seen = String::from_utf8(outcome.body.to_vec()).unwrap();
            for lenient in seen.split("--XX") {
                if lenient.contains("name=\"text\"") {
                    prop_assert!(!lenient.contains('\u{202e}'), "{seen:?}");
                }
            }
        }
    }
}
