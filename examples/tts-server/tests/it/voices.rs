//! Several voices in one server.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use tts_server::{ModelVoice, Voice};

use crate::support::{CONFIG, LETTER, TestRequest, TestServer, TestVoice};

async fn start() -> TestServer {
    let voice = TestVoice::default();
    let voices: [Arc<dyn Voice>; 3] = [
        Arc::new(voice.clone()),
        Arc::new(voice.named("other")),
        Arc::new(ModelVoice::demo().unwrap()),
    ];
    let config = format!("{CONFIG}[tts.aliases]\nalloy = \"other\"\ntts-1 = \"sambert-hifigan\"\n");
    TestServer::start_all(&config, voices.into(), voice).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_offered_and_speaks_under_its_name() {
    let server = start().await;
    let offer = server.with_key(TestRequest::get("/voices")).await.json();
    let voices = offer["voices"].as_array().unwrap();
    assert_eq!(voices.len(), 3);
    for (place, voice) in voices.iter().enumerate() {
        let id = voice["id"].as_str().unwrap();
        assert_eq!(voice["sample_rate"], 16_000);
        assert!(
            voice["formats"]
                .as_array()
                .unwrap()
                .contains(&json!("flac"))
        );
        let ask = TestRequest::speak("好")
            .and(&format!("format=pcm&voice={}", crate::support::encode(id)));
        let response = server.with_key(ask).await;
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.body.len() == 2 * LETTER, place < 2, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_one_is_refused_with_those_there_are_and_an_alias_stands_for_its_own() {
    let server = start().await;
    let refused = server
        .with_key(TestRequest::speak("好").and("voice=nova"))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (422, "voice_unknown")
    );
    assert_eq!(refused.json()["field"], "voice");
    assert_eq!(refused.json()["voices"].as_array().unwrap().len(), 3);
    let response = server
        .with_key(TestRequest::speak("好").and("voice=alloy"))
        .await;
    assert_eq!(response.status, StatusCode::OK);
    let models = server.with_key(TestRequest::get("/v1/models")).await.json();
    let names: Vec<_> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| &model["id"])
        .collect();
    assert_eq!(names, ["sambert-hifigan", "tts-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_with_marks_come_in_a_field_of_their_own() {
    let server = TestServer::start().await;
    let ask = |json: &str| TestRequest::json("/tts", json.to_owned());
    let response = server
        .with_key(ask(r#"{"ssml":"<speak>好</speak>"}"#))
        .await;
    assert_eq!(response.status, StatusCode::OK);
    let refused = server.with_key(ask(r#"{"ssml":"<?>好"}"#)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (422, "ssml_malformed")
    );
    let place = ["field", "line", "column"].map(|name| refused.json()[name].clone());
    assert_eq!(place, [json!("ssml"), json!(1), json!(2)]);
    let both = server.with_key(ask(r#"{"ssml":"好","text":"好"}"#)).await;
    assert_eq!(
        (both.status.as_u16(), both.code().as_str()),
        (400, "text_twice")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_voice_reads_marks_and_says_where_it_does_not() {
    let voice = ModelVoice::demo().unwrap();
    let server = TestServer::start_with(CONFIG, voice, TestVoice::default()).await;
    let ask = |ssml: &str| {
        let body = json!({ "ssml": ssml, "format": "pcm" });
        server.with_key(TestRequest::json("/tts", body.to_string()))
    };
    let plain = ask("<speak>你好</speak>").await;
    let pause = ask("<speak>你好<break time=\"2s\"/>你好</speak>").await;
    assert_eq!(plain.status, StatusCode::OK, "{:?}", plain.body);
    let seconds = |response: &crate::support::TestResponse| response.body.len() as f64 / 32_000.0;
    assert!(seconds(&pause) > 2.0 * seconds(&plain) + 1.5);
    let refused = ask("<speak>你好\n<marquee/></speak>").await;
    assert_eq!(refused.code(), "ssml_malformed");
    assert_eq!(
        (&refused.json()["line"], &refused.json()["column"]),
        (&json!(2), &json!(1))
    );
    assert!(!String::from_utf8_lossy(&refused.body).contains("marquee"));
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_no_way_to_a_longer_text() {
    let config = format!("{CONFIG}[text]\nmax_graphemes = 100\n");
    let voice = ModelVoice::demo().unwrap();
    let server = TestServer::start_with(&config, voice, TestVoice::default()).await;
    let ask = |words: usize| {
        let ssml = format!("<speak>{}</speak>", "好".repeat(words));
        let body = json!({ "ssml": ssml, "format": "pcm", "speed": 0.5 });
        server.with_key(TestRequest::json("/tts", body.to_string()))
    };
    assert_eq!(ask(100).await.status, StatusCode::OK);
    let refused = ask(380).await;
    assert_eq!(
        (refused.code().as_str(), refused.json()["field"].clone()),
        ("text_too_long", json!("ssml"))
    );
}
