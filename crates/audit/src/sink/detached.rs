//! A sink on a separate thread, so that it may block or hang without holding requests up.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use palisade_core::{MaybeReady, SystemClock};

use super::{
    Sink,
    job_queue::{Job, JobQueue, JobReceiver, QueueSettings},
};
use crate::{
    error::{AuditBuildError, SinkUnavailable},
    record::{AuditEvent, RequestRecord},
};

/// Runs another sink on a separate thread, behind a bounded queue.
///
/// For sinks that may block: a network connection, a pipe, code of a third party. A request never
/// waits for it. A record for which the queue has no space, or at which the inner sink panics, is
/// counted as [lost](Sink::lost_records). It never requires head records: a sink that can hang
/// cannot promise a record before a response. So a sink that fails closed is refused: its promise would be silently
/// taken away.
///
/// ```
/// use palisade_audit::{AuditLayer, DetachedSink, MemorySink};
///
/// let slow = MemorySink::new();
/// let layer = AuditLayer::builder()
///     .sink(DetachedSink::builder(slow).capacity(4096).build()?)
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
///
/// A sink that must not lose a record cannot be detached:
///
/// ```
/// use palisade_audit::{DetachedSink, FileSink};
///
/// let folder = tempfile::tempdir()?;
/// let closed = FileSink::builder(folder.path().join("audit.jsonl")).fail_closed().open()?;
/// let error = DetachedSink::builder(closed).build().unwrap_err();
/// assert!(error.to_string().contains("add it to the layer itself"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DetachedSink {
    /// The bounded queue to the thread.
    queue: JobQueue,
    /// The name of the inner sink, for `Debug`.
    name: String,
}

impl DetachedSink {
    /// The default of [`DetachedSinkBuilder::capacity`].
    const CAPACITY: usize = 1024;

    /// Starts to configure a thread for a sink.
    pub fn builder(sink: impl Sink) -> DetachedSinkBuilder {
        DetachedSinkBuilder {
            sink: Arc::new(sink),
            capacity: Self::CAPACITY,
        }
    }
}

/// Configures a [`DetachedSink`]. Made by [`DetachedSink::builder`].
///
/// Default: space for 1024 waiting records. There is no clock to set: no response waits for the sink, so no time is measured.
///
/// ```
/// use palisade_audit::{DetachedSink, MemorySink};
///
/// // A sink that may block for a minute, at 100 requests a second.
/// let sink = DetachedSink::builder(MemorySink::new()).capacity(6000).build()?;
/// # let _ = sink;
/// # Ok::<_, palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DetachedSinkBuilder {
    /// The inner sink.
    sink: Arc<dyn Sink>,
    /// Checked by `build`.
    capacity: usize,
}

impl DetachedSinkBuilder {
    /// Sets how many records may wait. Default: 1024. With 0 the sink is not built.
    ///
    /// Choose it by the longest pause that must lose nothing: at 100 requests a second, 1024 records are ten
    /// seconds. A record takes about a kilobyte while it waits.
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// Starts the thread. It ends when the sink is dropped, after it passed on what waits.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for a capacity of 0 and for a sink that [fails closed](Sink::fails_closed),
    /// [`AuditBuildError::NoThread`] if no thread can be started.
    ///
    /// ```
    /// use palisade_audit::{AuditBuildError, DetachedSink, MemorySink};
    ///
    /// let no_space = DetachedSink::builder(MemorySink::new()).capacity(0).build();
    /// assert!(no_space.is_err());
    /// ```
    pub fn build(self) -> Result<DetachedSink, AuditBuildError> {
        if self.capacity == 0 {
            return Err(AuditBuildError::InvalidSetting {
                setting: "DetachedSinkBuilder::capacity",
                problem: "use a capacity of 1 event or more",
            });
        }
        let closed = catch_unwind(AssertUnwindSafe(|| self.sink.fails_closed()));
        if closed.unwrap_or(true) {
            return Err(AuditBuildError::InvalidSetting {
                setting: "DetachedSink::builder",
                problem: "a sink that fails closed cannot be detached: add it to the layer itself",
            });
        }
        let settings = QueueSettings::unwaited(self.capacity, SystemClock::shared());
        let (queue, jobs) = JobQueue::new(settings);
        let name = format!("{:?}", self.sink);
        thread::Builder::new()
            .name("palisade-audit-sink".into())
            .spawn(move || run(&self.sink, &jobs))
            .map_err(AuditBuildError::NoThread)?;
        Ok(DetachedSink { queue, name })
    }
}

/// Passes jobs to the inner sink until the queue is closed. A panic of the sink is counted as one lost record,
/// and the next job follows.
fn run(sink: &impl Sink, jobs: &JobReceiver) {
    while let Ok(job) = jobs.recv() {
        let done = catch_unwind(AssertUnwindSafe(|| match job {
            Job::Event(event) => sink.record_event(&event),
            // No response waits for a detached sink: it has no heads.
            Job::Head(_, response) => drop(response),
            Job::Request(event) => sink.record_request(&event),
            Job::Flush(response) => {
                // Everything before it was taken; the result of the sink's own flush is passed on.
                let flushed = match sink.flush() {
                    MaybeReady::Ready(response) => response,
                    MaybeReady::Pending(later) => crate::block_on::block_on(later),
                };
                let _ = response.send(flushed);
            }
        }));
        if done.is_err() {
            jobs.lost(1);
        }
    }
}

impl Sink for DetachedSink {
    fn record_request(&self, event: &Arc<RequestRecord>) {
        self.queue.send_request(event);
    }

    fn record_event(&self, event: &Arc<AuditEvent>) {
        self.queue.send_event(event);
    }

    fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.queue.flush()
    }

    fn lost_records(&self) -> u64 {
        self.queue.lost_records()
    }
}

impl fmt::Debug for DetachedSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DetachedSink({})", self.name)
    }
}
