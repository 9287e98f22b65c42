//! Whose turn it is. A thread makes one stretch of sound, and then one for the client that is least ahead of its listener:
//! the first sound comes soon for all, a short text is not stuck behind a long one, and a client with enough sound for
//! a while does not delay the others. A text whose client does not take what was made is parked, where it costs no
//! thread, and comes back when there is capacity.

mod capacity;
mod order;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade::core::SharedClock;
use sambert_hifigan::StopSignal;

pub(crate) use self::order::{Bounds, Order, QueueFull};
use super::{Delivery, Job, Listener, Pipe, SpeechError};
use crate::metrics;

/// A first guess of how long a text takes, until one has been measured.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// So many milliseconds of sound ahead of its listener, a text leaves the threads to others.
const AHEAD: i64 = 10_000;

/// The rate by which the time of a finished file is counted: milliseconds.
const FILE_RATE: u32 = 1_000;

/// The texts in progress, and the word that there will be no more.
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
    /// Jobs that a thread has taken, and how far each was ahead then.
    running: Vec<(u64, i64)>,
    numbers: u64,
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
                running: Vec::new(),
                numbers: 0,
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
    ///
    /// When every place is taken, or the server is going down.
    pub(crate) fn submit(self: &Arc<Self>, order: Order) -> Result<Listener, QueueFull> {
        let mut state = self.lock();
        let most = self.bounds.waiting + self.bounds.threads;
        if state.closed || state.urgent() >= most || !self.make_place(&mut state) {
            return Err(self.full(&state));
        }
        let stop = StopSignal::new();
        let Order {
            voice,
            sample_rate,
            utterance,
            encoder,
            delivery,
            timed,
        } = order;
        let pipe = Arc::new(Pipe::new(delivery, timed, sample_rate, self.clock.clone()));
        let number = state.enter(&pipe, &stop);
        let own = (Arc::clone(&pipe), stop.clone());
        state
            .ready
            .push_back(Job::new(number, voice, utterance, encoder, own.0, own.1));
        count(&state);
        drop(state);
        self.arrived.notify_one();
        Ok(Listener::new(Arc::clone(self), number, pipe, stop))
    }

    /// Takes in a client that is sent a finished file. It needs no voice, but a place like every other one.
    ///
    /// # Errors
    ///
    /// When every place is taken, or the server is going down.
    pub(crate) fn hold(self: &Arc<Self>) -> Result<Listener, QueueFull> {
        let mut state = self.lock();
        if state.closed || !self.make_place(&mut state) {
            return Err(self.full(&state));
        }
        let clock = self.clock.clone();
        let pipe = Arc::new(Pipe::new(Delivery::Whole, false, FILE_RATE, clock));
        let stop = StopSignal::new();
        let number = state.enter(&pipe, &stop);
        count(&state);
        drop(state);
        Ok(Listener::new(Arc::clone(self), number, pipe, stop))
    }

    /// Waits for a text whose turn it is, on a worker's thread. `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.next() {
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
        state.running.retain(|(number, _)| *number != job.number());
        if job.has_capacity() {
            state.ready.push_back(job);
        } else {
            state.parked.insert(job.number(), job);
        }
        count(&state);
    }

    /// Learns that a text is over, and how long the voice worked for it if it was spoken.
    pub(crate) fn finished(&self, job: &Job, took: Option<Duration>) {
        let mut state = self.lock();
        state.running.retain(|(number, _)| *number != job.number());
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
            metrics::not_spoken(SpeechError::Cancelled.outcome());
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
    /// Gives a client a place, and returns its number.
    fn enter(&mut self, pipe: &Arc<Pipe>, stop: &StopSignal) -> u64 {
        let number = self.numbers;
        self.numbers += 1;
        let own = (Arc::clone(pipe), stop.clone());
        self.listeners.insert(number, own);
        number
    }

    /// Gives the next turn to the text that is least ahead of its listener, the oldest of several.
    fn next(&mut self) -> Option<Job> {
        let jobs = self.ready.iter().enumerate();
        let leads = jobs.map(|(place, job)| (job.ahead(), place));
        let (ahead, place) = leads.min()?;
        let job = self.ready.remove(place)?;
        self.running.push((job.number(), ahead));
        Some(job)
    }

    /// Counts the texts that need a thread now. The others have sound for a while.
    fn urgent(&self) -> usize {
        let ready = self.ready.iter().map(Job::ahead);
        let running = self.running.iter().map(|(_, ahead)| *ahead);
        ready.chain(running).filter(|ahead| *ahead < AHEAD).count()
    }

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
            .field("running", &state.running.len())
            .field("parked", &state.parked.len())
            .field("listeners", &state.listeners.len())
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}
