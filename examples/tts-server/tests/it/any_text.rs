//! Any text within the limits is spoken or refused: it never breaks the voice, and never takes longer than allowed.

use std::time::Duration;

use http::StatusCode;
use sambert_hifigan::StopSignal;
use serde_json::json;
use tts_server::{
    ModelVoice, Speech, SpeechError, Unspeakable, Utterance, Voice, VoiceInfo, Words,
};

use crate::support::{CONFIG, TestRequest, TestServer, TestVoice};

/// Texts that are tried.
const TEXTS: u64 = 300;

/// The built-in voice, which plans everything and speaks the beginning: no test waits for minutes of sound.
struct Beginning(ModelVoice);

impl Voice for Beginning {
    fn info(&self) -> VoiceInfo {
        self.0.info()
    }

    fn speak(&self, utterance: &Utterance, stop: &StopSignal) -> Result<Speech, SpeechError> {
        let speech = self.0.speak(utterance, stop)?;
        Ok(Box::new(speech.take(1)))
    }
}

async fn server() -> TestServer {
    let config = format!("{CONFIG}sound_seconds_per_minute = 86400\n");
    let voice = Beginning(ModelVoice::demo().unwrap());
    TestServer::start_with(&config, voice, TestVoice::default()).await
}

/// A generator of numbers that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as usize % most
    }

    fn one_of(&mut self, characters: &str) -> char {
        let characters: Vec<char> = characters.chars().collect();
        characters[self.below(characters.len())]
    }

    fn between(&mut self, first: u32, last: u32) -> char {
        let number = first + self.below((last - first + 1) as usize) as u32;
        char::from_u32(number).unwrap_or('好')
    }

    fn character(&mut self) -> char {
        match self.below(9) {
            0 => self.one_of("儿兒子们的了着过地得于里上一二不花点两半"),
            1 => self.between(0x4e00, 0x9fff),
            2 => self.between(0x3400, 0x4dbf),
            3 => self.one_of("，。！？、；：…—·～（）《》「」\n \t"),
            4 => self.one_of("0123456789.,:/-%+¥$°"),
            5 => self.between(0x21, 0x7e),
            6 => self.one_of("㎨㎥㏄℃Ⅷ½①²々〇é😀👨\u{200d}\u{301}\u{fe0f}"),
            7 => self.between(0x20000, 0x2a6df),
            _ => self.between(0xa0, 0xffff),
        }
    }

    /// Runs of characters, few or many times, up to the limit.
    fn text(&mut self) -> String {
        let mut text: Vec<char> = Vec::new();
        for _ in 0..=self.below(8) {
            let width = 1 + self.below(3);
            let run: Vec<char> = (0..width).map(|_| self.character()).collect();
            let times = [1, 1, 3, 20, 500][self.below(5)];
            text.extend(run.iter().cycle().take(width * times));
        }
        text.truncate(500);
        text.into_iter().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_within_the_limits_breaks_the_server() {
    let server = server().await;
    let mut numbers = Numbers(1);
    let mut spoken = 0;
    for number in 0..TEXTS {
        let text = numbers.text();
        let speed = [0.5, 1.0, 2.0][numbers.below(3)];
        let body = json!({ "text": text, "speed": speed, "stream": true }).to_string();
        let response = server.with_key(TestRequest::json("/tts", body)).await;
        let known = matches!(response.status.as_u16(), 200 | 422);
        assert!(known, "{number}: {} for {text:?}", response.status);
        spoken += u64::from(response.status == StatusCode::OK);
        server.clock.advance(Duration::from_secs(2));
    }
    assert!(spoken > TEXTS / 5, "only {spoken} of {TEXTS} were spoken");
}

/// Texts that are planned without the network: each as often as a server would, and with the same decision.
const PLANNED: u64 = 20_000;
/// What one text may sound with the limits as they are.
const LONGEST: Duration = Duration::from_secs(300);

#[test]
fn twenty_thousand_texts_are_spoken_within_the_bound_or_refused() {
    let voice = ModelVoice::demo().unwrap();
    let model = sambert_hifigan::Voice::demo().unwrap();
    let mut numbers = Numbers(2);
    let (mut spoken, mut too_long) = (0, 0);
    for number in 0..PLANNED {
        // One of twenty is as long as the limit allows: the others cost less time, and say as much.
        let mut text = numbers.text();
        if number % 20 != 0 {
            text = text.chars().take(40).collect();
        }
        let speed = [0.5, 1.0, 2.0][numbers.below(3)];
        let unspeakable = [Unspeakable::Refuse, Unspeakable::Skip, Unspeakable::Spell];
        let utterance = Utterance {
            words: Words::Plain(text.clone()),
            emotion: "neutral".into(),
            speed,
            unspeakable: unspeakable[numbers.below(3)],
            longest: LONGEST,
        };
        match voice.speak(&utterance, &StopSignal::new()) {
            Ok(mut speech) => {
                spoken += 1;
                // One of four hundred begins to sound: it never breaks.
                if number % 400 == 0 {
                    assert!(speech.next().unwrap().is_ok(), "{number}: {text:?}");
                }
                if number % 10 == 0 && utterance.unspeakable == Unspeakable::Refuse {
                    let style = sambert_hifigan::Style::default().with_speed(speed).unwrap();
                    let estimate = model.plan(&text, &style).unwrap().seconds_estimate();
                    assert!(estimate <= LONGEST.as_secs_f32(), "{number}: {estimate} s");
                }
            }
            Err(SpeechError::TooLong { estimate, limit }) => {
                too_long += 1;
                assert!(estimate > limit && limit == LONGEST, "{number}");
            }
            // The others are 422; a voice that broke would be 500.
            Err(SpeechError::NothingToSpeak | SpeechError::Unspeakable { .. }) => {}
            Err(why) => panic!("{number}: {why:?} for {text:?}"),
        }
    }
    assert!(spoken > PLANNED / 5, "only {spoken} were spoken");
    assert!(too_long > PLANNED / 2_000, "only {too_long} were too long");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_suffix_is_spoken_in_every_field() {
    let server = server().await;
    for suffix in ["儿", "兒"] {
        for count in [240, 500] {
            let text = suffix.repeat(count);
            let marked = format!("<speak>{text}</speak>");
            for ask in [
                TestRequest::json("/tts", json!({ "text": text }).to_string()),
                TestRequest::json("/tts", json!({ "ssml": marked }).to_string()),
            ] {
                let response = server.with_key(ask).await;
                assert_eq!(response.status, StatusCode::OK, "{count} times {suffix}");
            }
            let said =
                json!({ "model": "sambert-hifigan", "voice": server_voice(), "input": text });
            let ask = TestRequest::json("/v1/audio/speech", said.to_string());
            let response = server.with_key(ask).await;
            assert_eq!(response.status, StatusCode::OK, "{count} times {suffix}");
        }
    }
}

fn server_voice() -> String {
    ModelVoice::demo().unwrap().info().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_text_that_sounds_too_long_is_refused_with_both_numbers() {
    let server = server().await;
    let body = json!({ "text": "㎨".repeat(500) }).to_string();
    let refused = server.with_key(TestRequest::json("/tts", body)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = refused.json();
    assert_eq!(
        (&problem["code"], &problem["field"]),
        (&json!("text_too_long"), &json!("text"))
    );
    assert_eq!(problem["limit_seconds"], 300);
    let estimate = problem["estimated_seconds"].as_u64().unwrap();
    assert!(estimate > 300, "{estimate}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains(&format!("about {estimate} s")) && detail.contains("limit is 300 s"),
        "{detail}"
    );
    // As many common characters are spoken at any speed.
    let prose = "今天天气很好，我们去公园玩吧。".repeat(33);
    for speed in [0.5, 2.0] {
        let body = json!({ "text": prose, "speed": speed }).to_string();
        let response = server.with_key(TestRequest::json("/tts", body)).await;
        assert_eq!(response.status, StatusCode::OK, "{speed}");
    }
}
