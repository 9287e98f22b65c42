//! Sends batches of records to a server by POST, over a spool on disk.
//!
//! Two threads: `collector` writes batches into the `spool`, `sender` sends the oldest one until the server has taken it,
//! and removes it then. So a server that is away, and an end of the process, lose nothing that is in the spool.
//!
//! `decision` says what the outcome of a try means, `signature` signs a request, `backoff` chooses the pauses between tries.

mod builder;
mod collector;
mod decision;
mod sender;
mod doubt;
mod spool;
mod signature;
mod backoff;

use std::{fmt, sync::Arc};

use palisade_core::MaybeReady;

pub use self::builder::WebhookSinkBuilder;
use self::spool::Spool;
use super::{
    Sink,
    job_queue::{JobQueue, sink_methods_of_queue},
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// Sends batches of records to a server by POST, at least once each. Needs the feature `webhook`.
///
/// A batch is a body of type `application/x-ndjson`: one record a line, as JSON, at most 512 and 512 KiB. Records are
/// written to a folder first, the *spool*, and removed when the server has answered with a status 2xx. The oldest batch
/// is sent first, and one at a time. Records that were stored one by one are merged before they are sent.
///
/// Requests are signed by the rules of Standard Webhooks: `webhook-id` is the identifier of the batch, the same in each
/// try, `webhook-timestamp` the time of the try, and `webhook-signature` is `v1,` and the base64 of the HMAC-SHA-256 of
/// `id.timestamp.body`. A receiver compares the signature, refuses old timestamps, and skips identifiers that it has.
///
/// Records are numbered in the spool. The identifier is `<first>-<last>-<random>`: a receiver sees by the numbers that
/// records are missing, also those that this sink lost. The numbers go on over a restart. A file of the spool has an
/// HMAC with the signing key: what another program wrote or changed there is not sent.
///
/// # Failures
///
/// By default no request waits for it. With [`LossPolicy`](crate::LossPolicy) `Block` or `FailClosed`, a response waits
/// until its record is in the spool and synced.
///
/// A batch is tried again after a connection that fails, a response that does not come within the
/// [deadline](WebhookSinkBuilder::deadline), and any status but 2xx. The pause is random, doubles up to five minutes, and
/// is at least `Retry-After` (at most an hour). A redirect is not followed. One log line says that sending fails, and one
/// that it works again.
///
/// One batch does not stop all others:
///
/// - 413 divides it, down to one record.
/// - 400, 415 and 422, a single record that is too large, and a file that was changed: it is moved to the folder `refused`
///   of the spool. One error says so, and [`refused_records`](Self::refused_records) counts it. That folder is bounded to
///   1024 files and a quarter of the spool. When it is full, the batch stays first in the spool, and sending waits.
/// - Another status (403, 500) or a file that cannot be read: after five failures the next batch is tried. If that one is
///   taken, the first is divided, and a single record moved to `refused`. 408, 425, 429, 502, 503 and 504 do not count.
///   If nothing else is taken, this is done with a batch that is [a day old](WebhookSinkBuilder::set_aside_after).
///
/// Nothing else removes a batch. To send a refused one again, stop the service and move its file back into the spool.
/// Before another signing key is set, let the spool become empty: the files have the HMAC of the old one.
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
///     .signing_key(AuditKey::from_webhook_file("/etc/tts/webhook.key")?)
///     .open()?;
/// let layer = AuditLayer::builder().sink_with(SinkPolicy::BestEffort, sink).build()?;
/// # let _ = layer; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebhookSink {
    /// The thread behind it writes batches to the spool.
    queue: JobQueue,
    /// What waits on the disk, for the operator to look at.
    spool: Arc<Spool>,
    /// Host and port, for `Debug`: the path may be secret.
    receiver: String,
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

    /// Returns how many bytes wait in the spool: their space on the disk, in blocks of 4 KiB.
    #[must_use]
    pub fn spooled_bytes(&self) -> u64 {
        self.spool.bytes()
    }

    /// Returns how many records were moved to the folder `refused` since the start.
    #[must_use]
    pub fn refused_records(&self) -> u64 {
        self.spool.refused()
    }

    /// Returns for how long the oldest batch has waited. `None`: nothing waits.
    #[must_use]
    pub fn oldest_age(&self) -> Option<std::time::Duration> {
        self.spool.oldest_age()
    }
}

impl Sink for WebhookSink {
    sink_methods_of_queue!();

    /// Waits until everything is in the spool, and ends sending. What waits is sent after the next start. Records that
    /// have no space in a full spool are lost and counted: nothing waits for a receiver that may not come.
    fn close(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.spool.begin_end();
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
        write!(f, "WebhookSink({:?})", self.receiver)
    }
}
