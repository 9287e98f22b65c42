//! A voice that needs no time, unless it is asked to wait.

use palisade_internal::polling;
use sambert_hifigan::StopSignal;
use tts_server::{Speech, SpeechError, Stretch, Utterance, Voice, VoiceInfo, Words};

use super::Count;

pub(crate) const RATE: u32 = 16_000;
/// Samples that one character sounds at the speed 1: a tenth of a second.
pub(crate) const LETTER: usize = 1_600;

/// Says a tenth of a second of tone for each character, a stretch each. `慢` waits until the client leaves or
/// somebody lets it go on, `坏` panics with the text in its words, `断` breaks, and what has no Han character is
/// not spoken. Marks that hold `?` are not read.
#[derive(Clone, Default)]
pub(crate) struct TestVoice {
    pub(crate) speaking: Count,
    pub(crate) cancelled: Count,
    /// Stretches that were made.
    pub(crate) made: Count,
    pub(crate) go_on: StopSignal,
    pub(crate) name: Option<&'static str>,
}

impl TestVoice {
    /// The same voice under another name.
    pub(crate) fn named(&self, name: &'static str) -> Self {
        let name = Some(name);
        Self {
            name,
            ..self.clone()
        }
    }
}

impl Voice for TestVoice {
    fn info(&self) -> VoiceInfo {
        let name = self.name.unwrap_or("test");
        VoiceInfo {
            id: name.into(),
            name: name.into(),
            sample_rate: RATE,
            emotions: ["neutral", "happy"].map(String::from).to_vec(),
        }
    }

    fn speak(&self, utterance: &Utterance, stop: &StopSignal) -> Result<Speech, SpeechError> {
        self.speaking.add_one();
        let text = utterance.words.as_str();
        assert!(!text.contains('坏'), "cannot say {text}");
        if matches!(utterance.words, Words::Ssml(_)) && text.contains('?') {
            let why = "no marks".into();
            return Err(SpeechError::Marks {
                line: 1,
                column: 2,
                why,
            });
        }
        if !text
            .chars()
            .any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
        {
            return Err(SpeechError::NothingToSpeak);
        }
        let length = (LETTER as f32 / utterance.speed) as usize;
        let (voice, stop) = (self.clone(), stop.clone());
        let letters = text.chars().collect::<Vec<_>>().into_iter();
        Ok(Box::new(letters.enumerate().map(move |(at, letter)| {
            voice
                .letter(letter, at * length, length, &stop)
                .map(Stretch::from)
        })))
    }
}

impl TestVoice {
    fn letter(
        &self,
        letter: char,
        from: usize,
        length: usize,
        stop: &StopSignal,
    ) -> Result<Vec<f32>, SpeechError> {
        if letter == '慢' {
            // A signal is a flag that a voice reads: it wakes no thread.
            let decided = polling::holds_in_time(|| self.go_on.is_set() || stop.is_set());
            assert!(decided, "neither let go on nor stopped");
        }
        if letter == '慢' && !self.go_on.is_set() {
            self.cancelled.add_one();
            return Err(SpeechError::Cancelled);
        }
        if letter == '断' {
            return Err(SpeechError::Broken);
        }
        self.made.add_one();
        let tone = |at: usize| (at as f32 * 0.1).sin() * 0.5;
        Ok((from..from + length).map(tone).collect())
    }
}
