//! The texts that wait. Bounded; a client that leaves gives its place back at once.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sambert_hifigan::StopSignal;
use tokio::sync::oneshot;

use super::{Speech, SpeechError, Utterance};
use crate::metrics;

/// A first guess of how long a text takes, until one has been measured.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// The texts that wait for a worker, and the word that there will be no more.
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    capacity: usize,
    workers: usize,
}

struct State {
    waiting: VecDeque<Job>,
    next: u64,
    closed: bool,
    /// How long a text takes, averaged so that the newest counts a quarter.
    pace: Duration,
}

/// A text on its way to a worker.
pub(crate) struct Job {
    /// What to say.
    pub(crate) utterance: Utterance,
    number: u64,
    stop: StopSignal,
    answer: oneshot::Sender<Result<Speech, SpeechError>>,
}

/// A client's side of a job. Dropping it cancels the work, waiting or begun.
pub(crate) struct Ticket {
    queue: Arc<Queue>,
    number: u64,
    stop: StopSignal,
    answer: oneshot::Receiver<Result<Speech, SpeechError>>,
}

/// Says that no place is free, and when one probably will be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full {
    /// When to come again: whole seconds, at least one.
    pub(crate) retry_after: Duration,
}

impl Queue {
    /// Makes a queue with so many places, for so many workers.
    pub(crate) fn new(capacity: usize, workers: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                waiting: VecDeque::with_capacity(capacity),
                next: 0,
                closed: false,
                pace: FIRST_GUESS,
            }),
            arrived: Condvar::new(),
            capacity,
            workers: workers.max(1),
        })
    }

    /// Takes a text in.
    ///
    /// # Errors
    /// When every place is taken, or the server is going down.
    pub(crate) fn submit(self: &Arc<Self>, utterance: Utterance) -> Result<Ticket, Full> {
        let mut state = self.lock();
        if state.closed || state.waiting.len() >= self.capacity {
            return Err(self.full(&state));
        }
        let (sender, answer) = oneshot::channel();
        let stop = StopSignal::new();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Job {
            utterance,
            number,
            stop: stop.clone(),
            answer: sender,
        });
        metrics::waiting(state.waiting.len());
        drop(state);
        self.arrived.notify_one();
        Ok(Ticket {
            queue: Arc::clone(self),
            number,
            stop,
            answer,
        })
    }

    /// Waits for a text, on a worker's thread. `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                metrics::waiting(state.waiting.len());
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more texts; those inside are still spoken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Counts the texts that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Learns how long a text took.
    pub(crate) fn measured(&self, took: Duration) {
        let mut state = self.lock();
        state.pace = (state.pace * 3 + took) / 4;
    }

    fn full(&self, state: &State) -> Full {
        let rounds = state.waiting.len().div_ceil(self.workers).max(1);
        let wait = state
            .pace
            .saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Full {
            retry_after: Duration::from_secs(whole.clamp(1, 60)),
        }
    }

    fn forget(&self, number: u64) {
        let mut state = self.lock();
        state.waiting.retain(|job| job.number != number);
        metrics::waiting(state.waiting.len());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// Tells whether the client has left. A voice asks this as it speaks.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.stop.is_set()
    }

    /// Returns the signal that the client has left.
    pub(crate) fn stop(&self) -> &StopSignal {
        &self.stop
    }

    /// Hands the answer over. A client that has left does not get it.
    pub(crate) fn answer(self, answer: Result<Speech, SpeechError>) {
        let _ = self.answer.send(answer);
    }
}

impl Ticket {
    /// Waits for the speech.
    ///
    /// # Errors
    /// When the voice could not speak the text, or its worker went away.
    pub(crate) async fn speech(mut self) -> Result<Speech, SpeechError> {
        (&mut self.answer).await.unwrap_or(Err(SpeechError::Broken))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.stop.set();
        self.queue.forget(self.number);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} of {} waiting)", self.waiting(), self.capacity)
    }
}

// The text of a client is nobody else's business.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.number)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn say(text: &str) -> Utterance {
        Utterance {
            text: text.into(),
            emotion: "neutral".into(),
            speed: 1.0,
        }
    }

    #[test]
    fn beyond_its_capacity_it_says_when_to_come_again() {
        let queue = Queue::new(1, 1);
        let _held = queue.submit(say("一")).unwrap();
        queue.measured(Duration::from_millis(4500));
        let full = queue.submit(say("二")).unwrap_err();
        assert_eq!(full.retry_after, Duration::from_secs(3));
    }

    #[test]
    fn who_leaves_while_waiting_gives_the_place_back() {
        let queue = Queue::new(1, 1);
        let ticket = queue.submit(say("一")).unwrap();
        drop(ticket);
        assert_eq!(queue.waiting(), 0);
        assert!(queue.submit(say("二")).is_ok());
    }

    #[test]
    fn who_leaves_while_speaking_stops_the_voice() {
        let queue = Queue::new(1, 1);
        let ticket = queue.submit(say("一")).unwrap();
        let job = queue.take().unwrap();
        assert!(!job.is_cancelled());
        drop(ticket);
        assert!(job.is_cancelled());
    }

    #[test]
    fn a_closed_queue_takes_nothing_new_and_empties() {
        let queue = Queue::new(2, 1);
        let _ticket = queue.submit(say("一")).unwrap();
        queue.close();
        assert!(queue.submit(say("二")).is_err());
        assert!(queue.take().is_some());
        assert!(queue.take().is_none());
    }

    #[test]
    fn nothing_shows_the_text() {
        let queue = Queue::new(1, 1);
        let ticket = queue.submit(say("秘密")).unwrap();
        let job = queue.take().unwrap();
        assert!(!format!("{queue:?}{ticket:?}{job:?}{:?}", job.utterance).contains('秘'));
    }
}
