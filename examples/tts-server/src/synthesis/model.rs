//! The voice that the server ships with, or those of folders.

use std::{path::Path, time::Duration};

use sambert_hifigan::{
    Emotion, LoadError, SpeakError, SsmlError, SsmlProblem, StopSignal, Style, TextError,
    Voice as Model,
};

use super::{Speech, SpeechError, Utterance, Voice, VoiceInfo, Words, markup};
use crate::StartError;

/// A model of the SAM-BERT and HiFi-GAN family.
#[derive(Debug)]
pub struct ModelVoice(Model);

impl ModelVoice {
    /// Loads the voice that is built in.
    ///
    /// # Errors
    /// Never in an intact build.
    pub fn demo() -> Result<Self, StartError> {
        loaded(Model::demo()).map(Self)
    }

    /// Loads every voice in a folder, the default first.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn load(folder: &Path) -> Result<Vec<Self>, StartError> {
        let voices = loaded(Model::load_all(folder))?;
        for voice in &voices {
            for warning in voice.warnings() {
                tracing::warn!(target: "tts", voice = voice.name(), "{warning}");
            }
        }
        Ok(voices.into_iter().map(Self).collect())
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
        let plan = match &utterance.words {
            Words::Plain(text) => self.0.plan(text, &style).map_err(|why| unspeakable(&why))?,
            Words::Ssml(ssml) => self
                .0
                .plan_ssml(ssml, &style)
                .map_err(|why| unmarked(&why))?,
        };
        let (estimate, limit) = (plan.seconds_estimate(), utterance.longest);
        if estimate > limit.as_secs_f32() {
            let estimate = Duration::try_from_secs_f32(estimate).unwrap_or(Duration::MAX);
            return Err(SpeechError::TooLong { estimate, limit });
        }
        let speech = self.0.speak(&plan, stop);
        Ok(Box::new(speech.map(|stretch| stretch.map_err(failed))))
    }
}

fn loaded<T>(loaded: Result<T, LoadError>) -> Result<T, StartError> {
    let remedy = "Name other folders with `voices` in the section `[tts]` or one with `--voice DIR`, or leave them away for the voice that is built in.";
    loaded.map_err(|error| {
        StartError::new(format!("the voice cannot be loaded: {error}")).remedy(remedy)
    })
}

fn unspeakable(why: &TextError) -> SpeechError {
    match why {
        // A plain text has the emotion that was checked when the request came; marks can name any.
        TextError::Emotion(_) | TextError::Unspeakable { .. } => SpeechError::Unspeakable,
        _ => SpeechError::NothingToSpeak,
    }
}

fn unmarked(why: &SsmlError) -> SpeechError {
    match why.problem() {
        SsmlProblem::Text(why) => unspeakable(why),
        _ => markup::fault(why),
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
