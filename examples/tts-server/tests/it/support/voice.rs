//! A voice that needs no time, unless it is asked to wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sambert_hifigan::{StopSignal, wav};
use tts_server::{Speech, SpeechError, Utterance, Voice, VoiceInfo};

const RATE: u32 = 16_000;

/// Says a tenth of a second of tone for each character. `慢` waits until the client leaves or
/// somebody lets it go on, `坏` panics with the text in its words, and what has no Han character is not spoken.
#[derive(Clone, Default)]
pub(crate) struct TestVoice {
    pub(crate) speaking: Arc<AtomicUsize>,
    pub(crate) cancelled: Arc<AtomicUsize>,
    pub(crate) go_on: StopSignal,
}

impl Voice for TestVoice {
    fn info(&self) -> VoiceInfo {
        VoiceInfo {
            id: "test".into(),
            name: "test".into(),
            sample_rate: RATE,
            emotions: ["neutral", "happy"].map(String::from).to_vec(),
        }
    }

    fn speak(&self, utterance: &Utterance, stop: &StopSignal) -> Result<Speech, SpeechError> {
        self.speaking.fetch_add(1, Ordering::SeqCst);
        let text = &utterance.text;
        assert!(!text.contains('坏'), "cannot say {text}");
        if !text
            .chars()
            .any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
        {
            return Err(SpeechError::NothingToSpeak);
        }
        while text.contains('慢') && !self.go_on.is_set() {
            if stop.is_set() {
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                return Err(SpeechError::Cancelled);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(tone(text.chars().count() as f32 * 0.1 / utterance.speed))
    }
}

fn tone(seconds: f32) -> Speech {
    let count = (seconds * RATE as f32) as u32;
    let samples: Vec<f32> = (0..count).map(|at| (at as f32 * 0.1).sin() * 0.5).collect();
    let mut file = Vec::new();
    wav::write(&mut file, RATE, &samples).unwrap();
    Speech {
        wav: file.into(),
        seconds: f64::from(count) / f64::from(RATE),
    }
}
