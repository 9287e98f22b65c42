//! The voice that the server ships with, or those of folders.

use std::{collections::BTreeSet, path::Path, time::Duration};

use palisade::core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimit;
use sambert_hifigan::{
    Emotion, LoadError, Plan, SpeakError, SsmlError, SsmlProblem, StopSignal, Style, TextError,
    Voice as Model,
};

use super::{
    Speech, SpeechError, Stretch, Unspeakable, Utterance, Voice, VoiceInfo, Words, markup,
};
use crate::error::StartError;

/// A model of the SAM-BERT and HiFi-GAN family.
#[derive(Debug)]
pub struct ModelVoice {
    model: Model,
    vowel_fade: Duration,
}

/// How long the sound of a sentence rises that begins with a vowel: too short to be heard, long enough for no click.
const VOWEL_FADE: Duration = Duration::from_millis(5);

impl ModelVoice {
    /// Loads the voice that is built in.
    ///
    /// # Errors
    ///
    /// Never in an intact build.
    pub fn demo() -> Result<Self, StartError> {
        loaded(Model::demo()).map(Self::of)
    }

    /// Loads every voice in a folder, the default first.
    ///
    /// # Errors
    ///
    /// When a file is missing or damaged.
    pub fn load(folder: &Path) -> Result<Vec<Self>, StartError> {
        let voices = loaded(Model::load_all(folder))?;
        for voice in &voices {
            for warning in voice.warnings() {
                tracing::warn!(target: "tts", voice = voice.name(), "{warning}");
            }
        }
        Ok(voices.into_iter().map(Self::of).collect())
    }

    fn of(model: Model) -> Self {
        Self {
            model,
            vowel_fade: VOWEL_FADE,
        }
    }

    /// Sets how long the sound of each sentence rises that begins with a vowel. Default: 5 ms. Zero: the samples are those of
    /// the model. At most 50 ms.
    #[must_use]
    pub fn vowel_fade(mut self, fade: Duration) -> Self {
        self.vowel_fade = fade;
        self
    }

    fn style(&self, utterance: &Utterance) -> Result<Style, SpeechError> {
        // Both were checked when the request came; a voice that disagrees is broken.
        let emotion: Emotion = utterance.emotion.parse().map_err(|_| SpeechError::Broken)?;
        let style = Style::default()
            .with_emotion(emotion)
            .with_vowel_fade(self.vowel_fade);
        style
            .with_speed(utterance.speed)
            .map_err(|_| SpeechError::Broken)
    }
}

impl ModelVoice {
    /// Plans plain text. What cannot be spoken is refused with its place, left out, or spelled.
    fn plan_plain(&self, text: &str, style: &Style, how: Unspeakable) -> Result<Plan, SpeechError> {
        let why = match self.model.plan(text, style) {
            Ok(plan) => return Ok(plan),
            Err(why) => why,
        };
        if !matches!(why, TextError::Unspeakable { .. }) {
            return Err(unspeakable(&why, None));
        }
        let characters = self.unspeakable_characters(text, style);
        if how == Unspeakable::Refuse || characters.is_empty() {
            return Err(match place(text, &characters) {
                Some((c, place)) => SpeechError::Unspeakable {
                    what: c.to_string(),
                    place: Some(place),
                },
                None => unspeakable(&why, None),
            });
        }
        let plain: String = text
            .chars()
            .map(|c| match (characters.contains(&c), how) {
                (false, _) => c.to_string(),
                (true, Unspeakable::Spell) => spelled(c),
                (true, _) => String::new(),
            })
            .collect();
        let plan = self.model.plan(&plain, style);
        plan.map_err(|why| unspeakable(&why, None))
    }

    /// Finds the characters of a text that cannot be spoken, each tried by itself.
    fn unspeakable_characters(&self, text: &str, style: &Style) -> BTreeSet<char> {
        let all: BTreeSet<char> = text.chars().filter(|c| !c.is_ascii()).collect();
        let fails = |c: &char| {
            let planned = self.model.plan(c.encode_utf8(&mut [0; 4]), style);
            matches!(planned, Err(TextError::Unspeakable { .. }))
        };
        all.into_iter().filter(fails).collect()
    }
}

/// Finds the first of some characters, with its line and its place in the line.
fn place(text: &str, characters: &BTreeSet<char>) -> Option<(char, (usize, usize))> {
    let (mut line, mut column) = (1, 0);
    for c in text.chars() {
        column += 1;
        if characters.contains(&c) {
            return Some((c, (line, column)));
        }
        if c == '\n' {
            (line, column) = (line + 1, 0);
        }
    }
    None
}

/// Writes the number of a character in Unicode so that its digits are read one by one.
fn spelled(c: char) -> String {
    let digits = format!("U{:04X}", u32::from(c));
    digits
        .chars()
        .fold(String::from(" "), |mut spelled, digit| {
            spelled.push(digit);
            spelled.push(' ');
            spelled
        })
}

impl Voice for ModelVoice {
    fn info(&self) -> VoiceInfo {
        let voice = &self.model;
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
            Words::Plain(text) => self.plan_plain(text, &style, utterance.unspeakable)?,
            Words::Ssml(ssml) => self
                .model
                .plan_ssml(ssml, &style)
                .map_err(|why| unmarked(&why))?,
        };
        let (estimate, limit) = (plan.seconds_estimate(), utterance.longest);
        if estimate > limit.as_secs_f32() {
            let estimate = Duration::try_from_secs_f32(estimate).unwrap_or(Duration::MAX);
            return Err(SpeechError::TooLong { estimate, limit });
        }
        Ok(Box::new(Spoken(self.model.speak(&plan, stop))))
    }
}

/// The sound of a model with the times of its words.
struct Spoken(sambert_hifigan::Speech);

impl Iterator for Spoken {
    type Item = Result<Stretch, SpeechError>;

    fn next(&mut self) -> Option<Self::Item> {
        let samples = self.0.next()?.map_err(failed);
        Some(samples.map(|samples| Stretch {
            samples,
            words: self.0.take_timings(),
        }))
    }
}

fn loaded<T>(loaded: Result<T, LoadError>) -> Result<T, StartError> {
    let remedy = "Name other folders with `voices` in the section `[tts]` or one with `--voice DIR`, or leave them away for the voice that is built in.";
    loaded.map_err(|error| {
        StartError::new(format!("the voice cannot be loaded: {error}")).remedy(remedy)
    })
}

fn unspeakable(why: &TextError, place: Option<(usize, usize)>) -> SpeechError {
    match why {
        // A plain text has the emotion that was checked when the request came; marks can name any.
        TextError::Emotion(emotion) => SpeechError::Unspeakable {
            what: emotion.name().to_owned(),
            place,
        },
        TextError::Unspeakable { unit } => SpeechError::Unspeakable {
            what: unit.clone(),
            place,
        },
        _ => SpeechError::NothingToSpeak,
    }
}

fn unmarked(why: &SsmlError) -> SpeechError {
    match why.problem() {
        SsmlProblem::Text(text) => {
            let place = why.position();
            unspeakable(text, Some((place.line, place.column)))
        }
        _ => markup::fault(why),
    }
}

fn failed(why: SpeakError) -> SpeechError {
    match why {
        SpeakError::Cancelled => SpeechError::Cancelled,
        SpeakError::Empty => SpeechError::NothingToSpeak,
        why => {
            log_failure(&why);
            SpeechError::Broken
        }
    }
}

/// Logs why a voice failed, at most once a minute: a client can send such a text again and again.
fn log_failure(why: &SpeakError) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::error!(target: "tts", %why, held_back, "the voice failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_fails_again_and_again_writes_one_line() {
        let lines = palisade_internal::log_lines::count(|| {
            for _ in 0..100 {
                let seen = failed(SpeakError::Model("wrong".to_owned()));
                assert_eq!(seen, SpeechError::Broken);
            }
        });
        assert!(lines <= 1, "{lines}");
    }
}
