//! Sends batches of records to a server by POST, over a spool on disk.
//!
//! Two threads: `collector` writes batches into the `spool`, `sender` sends the oldest one until the server has taken it,
//! and removes it then. So a server that is away, and an end of the process, lose nothing that is in the spool.
//!
//! `signature` signs a request, `backoff` chooses the pauses between tries.

mod builder;
mod collector;
mod sender;
mod spool;
mod signature;
mod backoff;

use std::{fmt, sync::Arc};

use palisade_core::MaybeReady;

pub use self::builder::WebhookSinkBuilder;
use self::spool::Spool;
use super::{
    Sink,
    http::HttpTarget,
    job_queue::{JobQueue, sink_methods_of_queue},
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// Sends batches of records to a server by POST, at least once each. Needs the feature `webhook`.
///
/// A batch is a body of type `application/x-ndjson`: one record a line, as JSON, at most 512. It is written to a folder
/// first, the *spool*, and removed when the server has answered with a status 2xx. The oldest batch is sent first, and
/// one at a time.
///
/// Requests are signed by the rules of Standard Webhooks: `webhook-id` is the identifier of the batch, the same in each
/// try, `webhook-timestamp` the time of the try, and `webhook-signature` is `v1,` and the base64 of the HMAC-SHA-256 of
/// `id.timestamp.body`. A receiver compares the signature, refuses old timestamps, and skips identifiers that it has.
///
/// # Failures
///
/// By default no request waits for it. With [`LossPolicy`](crate::LossPolicy) `Block` or `FailClosed`, a response waits
/// until its record is in the spool and synced.
///
/// A batch is tried again after a connection that fails, a response that does not come within the
/// [deadline](WebhookSinkBuilder::deadline), and any status but 2xx. The pause is random, doubles up to five minutes, and
/// is at least `Retry-After` (at most an hour). A redirect is not followed. Only a batch that the server calls malformed
/// (400, 413, 415, 422) is dropped, since it would stop all others; its records are counted as lost. One log line says
/// that sending fails, and one that it works again.
///
/// When the spool is full, `DropAndCount` loses new records and counts them; the other policies wait for space. One log
/// line says so.
///
/// # Examples
///
/// ```no_run
/// use palisade_audit::{AuditKey, AuditLayer, SinkPolicy, WebhookSink};
///
/// let receiver = "https://siem.example/palisade".parse()?;
/// let sink = WebhookSink::builder(receiver, "/var/spool/tts/siem")
///     .signing_key(AuditKey::from_file("/etc/tts/webhook.key")?)
///     .open()?;
/// let layer = AuditLayer::builder().sink_with(SinkPolicy::BestEffort, sink).build()?;
/// # let _ = layer; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebhookSink {
    queue: JobQueue,
    spool: Arc<Spool>,
    /// The address, for `Debug`.
    target: HttpTarget,
}

impl WebhookSink {
    /// Returns the settings of a sink that sends to this address, with batches that wait in this folder.
    ///
    /// The folder is made if it is missing. It belongs to one sink of one process.
    pub fn builder(
        endpoint: http::Uri,
        spool: impl Into<std::path::PathBuf>,
    ) -> WebhookSinkBuilder {
        WebhookSinkBuilder::new(endpoint, spool.into())
    }

    /// Returns how many bytes wait in the spool.
    #[must_use]
    pub fn spooled_bytes(&self) -> u64 {
        self.spool.bytes()
    }
}

impl Sink for WebhookSink {
    sink_methods_of_queue!();

    /// Waits until everything is in the spool, and ends sending. What waits is sent after the next start.
    fn close(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        let (flushed, spool) = (self.queue.flush(), Arc::clone(&self.spool));
        MaybeReady::pending(async move {
            let flushed = flushed.get().await;
            spool.stop();
            flushed
        })
    }
}

impl Drop for WebhookSink {
    fn drop(&mut self) {
        // The collector then waits for no space any more. It stops the sender when it has stored what waits.
        self.spool.begin_end();
    }
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSink({:?})", self.target)
    }
}
