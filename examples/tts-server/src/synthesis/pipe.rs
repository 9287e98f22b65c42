//! The way of the sound from a voice's thread to a client. Neither side ever waits in it: a voice learns that
//! there is no space, a client is woken when there is something.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use palisade::core::SharedClock;
use sambert_hifigan::WordTiming;

use super::SpeechError;
use crate::encoding::Extent;

/// How many stretches of sound wait for a client that is being sent them: about two seconds of sound, enough
/// to send on while the voice speaks for others, and little to hold for one that does not read.
pub(crate) const STRETCHES: usize = 4;

/// Bytes of a stretch of a finished file.
const FILE_STRETCH: usize = 16 * 1024;

/// When the client takes the sound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Delivery {
    /// The client takes each stretch as it is made.
    Stream,
    /// The client takes nothing before everything is made.
    Whole,
}

impl Delivery {
    /// Tells an encoder what it may leave to the end.
    pub(crate) const fn extent(self) -> Extent {
        match self {
            Self::Stream => Extent::Stream,
            Self::Whole => Extent::Whole,
        }
    }
}

/// Sound on its way.
#[derive(Debug)]
pub(crate) struct Pipe {
    delivery: Delivery,
    rate: u32,
    clock: SharedClock,
    asked: Duration,
    /// Whether the client wants to know when each word is heard.
    timed: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Words whose times no one has taken yet.
    words: Vec<WordTiming>,
    stretches: VecDeque<(Bytes, u64)>,
    bytes: u64,
    made: u64,
    taken: u64,
    /// When a listener that is even with us by now would have begun to listen. `None` before the response began.
    since: Option<Duration>,
    end: Option<Result<(), SpeechError>>,
    reader: Option<Waker>,
}

impl Pipe {
    pub(crate) fn new(delivery: Delivery, timed: bool, rate: u32, clock: SharedClock) -> Self {
        Self {
            delivery,
            timed,
            rate,
            asked: clock.monotonic(),
            clock,
            state: Mutex::default(),
        }
    }

    /// Tells whether a stretch may be made. A whole is as long as its text, which has a limit.
    pub(crate) fn has_capacity(&self) -> bool {
        self.delivery == Delivery::Whole || self.lock().stretches.len() < STRETCHES
    }

    /// Takes in what was made of so many samples.
    pub(crate) fn push(&self, sound: Vec<u8>, samples: usize) {
        let mut state = self.lock();
        let samples = samples as u64;
        state.made += samples;
        // Nothing that comes after the end is taken, and an encoder may still be waiting for a full block.
        if state.end.is_none() && (!sound.is_empty() || samples > 0) {
            state.bytes += sound.len() as u64;
            state.stretches.push_back((sound.into(), samples));
            wake(&mut state);
        }
    }

    /// Takes in when words are heard, where the client wants to know it.
    pub(crate) fn note(&self, words: Vec<WordTiming>) {
        if self.timed {
            self.lock().words.extend(words);
        }
    }

    /// Takes the times of the words that became known since the last call.
    pub(crate) fn take_words(&self) -> Vec<WordTiming> {
        std::mem::take(&mut self.lock().words)
    }

    /// Says that no more comes. Only the first word counts.
    pub(crate) fn end(&self, how: Result<(), SpeechError>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(how);
            wake(&mut state);
        }
    }

    /// Ends it, and drops what was not taken.
    pub(crate) fn cut(&self, why: SpeechError) {
        let mut state = self.lock();
        state.stretches = VecDeque::new();
        state.end = Some(Err(why));
        wake(&mut state);
    }

    /// Takes in a finished file that sounds so long, to be taken in stretches. What was made stays what it was. Nothing
    /// comes after a failure.
    pub(crate) fn refill(&self, mut file: Bytes, sounds: Duration) {
        let mut state = self.lock();
        if matches!(state.end, Some(Err(_))) {
            return;
        }
        let count = file.len().div_ceil(FILE_STRETCH).max(1) as f64;
        let samples = sounds.as_secs_f64() * f64::from(self.rate) / count;
        state.stretches = VecDeque::new();
        while !file.is_empty() {
            let stretch = file.split_to(file.len().min(FILE_STRETCH));
            state.stretches.push_back((stretch, samples as u64));
        }
        state.taken = 0;
        state.since = Some(self.clock.monotonic());
        state.end = Some(Ok(()));
    }

    /// Waits until there is something to send: the first stretch, or everything.
    pub(crate) fn poll_ready(&self, task: &mut Context<'_>) -> Poll<Result<(), SpeechError>> {
        let mut state = self.lock();
        match &state.end {
            Some(how) => Poll::Ready(how.clone()),
            None if self.delivery == Delivery::Stream && state.bytes > 0 => Poll::Ready(Ok(())),
            None => wait(&mut state, task),
        }
    }

    /// Takes the next stretch. `None` at the end.
    pub(crate) fn poll_take(
        &self,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, SpeechError>>> {
        let mut state = self.lock();
        while let Some((sound, samples)) = state.stretches.pop_front() {
            state.taken += samples;
            if !sound.is_empty() {
                return Poll::Ready(Some(Ok(sound)));
            }
        }
        match &state.end {
            Some(Err(why)) => Poll::Ready(Some(Err(why.clone()))),
            Some(Ok(())) => Poll::Ready(None),
            None => {
                // Now the server is late, not the client.
                let played = self.duration(state.taken);
                state.since = Some(self.clock.monotonic().saturating_sub(played));
                wait(&mut state, task)
            }
        }
    }

    /// Marks that the response has begun: from now on the client is expected to take the sound.
    pub(crate) fn begin(&self) {
        self.lock().since = Some(self.clock.monotonic());
    }

    /// Returns how much more sound was made than a listener has heard since the text was asked for, in
    /// milliseconds. Below nothing where there is silence already.
    pub(crate) fn ahead(&self) -> i64 {
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let passed = self.clock.monotonic().saturating_sub(self.asked);
        milliseconds(self.duration(self.made().1)) - milliseconds(passed)
    }

    /// Returns how far a client is behind one that listens as it reads. `None` before it was sent anything.
    pub(crate) fn lag(&self) -> Option<Duration> {
        let state = self.lock();
        let passed = self.clock.monotonic().saturating_sub(state.since?);
        Some(passed.saturating_sub(self.duration(state.taken)))
    }

    /// Returns the bytes and the samples that were made.
    pub(crate) fn made(&self) -> (u64, u64) {
        let state = self.lock();
        (state.bytes, state.made)
    }

    /// Returns how long so many samples sound.
    pub(crate) fn duration(&self, samples: u64) -> Duration {
        Duration::from_secs_f64(samples as f64 / f64::from(self.rate.max(1)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(state: &mut State) {
    if let Some(reader) = state.reader.take() {
        reader.wake();
    }
}

fn wait<T>(state: &mut State, task: &Context<'_>) -> Poll<T> {
    state.reader = Some(task.waker().clone());
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use palisade::core::ManualClock;

    use super::*;

    fn pipe(delivery: Delivery) -> (ManualClock, Pipe) {
        let clock = ManualClock::new(Duration::from_secs(1_000));
        let pipe = Pipe::new(delivery, false, 8, clock.shared());
        (clock, pipe)
    }

    fn take(pipe: &Pipe) -> Poll<Option<Result<Bytes, SpeechError>>> {
        pipe.poll_take(&mut Context::from_waker(Waker::noop()))
    }

    fn ready(pipe: &Pipe) -> Poll<Result<(), SpeechError>> {
        pipe.poll_ready(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_stream_has_capacity_for_a_few_stretches_and_a_whole_for_all() {
        let [(_, stream), (_, whole)] = [Delivery::Stream, Delivery::Whole].map(pipe);
        for _ in 0..STRETCHES {
            assert!(stream.has_capacity());
            stream.push(vec![0], 1);
            whole.push(vec![0], 1);
        }
        assert!(!stream.has_capacity() && whole.has_capacity());
        assert!(take(&stream).is_ready() && stream.has_capacity());
    }

    #[test]
    fn a_stream_is_ready_with_its_first_stretch_and_a_whole_with_its_last() {
        let [(_, stream), (_, whole)] = [Delivery::Stream, Delivery::Whole].map(pipe);
        stream.push(vec![1], 1);
        whole.push(vec![1], 1);
        let both = (ready(&stream), ready(&whole));
        assert_eq!(both, (Poll::Ready(Ok(())), Poll::Pending));
        whole.end(Ok(()));
        assert_eq!(ready(&whole), Poll::Ready(Ok(())));
    }

    #[test]
    fn what_is_cut_off_holds_nothing_and_ends_with_the_reason() {
        let (_, pipe) = pipe(Delivery::Whole);
        pipe.push(vec![1], 1);
        pipe.end(Ok(()));
        pipe.cut(SpeechError::TooSlow);
        assert_eq!(take(&pipe), Poll::Ready(Some(Err(SpeechError::TooSlow))));
        assert_eq!(
            pipe.made(),
            (1, 1),
            "it counts as made, whether it was taken or not"
        );
    }

    #[test]
    fn a_finished_file_is_taken_in_stretches_and_is_late_like_sound() {
        let (clock, pipe) = pipe(Delivery::Whole);
        pipe.push(vec![1], 16);
        pipe.end(Ok(()));
        let file = Bytes::from(vec![7; FILE_STRETCH * 3 + 1]);
        pipe.refill(file.clone(), Duration::from_secs(8));
        clock.advance(Duration::from_secs(5));
        assert_eq!(pipe.lag(), Some(Duration::from_secs(5)));
        let mut taken = Vec::new();
        while let Poll::Ready(Some(Ok(stretch))) = take(&pipe) {
            assert!(stretch.len() <= FILE_STRETCH);
            taken.extend_from_slice(&stretch);
        }
        assert_eq!(taken, file);
        assert_eq!(pipe.lag(), Some(Duration::ZERO));
        assert_eq!(pipe.made(), (1, 16), "it was not made again");
        pipe.refill(file.clone(), Duration::from_secs(8));
        pipe.cut(SpeechError::TooSlow);
        pipe.refill(file, Duration::from_secs(8));
        assert_eq!(take(&pipe), Poll::Ready(Some(Err(SpeechError::TooSlow))));
    }

    #[test]
    fn a_lag_is_what_a_listener_would_have_heard_by_now_and_did_not_take() {
        let (clock, pipe) = pipe(Delivery::Stream);
        let lag = || pipe.lag().map(|lag| lag.as_secs());
        assert_eq!(lag(), None);
        pipe.begin();
        pipe.push(vec![1], 16);
        clock.advance(Duration::from_secs(5));
        assert_eq!(lag(), Some(5));
        assert!(take(&pipe).is_ready());
        assert_eq!(lag(), Some(3));
        assert!(take(&pipe).is_pending());
        assert_eq!(lag(), Some(0), "it waits for us, so it is not late");
    }
}
