//! Speaking a plan.

use std::fmt;

use crate::{
    Plan, StopSignal, Voice,
    acoustic::{Failure, Mel},
    plan::Sentence,
    probe::Probe,
    vocoder::Seeded,
};

/// Speech in the making: an iterator over stretches of samples, each with the pause that follows it.
///
/// After an error it ends.
#[derive(Debug)]
#[must_use = "nothing is spoken until the iterator is asked"]
pub struct Speech {
    voice: Voice,
    plan: Plan,
    stop: StopSignal,
    next: usize,
}

impl Speech {
    pub(crate) const fn new(voice: Voice, plan: Plan, stop: StopSignal) -> Self {
        Self {
            voice,
            plan,
            stop,
            next: 0,
        }
    }

    fn sentence(&self, sentence: &Sentence, index: usize) -> Result<Vec<f32>, SpeakError> {
        let model = &self.voice.model;
        let ids = sentence
            .encode(&model.tables)
            .map_err(|symbol| SpeakError::Model(format!("no id for {symbol}")))?;
        let mel: Mel =
            model
                .acoustic
                .run(&ids, sentence.speed(), &self.stop, &mut Probe::none())?;
        // Every sentence has noise of its own.
        let mut random = Seeded::new(self.plan.seed().wrapping_add((index as u64) << 32));
        let spoken = model
            .vocoder
            .run(&mel, &mut random, &self.stop, &mut Probe::none())?;
        let silence = |seconds: f32| (seconds * self.voice.sample_rate() as f32) as usize;
        let mut samples = vec![0.0; silence(sentence.lead())];
        samples.extend(spoken);
        samples.resize(samples.len() + silence(sentence.pause()), 0.0);
        Ok(samples)
    }
}

impl Iterator for Speech {
    type Item = Result<Vec<f32>, SpeakError>;

    fn next(&mut self) -> Option<Self::Item> {
        let sentence = self.plan.sentences().get(self.next)?;
        let spoken = self.sentence(sentence, self.next);
        self.next = if spoken.is_ok() {
            self.next + 1
        } else {
            usize::MAX
        };
        Some(spoken)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (
            0,
            Some(self.plan.sentences().len().saturating_sub(self.next)),
        )
    }
}

/// Why speech ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeakError {
    /// The stop signal was set.
    Cancelled,
    /// The model gave a sentence no length.
    Empty,
    /// The model failed, for a reason only its maker can mend.
    Model(String),
}

impl fmt::Display for SpeakError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("speech was cancelled"),
            Self::Empty => f.write_str("the model gave a sentence no length"),
            Self::Model(problem) => write!(f, "the model failed: {problem}"),
        }
    }
}

impl std::error::Error for SpeakError {}

impl From<Failure> for SpeakError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Cancelled => Self::Cancelled,
            Failure::Empty => Self::Empty,
            Failure::Model(problem) => Self::Model(problem),
        }
    }
}
