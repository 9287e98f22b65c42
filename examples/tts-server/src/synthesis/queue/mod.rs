//! Whose turn it is. Every text that can go on gets one stretch of sound after the other, in turns: a short text
//! is not stuck behind a long one, and first sound comes soon to all. A text whose client does not take what was
//! made is parked, where it costs no thread, and comes back when there is room.

mod order;
mod places;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade::SharedClock;
use sambert_hifigan::StopSignal;

pub(crate) use self::order::{Bounds, Full, Order};
use super::{Job, Listener, Pipe, SpeechError};
use crate::metrics;

/// A first guess of how long a text takes, until one has been measured.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// The texts under way, and the word that there will be no more.
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bounds: Bounds,
    clock: SharedClock,
}

struct State {
    ready: VecDeque<Job>,
    parked: HashMap<u64, Job>,
    listeners: HashMap<u64, (Arc<Pipe>, StopSignal)>,
    /// Jobs that a thread has taken.
    running: usize,
    next: u64,
    closed: bool,
    /// How long a text takes, averaged so that the newest counts a quarter.
    pace: Duration,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                ready: VecDeque::new(),
                parked: HashMap::new(),
                listeners: HashMap::new(),
                running: 0,
                next: 0,
                closed: false,
                pace: FIRST_GUESS,
            }),
            arrived: Condvar::new(),
            bounds,
            clock,
        })
    }

    /// Takes a text in.
    ///
    /// # Errors
    /// When every place is taken, or the server is going down.
    pub(crate) fn submit(self: &Arc<Self>, order: Order) -> Result<Listener, Full> {
        let mut state = self.lock();
        let busy = state.ready.len() + state.running;
        if state.closed
            || busy >= self.bounds.waiting + self.bounds.threads
            || !self.make_place(&mut state)
        {
            return Err(self.full(&state));
        }
        let number = state.next;
        state.next += 1;
        let stop = StopSignal::new();
        let Order {
            voice,
            sample_rate,
            utterance,
            encoder,
            delivery,
        } = order;
        let pipe = Arc::new(Pipe::new(delivery, sample_rate, self.clock.clone()));
        let own = (Arc::clone(&pipe), stop.clone());
        state
            .ready
            .push_back(Job::new(number, voice, utterance, encoder, own.0, own.1));
        let own = (Arc::clone(&pipe), stop.clone());
        state.listeners.insert(number, own);
        count(&state);
        drop(state);
        self.arrived.notify_one();
        Ok(Listener::new(Arc::clone(self), number, pipe, stop))
    }

    /// Waits for a text whose turn it is, on a worker's thread. `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.ready.pop_front() {
                state.running += 1;
                count(&state);
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

    /// Takes back a text that is not over: for its next turn, or parked until its client has taken something.
    pub(crate) fn put_back(&self, job: Job) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        if job.has_room() {
            state.ready.push_back(job);
        } else {
            state.parked.insert(job.number(), job);
        }
        count(&state);
    }

    /// Learns that a text is over, and how long the voice worked for it if it was spoken.
    pub(crate) fn finished(&self, took: Option<Duration>) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        if let Some(took) = took {
            state.pace = (state.pace * 3 + took) / 4;
        }
        count(&state);
    }

    /// Learns that a client has taken something.
    pub(super) fn resume(&self, number: u64) {
        let mut state = self.lock();
        if let Some(job) = state.parked.remove(&number) {
            state.ready.push_back(job);
            count(&state);
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Learns that a client is gone, and gives its place to the next.
    pub(super) fn forget(&self, number: u64) {
        let mut state = self.lock();
        state.listeners.remove(&number);
        let job = state.withdraw(number);
        count(&state);
        drop(state);
        if job.is_some_and(|job| job.has_begun()) {
            metrics::spoken(&Err(SpeechError::Cancelled), None);
        }
    }

    /// Takes no more texts; those inside are still spoken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a job out, unless a thread has it: that one sees the signal to stop.
    fn withdraw(&mut self, number: u64) -> Option<Job> {
        let place = self.ready.iter().position(|job| job.number() == number);
        match place {
            Some(place) => self.ready.remove(place),
            None => self.parked.remove(&number),
        }
    }
}

fn count(state: &State) {
    metrics::under_way(state.ready.len(), state.parked.len(), state.listeners.len());
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Queue")
            .field("ready", &state.ready.len())
            .field("running", &state.running)
            .field("parked", &state.parked.len())
            .field("listeners", &state.listeners.len())
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}
