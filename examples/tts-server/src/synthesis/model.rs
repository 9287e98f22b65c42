//! The voice that the server ships with, or one from a folder.

use std::path::Path;

use sambert_hifigan::{Emotion, SpeakError, StopSignal, Style, Voice as Model, wav};

use super::{Speech, SpeechError, Utterance, Voice, VoiceInfo};
use crate::StartError;

/// A model of the SAM-BERT and HiFi-GAN family.
#[derive(Debug)]
pub struct ModelVoice(Model);

impl ModelVoice {
    /// Loads the voice that is built in, or the one in a folder.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn load(folder: Option<&Path>) -> Result<Self, StartError> {
        let loaded = folder.map_or_else(Model::demo, Model::load);
        let remedy = "Name another voice with `--voice DIR`, or leave the option away for the one that is built in.";
        let loaded = loaded.map_err(|error| {
            StartError::new(format!("the voice cannot be loaded: {error}")).remedy(remedy)
        });
        loaded.map(Self)
    }

    fn style(&self, utterance: &Utterance) -> Result<Style, SpeechError> {
        // Both were checked when the request came; a voice that disagrees is broken.
        let emotion: Emotion = utterance.emotion.parse().map_err(|_| SpeechError::Broken)?;
        let style = Style::default().with_emotion(emotion);
        style
            .with_speed(utterance.speed)
            .map_err(|_| SpeechError::Broken)
    }
}

impl Voice for ModelVoice {
    fn info(&self) -> VoiceInfo {
        let voice = &self.0;
        VoiceInfo {
            id: voice.name().to_owned(),
            name: voice.name().to_owned(),
            sample_rate: voice.sample_rate(),
            emotions: voice
                .emotions()
                .iter()
                .map(|emotion| emotion.name().to_owned())
                .collect(),
        }
    }

    fn speak(&self, utterance: &Utterance, stop: &StopSignal) -> Result<Speech, SpeechError> {
        let style = self.style(utterance)?;
        let plan = self
            .0
            .plan(&utterance.text, &style)
            .map_err(|_| SpeechError::NothingToSpeak)?;
        let mut sound = vec![0; 44];
        for stretch in self.0.speak(&plan, stop) {
            sound.extend(wav::to_pcm16(&stretch.map_err(failed)?));
        }
        let samples = sound.len().saturating_sub(44) / 2;
        let count = u32::try_from(samples).map_err(|_| SpeechError::Broken)?;
        let rate = self.0.sample_rate();
        let (header, _) = sound.split_at_mut(44);
        header.copy_from_slice(&wav::header(rate, Some(count)));
        Ok(Speech {
            wav: sound.into(),
            seconds: f64::from(count) / f64::from(rate),
        })
    }
}

fn failed(why: SpeakError) -> SpeechError {
    match why {
        SpeakError::Cancelled => SpeechError::Cancelled,
        SpeakError::Empty => SpeechError::NothingToSpeak,
        why => {
            tracing::error!(target: "tts", %why, "the voice failed");
            SpeechError::Broken
        }
    }
}
