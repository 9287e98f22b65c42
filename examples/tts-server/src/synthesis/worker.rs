//! The threads that speak.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use palisade::SharedClock;

use super::{Job, Queue, Speech, SpeechError, Voice};
use crate::metrics;

/// The running threads, one voice shared by all.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts threads that take texts from a queue.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        queue: Arc<Queue>,
        voice: &Arc<dyn Voice>,
        clock: &SharedClock,
        count: usize,
    ) -> io::Result<Self> {
        let threads = (0..count.max(1))
            .map(|number| {
                let (queue, voice, clock) = (Arc::clone(&queue), Arc::clone(voice), clock.clone());
                Builder::new()
                    .name(format!("voice-{number}"))
                    .spawn(move || work(&queue, &*voice, &clock))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { queue, threads })
    }

    /// Lets the threads finish what waits, and waits for them. Blocks.
    pub(crate) fn finish(self) {
        self.queue.close();
        for thread in self.threads {
            // A thread cannot have panicked: its work is caught. If it has, there is nothing to wait for.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Queue, voice: &dyn Voice, clock: &SharedClock) {
    while let Some(job) = queue.take() {
        let begun = clock.monotonic();
        let answer = speak(voice, &job);
        let took = clock.monotonic().saturating_sub(begun);
        metrics::spoken(&answer, took);
        if answer.is_ok() {
            queue.measured(took);
        }
        job.answer(answer);
    }
}

/// Speaks, and outlives a voice that panics: one bad text must not take a core out of service.
fn speak(voice: &dyn Voice, job: &Job) -> Result<Speech, SpeechError> {
    if job.is_cancelled() {
        return Err(SpeechError::Cancelled);
    }
    let attempt = || voice.speak(&job.utterance, job.stop());
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
        tracing::error!(target: "tts", "the voice panicked; the text is not logged");
        Err(SpeechError::Broken)
    })
}
