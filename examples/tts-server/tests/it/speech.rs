//! A text becomes a sound.

use std::time::Duration;

use http::StatusCode;
use sambert_hifigan::StopSignal;
use tts_server::{ModelVoice, Unspeakable, Utterance, Voice, Words};

use crate::support::{CONFIG, TestRequest, TestResponse, TestServer, TestVoice};

/// Checks the shape of a WAV file, and returns its samples.
#[track_caller]
pub(crate) fn samples(response: &TestResponse) -> Vec<i16> {
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    assert_eq!(response.header("content-type"), "audio/wav");
    let wav = &response.body;
    let word = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().unwrap());
    let half = |at: usize| u16::from_le_bytes(wav[at..at + 2].try_into().unwrap());
    assert_eq!(
        (&wav[..4], &wav[8..16], &wav[36..40]),
        (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..])
    );
    assert_eq!(
        (half(20), half(22), half(34)),
        (1, 1, 16),
        "PCM, mono, 16 bits"
    );
    assert_eq!(word(4) as usize + 8, wav.len());
    assert_eq!(word(40) as usize + 44, wav.len());
    let samples: Vec<i16> = wav[44..]
        .chunks(2)
        .map(|pair| i16::from_le_bytes(pair.try_into().unwrap()))
        .collect();
    let seconds = samples.len() as f64 / f64::from(word(24));
    assert_eq!(response.header("x-audio-seconds"), format!("{seconds:.3}"));
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn query_and_json_give_the_same_sound() {
    let server = TestServer::start().await;
    let by_query = server
        .with_key(TestRequest::get(
            "/tts?text=%E4%BD%A0%E5%A5%BD&emotion=happy&speed=2",
        ))
        .await;
    let by_json = server
        .with_key(TestRequest::json(
            "/tts",
            r#"{"text":"你好","emotion":"happy","speed":2}"#,
        ))
        .await;
    assert_eq!(samples(&by_query).len(), 1600);
    assert_eq!(by_query.body, by_json.body);
    for response in [by_query, by_json] {
        assert_eq!(response.header("cache-control"), "no-store");
        assert_eq!(response.header("x-robots-tag"), "noindex, nofollow");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_cleaned_before_it_is_spoken_and_the_trail_counts_what_went() {
    let server = TestServer::start().await;
    let response = server
        .with_key(TestRequest::speak("你\u{0}\u{202e}\u{200b}好"))
        .await;
    assert_eq!(samples(&response).len(), 3200);
    let trail = server.finish().await;
    assert!(trail.text.contains("\"cleaned\""), "{}", trail.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offer_names_emotions_and_limits() {
    let server = TestServer::start().await;
    let offer = server.with_key(TestRequest::get("/voices")).await.json();
    assert_eq!(
        offer["voices"][0]["emotions"],
        serde_json::json!(["neutral", "happy"])
    );
    assert_eq!(
        offer["limits"],
        serde_json::json!({ "max_graphemes": 500, "speed": [0.5, 2.0] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_voice_speaks_and_each_emotion_sounds_different() {
    let voice = ModelVoice::demo().unwrap();
    let server = TestServer::start_with(CONFIG, voice, TestVoice::default()).await;
    let offer = server.with_key(TestRequest::get("/voices")).await.json();
    let emotions = offer["voices"][0]["emotions"].as_array().unwrap().clone();
    let mut heard = Vec::new();
    for emotion in emotions.iter().take(4) {
        let path = format!(
            "/tts?text=%E4%BB%8A%E5%A4%A9%E5%A4%A9%E6%B0%94%E5%BE%88%E5%A5%BD&emotion={}",
            emotion.as_str().unwrap()
        );
        let samples = samples(&server.with_key(TestRequest::get(&path)).await);
        let energy = samples
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .sum::<f64>()
            / samples.len() as f64;
        assert!(
            energy.sqrt() > 300.0,
            "{emotion}: an RMS of {} is near silence",
            energy.sqrt()
        );
        assert!(
            (8_000..80_000).contains(&samples.len()),
            "{emotion}: {} samples",
            samples.len()
        );
        assert!(!heard.contains(&samples), "{emotion} sounds like another");
        heard.push(samples);
    }
    let nothing = server.with_key(TestRequest::speak("😀😀")).await;
    assert_eq!(
        (nothing.status.as_u16(), nothing.code().as_str()),
        (422, "text_not_speakable")
    );
}

#[test]
fn a_vowel_at_the_beginning_rises_unless_the_fade_is_off() {
    let first = |voice: &ModelVoice, text: &str| {
        let utterance = Utterance {
            words: Words::Plain(text.into()),
            emotion: "neutral".into(),
            speed: 1.0,
            unspeakable: Unspeakable::Refuse,
            longest: Duration::from_secs(60),
        };
        let mut speech = voice.speak(&utterance, &StopSignal::new()).unwrap();
        speech.next().unwrap().unwrap().samples
    };
    let with = ModelVoice::demo().unwrap();
    let without = ModelVoice::demo().unwrap().vowel_fade(Duration::ZERO);
    // Five milliseconds at 16 kHz.
    let (risen, exact) = (first(&with, "爱你"), first(&without, "爱你"));
    assert_eq!(risen[0], 0.0);
    assert_ne!(risen[..80], exact[..80]);
    assert_eq!(risen[80..], exact[80..]);
    assert_eq!(first(&with, "你好"), first(&without, "你好"));
}
