//! A text on its way through the voice's threads, a stretch of sound at a time.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use palisade::core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimit;
use sambert_hifigan::StopSignal;

use super::{Pipe, Speech, SpeechError, Utterance, Voice};
use crate::encoding::Encoder;

/// A text that is to be spoken, or is being spoken. The thread that holds it may compute the next stretch.
pub(crate) struct Job {
    number: u64,
    state: State,
    encoder: Box<dyn Encoder>,
    pipe: Arc<Pipe>,
    stop: StopSignal,
    /// How long voices have worked for it.
    busy: Duration,
}

enum State {
    Asked(Arc<dyn Voice>, Utterance),
    Speaking(Speech),
    Over,
}

/// What became of a job in one turn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// So many samples were made, and there may be more.
    Computed(usize),
    /// It is over.
    Over(Result<(), SpeechError>),
}

impl Job {
    pub(super) fn new(
        number: u64,
        voice: Arc<dyn Voice>,
        utterance: Utterance,
        encoder: Box<dyn Encoder>,
        pipe: Arc<Pipe>,
        stop: StopSignal,
    ) -> Self {
        Self {
            number,
            state: State::Asked(voice, utterance),
            encoder,
            pipe,
            stop,
            busy: Duration::ZERO,
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Tells whether a voice has worked for it.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.state, State::Asked(..))
    }

    /// Tells whether the client takes what the next turn makes.
    pub(crate) fn has_capacity(&self) -> bool {
        self.pipe.has_capacity()
    }

    /// Returns how long so many samples sound.
    pub(crate) fn duration(&self, samples: usize) -> Duration {
        self.pipe.duration(samples as u64)
    }

    /// Returns how far it is ahead of a listener, in milliseconds.
    pub(crate) fn ahead(&self) -> i64 {
        self.pipe.ahead()
    }

    /// Adds the time of a turn, and returns that of all.
    pub(crate) fn worked(&mut self, took: Duration) -> Duration {
        self.busy += took;
        self.busy
    }

    /// Computes the next stretch. Outlives a voice that panics: one bad text must not take a core out of service.
    pub(crate) fn turn(&mut self) -> Turn {
        let attempt = catch_unwind(AssertUnwindSafe(|| self.stretch()));
        let turn = attempt.unwrap_or_else(|_| {
            log_panic();
            Err(SpeechError::Broken)
        });
        match turn {
            Ok(Some(samples)) => Turn::Computed(samples),
            Ok(None) => self.over(Ok(())),
            Err(why) => self.over(Err(why)),
        }
    }

    fn stretch(&mut self) -> Result<Option<usize>, SpeechError> {
        if self.stop.is_set() {
            return Err(SpeechError::Cancelled);
        }
        if let State::Asked(voice, utterance) = &self.state {
            let speech = voice.speak(utterance, &self.stop)?;
            self.state = State::Speaking(speech);
        }
        let State::Speaking(speech) = &mut self.state else {
            return Ok(None);
        };
        let Some(stretch) = speech.next().transpose()? else {
            let rest = self.encoder.finish()?;
            self.pipe.push(rest, 0);
            return Ok(None);
        };
        let sound = self.encoder.encode(&stretch.samples)?;
        // Known before they are heard.
        self.pipe.note(stretch.words);
        self.pipe.push(sound, stretch.samples.len());
        Ok(Some(stretch.samples.len()))
    }

    fn over(&mut self, how: Result<(), SpeechError>) -> Turn {
        // A voice that spoke of nothing has not spoken.
        let silent = how.is_ok() && self.pipe.made().1 == 0;
        let how = if silent {
            Err(SpeechError::NothingToSpeak)
        } else {
            how
        };
        self.state = State::Over;
        self.pipe.end(how.clone());
        Turn::Over(how)
    }
}

/// Logs that a voice panicked, at most once a minute: a client can send such a text again and again.
fn log_panic() {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::error!(target: "tts", held_back, "the voice panicked; the text is not logged");
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // Only if it is not over yet: no worker continues it.
        self.pipe.end(Err(SpeechError::Broken));
    }
}

// The text of a client must not reach a log.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use palisade::core::ManualClock;

    use super::*;
    use crate::{
        encoding::{Extent, Format},
        synthesis::{Delivery, Unspeakable, VoiceInfo, Words},
    };

    struct Panics;

    impl Voice for Panics {
        fn info(&self) -> VoiceInfo {
            unreachable!("a job does not ask for it")
        }

        fn speak(&self, _: &Utterance, _: &StopSignal) -> Result<Speech, SpeechError> {
            panic!("on purpose")
        }
    }

    fn job() -> Job {
        let utterance = Utterance {
            words: Words::Plain("好".into()),
            emotion: "neutral".into(),
            unspeakable: Unspeakable::Refuse,
            speed: 1.0,
            longest: Duration::MAX,
        };
        let clock = ManualClock::new(Duration::from_secs(1_000)).shared();
        Job::new(
            0,
            Arc::new(Panics),
            utterance,
            Format::Pcm.encoder_at(8, 8, Extent::Whole).unwrap(),
            Arc::new(Pipe::new(Delivery::Whole, false, 8, clock)),
            StopSignal::default(),
        )
    }

    #[test]
    fn a_voice_that_panics_again_and_again_writes_one_line() {
        let lines = palisade_internal::log_lines::count(|| {
            for _ in 0..10 {
                assert_eq!(job().turn(), Turn::Over(Err(SpeechError::Broken)));
            }
        });
        assert!(lines <= 1, "{lines}");
    }
}
