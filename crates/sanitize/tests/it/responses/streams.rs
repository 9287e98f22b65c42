//! Streams keep their framing, and texts are joined over the borders of chunks and events.

use palisade_sanitize::{PersonalData, ResponseRules, ResponseText};
use proptest::prelude::*;
use serde_json::Value;

use super::{Sent, ask, choices_of, data_of, delta, end, layer, masking};

const EVENTS: &str = "text/event-stream";

/// The words of a model, as its tokens are cut.
fn tokens(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(size)
        .map(|token| token.iter().collect())
        .collect()
}

fn completion(text: &str, size: usize) -> String {
    let mut stream: String = tokens(text, size)
        .iter()
        .map(|token| delta(0, token))
        .collect();
    stream.push_str(&end(0));
    stream.push_str("data: [DONE]\n\n");
    stream
}

#[tokio::test]
async fn a_number_over_several_events_is_masked_and_the_end_of_the_text_comes_before_the_end() {
    for size in 1..12 {
        let stream = completion("Call 138 0013 8000 or\u{202e} write to a@example.com", size);
        let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
        let shown = got.text();
        assert_eq!(
            choices_of(&shown),
            ["Call ************* or write to *************"],
            "tokens of {size}: {shown}"
        );
        let data = data_of(&shown);
        assert_eq!(data.last().unwrap(), "[DONE]");
        let last: Value = serde_json::from_str(&data[data.len() - 2]).unwrap();
        assert_eq!(last["choices"][0]["finish_reason"], "stop");
        assert_eq!(
            got.note().as_deref(),
            Some("removed (1), masked phone (1), masked email (1)")
        );
    }
}

#[tokio::test]
async fn a_clean_stream_of_whole_messages_stays_byte_for_byte() {
    let stream = "\u{feff}: hi\n\nevent: note\r\nid: 7\r\ndata: {\"message\": \"caf\\u00e9 \\/ ok\", \"n\": 1.50}\r\n\r\nretry: 5\n\ndata:first line\ndata:  second\n\ndata\n\n:\n\n";
    for chunk in [1, 2, 3, 7, 1000] {
        let chunks = stream.as_bytes().chunks(chunk);
        let got = ask(masking(), "hello", Sent::bytes(EVENTS, chunks)).await;
        assert_eq!(got.text(), stream, "chunks of {chunk}");
        assert_eq!(got.note(), None);
    }
}

#[tokio::test]
async fn an_event_is_not_held_back_when_it_is_whole() {
    let events = [
        "data: {\"message\":\"Hello world\"}\n\n",
        "data: plain words\n\n",
        ": alive\n\n",
    ];
    let got = ask(masking(), "hello", Sent::new(EVENTS, &events)).await;
    assert_eq!(got.frames, events);
    let words = [delta(0, "Hello "), delta(0, "world, "), delta(0, "how")];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let got = ask(masking(), "hello", Sent::new(EVENTS, &words)).await;
    assert_eq!(choices_of(&got.frames[0]), ["Hello"]);
    assert_eq!(choices_of(&got.frames[1]), [" world,"]);
}

#[tokio::test]
async fn choices_that_alternate_are_texts_of_their_own() {
    let mut stream = String::new();
    for (one, two) in tokens("one 13800138000.", 2)
        .iter()
        .zip(tokens("two 13900139000!", 2))
    {
        stream += &delta(0, one);
        stream += &delta(1, &two);
    }
    stream += &end(0);
    stream += &end(1);
    let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
    assert_eq!(
        choices_of(&got.text()),
        ["one ***********.", "two ***********!"]
    );
}

#[tokio::test]
async fn messages_of_anthropic_are_joined_over_a_ping_and_end_before_their_block() {
    let part = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let stream = [&part("tel 13800"), ping, &part("138000"), stop].concat();
    let got = ask(masking(), "hello", Sent::new(EVENTS, &[&stream])).await;
    let expected = [&part("tel"), ping, &part(" ***********"), stop].concat();
    let text: String = data_of(&got.text())
        .iter()
        .map(|data| serde_json::from_str::<Value>(data).unwrap())
        .filter_map(|event| event["delta"]["text"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(text, "tel ***********");
    assert!(got.text().ends_with(stop), "{}", got.text());
    assert!(got.text().contains(ping) && expected.contains(ping));
    // Every event still says its name.
    for event in got.text().split_terminator("\n\n") {
        assert!(event.starts_with("event: "), "{event}");
    }
}

#[tokio::test]
async fn lines_of_json_are_joined_and_the_last_one_ends_the_text() {
    let line = |text: &str, done: bool| {
        format!(
            "{{\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":{done}}}\n"
        )
    };
    for stream in [
        [
            line("Call 138", false),
            line("0013", false),
            line("8000 now", false),
            line("", true),
        ],
        [
            line("Call 138", false),
            line("0013", false),
            line("8000", false),
            line(" now", true),
        ],
    ] {
        let sent = Sent::new("application/x-ndjson", &[&stream.concat()]);
        let got = ask(masking(), "hello", sent).await;
        let lines: Vec<Value> = got
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let text: String = lines
            .iter()
            .map(|line| line["message"]["content"].as_str().unwrap())
            .collect();
        assert_eq!(text, "Call *********** now");
        assert_eq!(lines.last().unwrap()["done"], true);
        assert_eq!(lines.iter().filter(|line| line["done"] == true).count(), 1);
    }
}

#[tokio::test]
async fn plain_events_and_paths_of_an_operator_are_joined_by_option() {
    let stream = "data: call 138\n\ndata: 0013\n\ndata: 8000 now\n\n";
    let got = ask(masking(), "hello", Sent::new(EVENTS, &[stream])).await;
    assert_eq!(got.text(), stream);
    let rules = || ResponseRules::new().mask(PersonalData::new());
    let got = ask(
        layer(rules().join_plain_events()),
        "hello",
        Sent::new(EVENTS, &[stream]),
    )
    .await;
    assert_eq!(data_of(&got.text()).concat(), "call *********** now");

    let stream = "data: {\"tokens\":[{\"word\":\"1380013\"}]}\n\ndata: {\"tokens\":[{\"word\":\"8000\"}]}\n\n";
    let got = ask(
        layer(rules().joined_text("/tokens/*/word")),
        "hello",
        Sent::new(EVENTS, &[stream]),
    )
    .await;
    let words: String = data_of(&got.text())
        .iter()
        .filter_map(|data| {
            serde_json::from_str::<Value>(data).unwrap()["tokens"][0]["word"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(words, "***********");
    assert!(layer(rules().joined_text("word")).build().is_err());
}

proptest! {
    /// Wherever chunks are cut, also inside of a character, the client sees the same.
    #[test]
    fn borders_of_chunks_make_no_difference(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "好", "138", "0013", "8000", " ", "\u{202e}", "👩\u{200d}👩", "‹PHONE_1›", "word", "\\u5929", "\\n", "é",
        ]), 0..12),
        size in 1usize..40,
        format in 0usize..4,
    ) {
        let text = pieces.concat();
        let (content_type, body) = match format {
            0 => (EVENTS, completion(&text, 3)),
            1 => ("application/x-ndjson", format!("{{\"response\":\"{text}\",\"done\":false}}\n{{\"response\":\"{text}\",\"done\":true}}")),
            2 => ("application/json", format!("{{\"a\":[\"{text}\",1],\"{text}\":null}}")),
            _ => ("text/plain", text.clone()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let whole = ask(masking(), "hello", Sent::new(content_type, &[&body])).await;
            let chunks = Sent::bytes(content_type, body.as_bytes().chunks(size));
            let cut = ask(masking(), "hello", chunks).await;
            assert_eq!(cut.text(), whole.text());
            if format == 0 {
                let mut plain = ResponseText::new().mask(PersonalData::new());
                let expected = plain.push(&text) + &plain.finish();
                assert_eq!(choices_of(&whole.text()).concat(), expected);
            }
        });
    }
}
