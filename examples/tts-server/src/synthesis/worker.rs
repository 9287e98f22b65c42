//! The threads that speak: each takes a text, makes one stretch of its sound, and puts it back.

use std::{
    io,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use palisade::core::SharedClock;

use super::{Queue, Turn};
use crate::metrics;

/// The running threads, the voices shared by all.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts threads that take texts from a queue.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(crate) fn start(queue: Arc<Queue>, clock: &SharedClock, count: usize) -> io::Result<Self> {
        let threads = (0..count.max(1))
            .map(|number| {
                let (queue, clock) = (Arc::clone(&queue), clock.clone());
                Builder::new()
                    .name(format!("voice-{number}"))
                    .spawn(move || work(&queue, &clock))
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

fn work(queue: &Queue, clock: &SharedClock) {
    while let Some(mut job) = queue.take() {
        let begun = clock.monotonic();
        let turn = job.turn();
        let took = job.worked(clock.monotonic().saturating_sub(begun));
        match turn {
            Turn::Computed(samples) => {
                metrics::made(job.duration(samples));
                queue.put_back(job);
            }
            Turn::Over(how) => {
                match &how {
                    Ok(()) => metrics::spoken(took),
                    Err(why) => metrics::not_spoken(why.outcome()),
                }
                queue.finished(&job, how.is_ok().then_some(took));
            }
        }
    }
}
