//! A client's side of a text in progress.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use sambert_hifigan::{StopSignal, WordTiming};

use super::{Pipe, Queue, SpeechError};

/// Takes the sound of one text. Dropping it stops the voice, or gives the place in the queue back.
pub(crate) struct Listener {
    queue: Arc<Queue>,
    number: u64,
    pipe: Arc<Pipe>,
    stop: StopSignal,
}

/// How much sound there is by now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SoundProgress {
    pub(crate) bytes: u64,
    pub(crate) samples: u64,
    pub(crate) sounds: Duration,
}

impl Listener {
    pub(super) fn new(queue: Arc<Queue>, number: u64, pipe: Arc<Pipe>, stop: StopSignal) -> Self {
        Self {
            queue,
            number,
            pipe,
            stop,
        }
    }

    /// Waits until a response can begin: with the first sound of a stream, with the last of a whole.
    ///
    /// # Errors
    ///
    /// When the voice could not speak the text, or its worker went away.
    pub(crate) async fn ready(&self) -> Result<(), SpeechError> {
        poll_fn(|task| self.pipe.poll_ready(task)).await?;
        self.pipe.begin();
        Ok(())
    }

    /// Has a finished file taken in stretches, in place of what was made.
    pub(crate) fn refill(&self, file: Bytes, sounds: Duration) {
        self.pipe.refill(file, sounds);
    }

    /// Takes the next stretch of sound. `None` at the end.
    pub(crate) fn poll_take(
        &self,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, SpeechError>>> {
        let taken = self.pipe.poll_take(task);
        if let Poll::Ready(Some(Ok(_))) = taken {
            self.queue.resume(self.number);
        }
        taken
    }

    /// Takes the times of the words that became known since the last call.
    pub(crate) fn take_words(&self) -> Vec<WordTiming> {
        self.pipe.take_words()
    }

    /// Returns how much sound was made so far, taken or not.
    pub(crate) fn made(&self) -> SoundProgress {
        let (bytes, samples) = self.pipe.made();
        let sounds = self.pipe.duration(samples);
        SoundProgress {
            bytes,
            samples,
            sounds,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.set();
        self.pipe.cut(SpeechError::Cancelled);
        self.queue.forget(self.number);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.number)
    }
}
