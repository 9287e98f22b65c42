//! Ways around the joining of texts: repeated texts, many texts, ends that are none, long events.

use palisade_sanitize::{PersonalData, ResponseRules};
use serde_json::{Value, json};

use super::{Sent, ask, choices_of, delta, end, layer, masking};

const EVENTS: &str = "text/event-stream";

#[tokio::test]
async fn what_repeats_a_text_token_by_token_is_left_out_beside_masks() {
    let tokens = json!({"content": [{"token": "138", "bytes": [49, 51, 56], "top_logprobs": []},
        {"token": "0013"}, {"token": "8000", "text": "a]}\"b"}]});
    let document = |repeated: Value| {
        json!({"choices": [{"index": 0, "logprobs": repeated, "delta": {"content": "hi, "}}], "n": 1})
            .to_string()
    };
    let (sent, expected) = (document(tokens), document(Value::Null));
    let rules = || ResponseRules::new().mask(PersonalData::new());
    for (media_type, before, limit) in [
        (EVENTS, "data: ", 1 << 20),
        (EVENTS, "data: ", 8),
        ("application/x-ndjson", "", 1 << 20),
        ("application/json", "", 1 << 20),
    ] {
        let whole = format!("{before}{sent}\n\n");
        let bytes = Sent::bytes(media_type, whole.as_bytes().chunks(7));
        let got = ask(layer(rules().max_event(limit)), "hello", bytes).await;
        let shown = got.text();
        assert!(!shown.contains("0013"), "{media_type} {shown}");
        assert!(shown.contains("\"logprobs\":null"), "{media_type} {shown}");
        assert_eq!(got.note().as_deref(), Some("emptied (1)"));
        if media_type == "application/json" {
            assert_eq!(shown.trim(), expected);
        }
        let bytes = Sent::new(media_type, &[&whole]);
        let got = ask(layer(ResponseRules::new()), "hello", bytes).await;
        assert!(
            got.text().contains("0013"),
            "without masks nothing is left out"
        );
    }
}

#[tokio::test]
async fn texts_above_the_most_that_are_joined_are_masked_whole() {
    let mut stream = String::new();
    for token in ["138", "0013", "8000", ", ok, "] {
        stream.extend((0..40).map(|choice| delta(choice, token)));
    }
    let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
    let shown = choices_of(&got.text());
    assert!(shown[0].starts_with("***********, ok"), "{shown:?}");
    for text in shown.iter().skip(32) {
        assert_eq!(text, &"*".repeat(17));
    }
    assert!(got.note().unwrap().contains("not joined (32)"));
}

#[tokio::test]
async fn a_reason_that_is_empty_or_null_ends_no_text() {
    for reason in ["", "null", "None", "false"] {
        let part = |token: &str| {
            let choice = json!({"index": 0, "delta": {"content": token}, "finish_reason": reason});
            format!("data: {}\n\n", json!({"choices": [choice]}))
        };
        let stream = ["138", "0013", "8000"].map(part).concat() + &end(0);
        let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
        assert_eq!(choices_of(&got.text()), ["***********"], "{reason}");
    }
}

#[tokio::test]
async fn texts_of_long_events_are_joined_or_masked_whole() {
    let long = |token: &str, other: Value| {
        let choice = json!({"index": 0, "delta": {"content": token}, "image": other});
        format!("data: {}\n\n", json!({"choices": [choice]}))
    };
    let image = || json!("A".repeat(20_000));
    let stream = [
        long("138", image()),
        long("0013", image()),
        delta(0, "8000"),
        end(0),
    ]
    .concat();
    let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
    assert_eq!(choices_of(&got.text()), ["***********"]);
    let many = || json!(vec!["word"; 3_000]);
    let stream = [
        delta(0, "138"),
        long("0013", many()),
        long("8000", many()),
        end(0),
    ]
    .concat();
    let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
    assert_eq!(choices_of(&got.text()), ["***********"]);
    assert_eq!(got.note().as_deref(), Some("not joined (2)"));
}
