//! Speaking a plan.

use std::{fmt, iter::FusedIterator};

use super::{
    fade::FadeIn,
    plan::{Plan, Sentence},
    timing::{self, WordTiming},
};
use crate::{
    acoustic::Mel,
    failure::Failure,
    model::VoiceHandle,
    probe::Probe,
    stop::StopSignal,
    vocoder::{Seeded, Stream},
};

/// Frames the vocoder takes at a time.
///
/// It keeps what it has seen and computes nothing twice, so small pieces cost little: at full size pieces of 24
/// frames take 4 % more of the processor's time than pieces of 80, and pieces of 8 take 13 % more, since the widest
/// layers fill a register tile with 48 positions, which are five frames.
pub(crate) const PIECE: usize = 24;

/// Seconds of sound in the first chunk, so that it comes soon, and in all others at most.
const FIRST: f32 = 0.2;
const LONGEST: f32 = 0.5;

/// Speech in the making: an iterator over chunks of samples, pauses included.
///
/// The first chunk holds about 0.2 seconds of sound, the others at most 0.5; together they are the very samples
/// that each sentence gives in one piece. What is kept between two chunks does not grow with the text. After an
/// error the speech ends.
#[must_use = "nothing is spoken until the iterator is asked"]
pub struct Speech {
    voice: VoiceHandle,
    plan: Plan,
    stop: StopSignal,
    /// The next sentence.
    next: usize,
    current: Option<Spoken>,
    /// Samples that are computed and not yet handed out.
    ready: Vec<f32>,
    /// Samples of silence still to come.
    silence: usize,
    started: bool,
    ended: bool,
    /// Samples that were handed out.
    given: usize,
    /// Words whose times are known and not yet taken.
    timings: Vec<WordTiming>,
}

/// A sentence that is being spoken.
struct Spoken {
    mel: Mel,
    /// Values of the frames that the vocoder has taken.
    taken: usize,
    stream: Stream,
    fade: FadeIn,
    /// Samples of silence behind it.
    pause: usize,
}

impl Speech {
    pub(crate) const fn new(voice: VoiceHandle, plan: Plan, stop: StopSignal) -> Self {
        Self {
            voice,
            plan,
            stop,
            next: 0,
            current: None,
            ready: Vec::new(),
            silence: 0,
            started: false,
            ended: false,
            given: 0,
            timings: Vec::new(),
        }
    }

    /// Takes the times of the words of every sentence that was begun since the last call: those of a sentence are known
    /// before its first sample. Empty for voices that read bytes.
    pub fn take_timings(&mut self) -> Vec<WordTiming> {
        std::mem::take(&mut self.timings)
    }

    /// Gathers the next chunk; an empty one is the end.
    fn chunk(&mut self) -> Result<Vec<f32>, SpeakError> {
        let rate = self.voice.sample_rate() as f32;
        let wanted = (if self.started { LONGEST } else { FIRST } * rate) as usize;
        while self.ready.len() < wanted && self.advance(wanted)? {}
        self.started = true;
        self.given += wanted.min(self.ready.len());
        let rest = self.ready.split_off(wanted.min(self.ready.len()));
        Ok(std::mem::replace(&mut self.ready, rest))
    }

    /// Makes some more samples; tells whether there were any to make.
    fn advance(&mut self, wanted: usize) -> Result<bool, SpeakError> {
        if self.stop.is_set() {
            return Err(SpeakError::Cancelled);
        }
        if self.silence > 0 {
            let some = self.silence.min(wanted - self.ready.len());
            self.silence -= some;
            self.ready.resize(self.ready.len() + some, 0.0);
        } else if let Some(mut spoken) = self.current.take() {
            let end = self.vocode(&mut spoken)?;
            if end {
                self.silence = spoken.pause;
            } else {
                self.current = Some(spoken);
            }
        } else if let Some(sentence) = self.plan.sentences().get(self.next) {
            let lead = self.silence(sentence.lead());
            let spoken = self.begin(sentence)?;
            let first = self.given + self.ready.len() + lead;
            let hop = self.voice.model.vocoder.samples_per_frame();
            let rate = self.voice.sample_rate();
            let words = timing::of_sentence(sentence, &spoken.mel.durations, first, hop, rate);
            self.timings.extend(words);
            self.current = Some(spoken);
            self.silence = lead;
            self.next += 1;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Runs the acoustic model over a sentence.
    fn begin(&self, sentence: &Sentence) -> Result<Spoken, SpeakError> {
        let model = &self.voice.model;
        let ids = sentence
            .encode(&model.tables)
            .map_err(|symbol| SpeakError::Model(format!("no id for {symbol}")))?;
        let mel = model
            .acoustic
            .run(&ids, sentence.speed(), &self.stop, &mut Probe::none())?;
        // Every sentence has noise of its own.
        let random = Seeded::new(self.plan.seed().wrapping_add((self.next as u64) << 32));
        Ok(Spoken {
            mel,
            taken: 0,
            stream: model.vocoder.start(Box::new(random)),
            fade: FadeIn::for_words(
                sentence.words(),
                self.plan.vowel_fade(),
                self.voice.sample_rate(),
            ),
            pause: self.silence(sentence.pause()),
        })
    }

    /// Turns seconds into samples.
    fn silence(&self, seconds: f32) -> usize {
        (seconds * self.voice.sample_rate() as f32) as usize
    }

    /// Gives the vocoder the next frames; tells whether they were the last.
    fn vocode(&mut self, spoken: &mut Spoken) -> Result<bool, SpeakError> {
        let values = &spoken.mel.values;
        let rest = values.get(spoken.taken..).unwrap_or_default();
        let piece = rest.chunks(PIECE * spoken.mel.channels).next();
        let piece = piece.unwrap_or_default();
        let end = piece.len() == rest.len();
        let mut samples = self.voice.model.vocoder.push(
            &mut spoken.stream,
            piece,
            end,
            &self.voice.team,
            &self.stop,
            &mut Probe::none(),
        )?;
        spoken.taken += piece.len();
        spoken.fade.apply(&mut samples);
        self.ready.extend(samples);
        Ok(end)
    }
}

impl Iterator for Speech {
    type Item = Result<Vec<f32>, SpeakError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.chunk();
        if chunk.is_err() {
            self.ended = true;
            self.current = None;
        }
        chunk
            .map(|samples| (!samples.is_empty()).then_some(samples))
            .transpose()
    }
}

impl FusedIterator for Speech {}

impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speech")
            .field("voice", &self.voice)
            .field("next", &self.next)
            .finish_non_exhaustive()
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
    /// The model failed, for a reason that only a new model removes.
    Model(String),
}

impl fmt::Display for SpeakError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("speech was cancelled"),
            Self::Empty => f.write_str("the model predicted no sound for a sentence"),
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
