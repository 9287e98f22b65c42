//! What a hostile text of a model, or a hostile service, could try.

use palisade_sanitize::{
    Field, PersonalData, ResponseRules, ResponseText, SanitizeLayer, SanitizeLayerBuilder,
    Sanitizer,
};

use super::{Sent, ask, choices_of, data_of, delta, end, layer, masking};

#[tokio::test]
async fn a_number_at_the_border_of_a_large_chunk_is_masked() {
    for length in [16_000, 16_384, 40_000, 70_000] {
        let prose = "words and words ".repeat(length / 16);
        for cut in 1..11 {
            let (one, two) = "13800138000".split_at(cut);
            let chunks = [format!("{prose}{one}"), format!("{two}. {prose}")];
            let sent = Sent::new("text/plain", &[&chunks[0], &chunks[1]]);
            let got = ask(masking(), "hello", sent).await;
            assert_eq!(
                got.text(),
                format!("{prose}***********. {prose}"),
                "{length} {cut}"
            );
        }
    }
}

#[tokio::test]
async fn a_number_at_the_end_of_a_long_string_is_masked() {
    let prose = "words and words ".repeat(2_000);
    let document = format!("{{\"a\":\"{prose}13800138000\"}}");
    for sent in [
        Sent::new("application/json", &[&document]),
        Sent::bytes("application/json", document.as_bytes().chunks(999)),
        Sent::new("application/x-ndjson", &[&document]),
        Sent::new("text/event-stream", &[&format!("data: {document}\n\n")]),
    ] {
        let got = ask(masking(), "hello", sent).await;
        assert!(
            got.text().contains("words ***********\""),
            "{}",
            got.text().len()
        );
    }
}

#[tokio::test]
async fn a_record_that_never_ends_is_cleaned_as_it_comes() {
    let rules = || {
        ResponseRules::new()
            .mask(PersonalData::new())
            .max_event(4096)
    };
    let word = "\\u202e13800138000, ";
    let start = "data: {\"choices\":[{\"delta\":{\"content\":\"";
    let mut chunks = vec![start.to_owned()];
    chunks.extend(std::iter::repeat_n(word.repeat(100), 100));
    chunks.push("\"}}]}\n\n".to_owned());
    chunks.push(delta(0, "and 13900139000"));
    chunks.push(end(0));
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
    let got = ask(
        layer(rules()),
        "hello",
        Sent::new("text/event-stream", &chunks),
    )
    .await;
    assert_eq!(
        choices_of(&got.text()),
        [format!("{}and ***********", "***********, ".repeat(10_000))]
    );
    // It came in many frames: nothing was collected.
    assert!(got.frames.len() > 10, "{}", got.frames.len());

    let plain = format!("data: {}\n\n", "a\u{202e}13800138000 ".repeat(1000));
    let got = ask(
        layer(rules()),
        "hello",
        Sent::bytes("text/event-stream", plain.as_bytes().chunks(500)),
    )
    .await;
    assert_eq!(data_of(&got.text()), ["a*********** ".repeat(1000)]);
    let line = format!(
        "{{\"response\":\"{}\",\"done\":false}}\n",
        word.repeat(1000)
    );
    let got = ask(
        layer(rules()),
        "hello",
        Sent::bytes("application/jsonl", line.as_bytes().chunks(500)),
    )
    .await;
    let read: serde_json::Value = serde_json::from_str(&got.text()).unwrap();
    assert_eq!(read["response"], "***********, ".repeat(1000));
}

#[tokio::test]
async fn deep_and_broken_documents_in_events_are_cleaned_string_by_string() {
    let deep = format!(
        "{}\"a\\u202e13800138000\"{}",
        "[".repeat(500),
        "]".repeat(500)
    );
    let broken = "{\"a\":\"13800138000\",,}";
    let stream =
        format!("data: {deep}\n\ndata: {broken}\n\ndata: 13800138000\n\ndata: \"13800138000\"\n\n");
    let got = ask(
        masking(),
        "hello",
        Sent::new("text/event-stream", &[&stream]),
    )
    .await;
    let expected = stream
        .replace("\\u202e", "")
        .replace("13800138000", "***********");
    assert_eq!(got.text(), expected);
}

#[tokio::test]
async fn data_that_begins_like_json_and_is_none_is_cleaned_as_text() {
    let texts = [
        ("[call 13800138000]", "[call ***********]"),
        ("[ +86:13800138000", "[ +86:***********"),
        ("{\u{202e}\u{e0041}call 13800138000}", "{call ***********}"),
        ("{\"a\":tel-13800138000}", "{\"a\":tel-***********}"),
        ("[a@example.com]", "[*************]"),
        (
            "{\"a\":\"\\u0031\\u0033800138000\",,}",
            "{\"a\":\"***********\",,}",
        ),
    ];
    for (text, expected) in texts {
        let rules = || ResponseRules::new().mask(PersonalData::new());
        let event = format!("data: {text}\n\n");
        let line = format!("{text}\n");
        let got = ask(
            layer(rules()),
            "hello",
            Sent::new("text/event-stream", &[&event]),
        )
        .await;
        assert_eq!(data_of(&got.text()), [expected]);
        let got = ask(
            layer(rules()),
            "hello",
            Sent::new("application/x-ndjson", &[&line]),
        )
        .await;
        assert_eq!(got.text(), format!("{expected}\n"));
        // Above the limit, and as one document.
        for (media_type, sent) in [
            ("text/event-stream", &event),
            ("application/x-ndjson", &line),
            ("application/json", &line),
        ] {
            let sent = Sent::bytes(media_type, sent.as_bytes().chunks(3));
            let got = ask(layer(rules().max_event(8)), "hello", sent).await;
            assert!(got.note().is_some(), "{media_type} {text}");
            for hidden in ["8000", "\u{202e}", "\u{e0041}", "@example"] {
                assert!(!got.text().contains(hidden), "{media_type} {}", got.text());
            }
        }
    }
}

#[tokio::test]
async fn numbers_of_a_document_above_the_limit_stay_and_so_does_its_separator() {
    let document = "{\"id\":13800138000,\"a\":[\"13800138000\",1]}";
    let rules = || ResponseRules::new().mask(PersonalData::new()).max_event(16);
    for (media_type, sent) in [
        (
            "text/event-stream",
            format!(": x\nid: 7\ndata: {document}\n\n"),
        ),
        ("application/json-seq", format!("\u{1e}{document}\n")),
    ] {
        let bytes = Sent::bytes(media_type, sent.as_bytes().chunks(20));
        let got = ask(layer(rules()), "hello", bytes).await;
        assert_eq!(got.text(), sent.replace("\"13800138000", "\"***********"));
    }
}

/// Replaces data in texts of up to 100,000 characters.
fn long_texts() -> SanitizeLayerBuilder {
    let long = Sanitizer::builder()
        .max_graphemes(100_000)
        .max_chars(100_000)
        .max_bytes(400_000);
    SanitizeLayer::builder()
        .field(Field::required("text", long.build().unwrap()))
        .max_body(1 << 20)
        .placeholders(PersonalData::new())
}

#[tokio::test]
async fn a_placeholder_that_is_written_often_does_not_fill_the_memory() {
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        "QUJD4567+/xy\n".repeat(800)
    );
    let layer = long_texts();
    let answer = "‹SECRET_1› ".repeat(5_000);
    let got = ask(layer, &key, Sent::new("text/plain", &[&answer])).await;
    assert!(got.text().contains("QUJD4567"));
    assert!(
        got.text().len() < 1024 * 1024 + answer.len(),
        "{}",
        got.text().len()
    );
}

#[tokio::test]
async fn many_short_data_have_a_bounded_number_of_placeholders() {
    let text: String = (0..1500)
        .map(|n| format!("192.0.{}.{} ", n / 200 + 1, n % 200 + 1))
        .collect();
    let got = ask(
        long_texts(),
        &text,
        Sent::new("text/plain", &["‹IP_1000› ‹IP_1001› ‹IP›"]),
    )
    .await;
    assert!(got.asked.1.contains("‹IP_1000›") && got.asked.1.contains("‹IP›"));
    assert!(
        !got.asked.1.contains("192.0."),
        "nothing passes beyond the limit"
    );
    assert_eq!(got.text(), "192.0.5.200 ‹IP_1001› ‹IP›");
}

#[test]
fn many_texts_at_once_take_bounded_memory() {
    let mut response = ResponseText::new().mask(PersonalData::new());
    let mut held = 0;
    let mut shown = 0;
    for _ in 0..200 {
        held += 1000;
        shown += response.push(&"1".repeat(1000)).len();
        assert!(held - shown <= 16 * 1024 + 1000, "{held} {shown}");
    }
}
