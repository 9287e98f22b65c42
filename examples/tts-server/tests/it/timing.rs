//! When words are heard: an object, subtitles, and marks between the sound.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tts_server::ModelVoice;

use crate::support::{CONFIG, TestRequest, TestResponse, TestServer, TestVoice};

const TEXT: &str = "今天很好，3月去。";

async fn server() -> TestServer {
    let voice = ModelVoice::demo().unwrap();
    TestServer::start_with(CONFIG, voice, TestVoice::default()).await
}

async fn ask(server: &TestServer, timing: &str, more: &str) -> TestResponse {
    let ask = TestRequest::speak(TEXT).and(&format!("timing={timing}{more}"));
    server.with_key(ask).await
}

fn words(document: &Value) -> Vec<&str> {
    let words = document["words"].as_array().unwrap().iter();
    words.map(|word| word["text"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_holds_the_file_and_the_time_of_each_word() {
    let server = server().await;
    let response = ask(&server, "json", "&format=flac").await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    assert_eq!(response.header("content-type"), "application/json");
    let document = response.json();
    assert_eq!(words(&document).concat(), "今天很好三月去");
    let sound = STANDARD
        .decode(document["audio"].as_str().unwrap())
        .unwrap();
    let alone = server
        .with_key(TestRequest::speak(TEXT).and("format=flac"))
        .await;
    assert_eq!(sound, alone.body);
    let seconds: f64 = response.header("x-audio-seconds").parse().unwrap();
    let last = document["words"].as_array().unwrap().last().unwrap();
    assert!(last["end"].as_f64().unwrap() <= seconds && last["ends_sentence"] == true);
    assert_eq!(
        last["syllables"].as_array().unwrap().last().unwrap()["pinyin"],
        "qv4"
    );
    // It costs what the sound costs.
    let trail = server.finish().await;
    let [object, file] =
        [0, 1].map(|at| trail.requests[at]["settled"]["audio_milliseconds"].clone());
    assert_eq!(object, file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_an_object_with_times_has_a_place_until_it_has_read_it() {
    let roomy = "queue = 1\nlisteners = 1\nsound_seconds_per_minute = 86400\n[text]\nmax_graphemes = 5000\n";
    let server = TestServer::start_as(&CONFIG.replace("queue = 1\n", roomy)).await;
    // More than the buffers on the way to a client hold.
    let long = TestRequest::speak(&format!("好{}", "a".repeat(4_999)));
    let long = long.and("speed=0.5&timing=json");
    let long = long.header("x-api-key", &server.key);
    let held = server.client.begin(long).await;
    assert_eq!(held.status(), StatusCode::OK);
    let other = server.with_key(TestRequest::speak("好")).await;
    assert_eq!(other.code(), "queue_full");
    let whole = held.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(whole.last(), Some(&b'}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn subtitles_have_a_cue_for_each_clause() {
    let server = server().await;
    for (timing, kind, begins) in [
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:00,"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00."),
    ] {
        let response = ask(&server, timing, "&stream=true").await;
        assert_eq!(response.header("content-type"), kind);
        let file = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(file.starts_with(begins), "{file}");
        assert!(
            file.contains("\n今天很好\n") && file.contains("\n三月去\n"),
            "{file}"
        );
    }
    let unknown = ask(&server, "ass", "").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.code().as_str()),
        (422, "timing_unknown")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_hold_the_file_in_pieces_and_every_word_and_cost_what_the_sound_costs() {
    let server = server().await;
    let response = ask(&server, "events", "&emotion=happy&speed=1.5").await;
    let kind = response.header("content-type");
    assert_eq!(kind, "text/event-stream; charset=utf-8");
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    let (mut sound, mut said, mut ends) = (Vec::new(), String::new(), Vec::new());
    for event in text.split_terminator("\n\n") {
        let event: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
        match event["type"].as_str().unwrap() {
            "speech.audio.delta" => {
                sound.extend(STANDARD.decode(event["audio"].as_str().unwrap()).unwrap());
            }
            "speech.audio.mark" => said += event["word"]["text"].as_str().unwrap(),
            _ => ends.push(event),
        }
    }
    let stream = TestRequest::speak(TEXT).and("emotion=happy&speed=1.5&stream=true");
    assert_eq!(sound, server.with_key(stream).await.body);
    assert_eq!(said, "今天很好三月去");
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0]["type"], "speech.audio.done");
    assert_eq!(ends[0]["usage"]["input_tokens"], TEXT.chars().count());
    let trail = server.finish().await;
    let [events, file] =
        [0, 1].map(|at| trail.requests[at]["settled"]["audio_milliseconds"].clone());
    assert_eq!(events, file);
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_come_before_the_sound_of_their_words_and_only_where_they_are_wanted() {
    let server = server().await;
    for marks in [true, false] {
        let body = json!({ "input": TEXT, "voice": "demo", "stream_format": "sse", "response_format": "pcm", "marks": marks });
        let ask = TestRequest::json("/v1/audio/speech", body.to_string());
        let response = server.with_key(ask).await;
        assert!(!response.headers.contains_key("x-ignored-members"));
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        let events = text.split_terminator("\n\n").map(|event| {
            serde_json::from_str::<Value>(event.strip_prefix("data: ").unwrap()).unwrap()
        });
        let (mut heard, mut said) = (0, String::new());
        for event in events {
            match event["type"].as_str().unwrap() {
                "speech.audio.delta" => {
                    heard += STANDARD
                        .decode(event["audio"].as_str().unwrap())
                        .unwrap()
                        .len();
                }
                "speech.audio.mark" => {
                    let word = &event["word"];
                    let start = word["start"].as_f64().unwrap();
                    assert!(
                        start >= heard as f64 / 48_000.0 - 0.05,
                        "{word} after {heard} bytes"
                    );
                    said += word["text"].as_str().unwrap();
                }
                _ => {}
            }
        }
        assert_eq!(said, if marks { "今天很好三月去" } else { "" });
    }
}
