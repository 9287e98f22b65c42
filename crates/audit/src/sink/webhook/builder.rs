//! The settings of a webhook sink, with their defaults.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use http::Uri;

use super::{
    WebhookSink,
    backoff::Backoff,
    collector::Collector,
    doubt::Doubt,
    sender::Sender,
    spool::{Spool, SpoolSettings},
};
use crate::{
    error::AuditBuildError,
    key::AuditKey,
    sink::{
        LossPolicy,
        http_settings::{HttpSettings, http_setting_methods},
        job_queue::{JobQueue, queue_setting_methods},
    },
};

/// The default of [`WebhookSinkBuilder::spool_bytes`].
const SPOOL_BYTES: u64 = 256 * 1024 * 1024;
/// The default of [`WebhookSinkBuilder::batch_bytes`].
const BATCH_BYTES: usize = 512 * 1024;
/// The smallest and the largest value of it.
const BATCH_LIMITS: std::ops::RangeInclusive<usize> = 16 * 1024..=1024 * 1024;
/// The default of [`WebhookSinkBuilder::set_aside_after`].
const SET_ASIDE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// The smallest spool: the longest batch fits in.
const MIN_SPOOL_BYTES: u64 = 2 * 1024 * 1024;

/// Settings of a [`WebhookSink`], from [`WebhookSink::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`signing_key`](Self::signing_key) | none; required |
/// | [`header`](Self::header) | none |
/// | [`spool_bytes`](Self::spool_bytes) | 256 MiB |
/// | [`batch_bytes`](Self::batch_bytes) | 512 KiB |
/// | [`policy`](Self::policy), [`commit_deadline`](Self::commit_deadline) | drop and count; 2 seconds |
/// | [`capacity`](Self::capacity) | 4096 records |
/// | [`linger`](Self::linger) | 1 second |
/// | [`deadline`](Self::deadline) | 10 seconds |
/// | [`retry_pause`](Self::retry_pause) | 1 second, up to 5 minutes |
/// | [`set_aside_after`](Self::set_aside_after) | 24 hours |
/// | [`trust_anchors`](Self::trust_anchors) | the authorities of the machine |
/// | [`client_certificate`](Self::client_certificate) | none |
/// | [`clock`](Self::clock) | the system clock |
/// | [`dangerously_allow_http`](Self::dangerously_allow_http) | `http://` to this machine only |
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookSinkBuilder {
    /// How requests are sent, and the queue of what waits.
    http: HttpSettings,
    /// The folder of the batches that wait.
    spool: PathBuf,
    /// The most bytes of the folder on the disk.
    spool_bytes: u64,
    /// The most bytes of one request.
    batch_bytes: usize,
    /// Whether and with what requests are signed. The operator has to decide.
    signing: Signing,
    /// A batch that always fails is set aside at this age, so that it does not stop the ones after
    /// it.
    set_aside_after: Duration,
}

/// Whether requests are signed.
#[derive(Clone, Debug)]
enum Signing {
    /// The operator has not said.
    Missing,
    /// They are not.
    Unsigned,
    /// With this key.
    With(AuditKey),
}

impl WebhookSinkBuilder {
    /// Starts with the defaults of the table above.
    pub(super) fn new(uri: Uri, spool: PathBuf) -> Self {
        Self {
            http: HttpSettings::new(uri),
            spool,
            spool_bytes: SPOOL_BYTES,
            batch_bytes: BATCH_BYTES,
            signing: Signing::Missing,
            set_aside_after: SET_ASIDE_AFTER,
        }
    }

    /// Sets the key of the signatures. The receiver has the same: libraries for Standard Webhooks take it as `whsec_` and
    /// its base64.
    pub fn signing_key(mut self, key: AuditKey) -> Self {
        self.signing = Signing::With(key);
        self
    }

    /// Sends requests without a signature. Default: a sink without a key is not opened.
    ///
    /// Every program that reaches the receiver can then send records of its own. For receivers that authenticate this service
    /// otherwise, by a [client certificate](Self::client_certificate) or a [header](Self::header).
    pub fn dangerously_send_unsigned(mut self) -> Self {
        self.signing = Signing::Unsigned;
        self
    }

    http_setting_methods!("receiver");
    queue_setting_methods!(http.queue);

    /// Sets how many bytes may wait in the spool: their space on the disk, in blocks of 4 KiB. Default: 256 MiB; at least
    /// 2 MiB.
    ///
    /// When it is full, or has 65,536 files, the [policy](Self::policy) decides. A record has about 500 bytes. While
    /// batches are merged or divided, one batch is there twice. Refused batches take at most a quarter more.
    pub fn spool_bytes(mut self, bytes: u64) -> Self {
        self.spool_bytes = bytes;
        self
    }

    /// Sets the most bytes of a batch. Default: 512 KiB; 16 KiB to 1 MiB.
    ///
    /// A receiver that takes less answers 413: the batch is then divided, and later ones are smaller.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Sets what happens to a request whose record is not in the spool in time. Default: [`LossPolicy::DropAndCount`]: no
    /// response waits.
    pub fn policy(mut self, policy: LossPolicy) -> Self {
        self.http.queue.policy = policy;
        self
    }

    /// Sets the longest pause after the first failed try. Default: 1 second; not 0. It doubles with each, up to 5 minutes.
    pub fn retry_pause(mut self, pause: Duration) -> Self {
        self.http.retry_pause = pause;
        self
    }

    /// Sets the age at which a batch is given up that the receiver refuses without saying that it is malformed, such as
    /// with 403 or 500. Default: 24 hours; not 0.
    ///
    /// It is then divided, again and again, and a record that still fails is moved to the folder `refused` of the spool,
    /// told and [counted](WebhookSink::refused_records): one record that a receiver cannot take stops no other. The age
    /// counts from when the records were stored, over restarts; their parts and older batches behind do not wait again.
    /// Each part is tried five times. So one record among 512 is set aside at most 10 × 5 pauses later: 5 hours, unless
    /// the receiver asks for more than five minutes (`Retry-After`).
    ///
    /// The receiver must also have refused for an hour without taking another batch: it may be starting, after days on
    /// which it was away. One that cannot be reached, or answers 408, 425, 429, 502, 503 or 504, gets everything later,
    /// however long that lasts.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_audit::WebhookSink;
    ///
    /// let sink = WebhookSink::builder("https://siem.example/".parse()?, "spool");
    /// // The receiver is repaired on Monday.
    /// let sink = sink.set_aside_after(Duration::from_secs(3 * 86_400));
    /// # let _ = sink; Ok::<(), http::uri::InvalidUri>(())
    /// ```
    pub fn set_aside_after(mut self, time: Duration) -> Self {
        self.set_aside_after = time;
        self
    }

    /// Sends over `http://` to another machine too. Default: only to this one.
    ///
    /// Records then cross the network in clear text: users and addresses are readable on the way. Only for a network
    /// that protects them itself, such as the private network between two containers.
    pub fn dangerously_allow_http(mut self) -> Self {
        self.http.allow_http = true;
        self
    }

    /// Opens the spool and starts two threads. What an earlier process left in the spool is sent first.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::InvalidSetting`] for an address without `https://` (or `http://` on this machine), no
    ///   [signing key](Self::signing_key), a spool of less than 2 MiB, batches of less than 16 KiB or more than 1 MiB, a
    ///   deadline or pause of 0, a time to set aside or a capacity of 0 (of 1 where responses wait), and certificates that cannot be read.
    /// - [`AuditBuildError::Locked`] if another sink uses the spool.
    /// - [`AuditBuildError::Storage`] if the spool cannot be used, belongs to another user, or others may write in it.
    /// - [`AuditBuildError::NoThread`] if a thread, or its event queue, cannot be made.
    ///
    /// A receiver that cannot be reached is no error: it may come later.
    ///
    /// ```
    /// use palisade_audit::WebhookSink;
    ///
    /// let sink = WebhookSink::builder("https://siem.example/".parse()?, "spool");
    /// let error = sink.open().unwrap_err();
    /// assert!(error.to_string().contains("signing_key"), "{error}");
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    pub fn open(self) -> Result<WebhookSink, AuditBuildError> {
        let invalid = |setting, problem| Err(AuditBuildError::InvalidSetting { setting, problem });
        let http = self.http;
        let target = http.check("WebhookSink::builder")?;
        let key = match self.signing {
            Signing::With(key) => Some(key),
            Signing::Unsigned => None,
            Signing::Missing => {
                let problem = "a receiver cannot tell who sends; set a key, or call dangerously_send_unsigned()";
                return invalid("signing_key", problem);
            }
        };
        if self.spool_bytes < MIN_SPOOL_BYTES {
            return invalid("spool_bytes", "use 2 MiB or more");
        }
        if !BATCH_LIMITS.contains(&self.batch_bytes) {
            return invalid("batch_bytes", "use 16 KiB to 1 MiB");
        }
        if self.set_aside_after.is_zero() {
            return invalid("set_aside_after", "use more than zero");
        }
        let spooled = SpoolSettings {
            limit: self.spool_bytes,
            batch_bytes: u64::try_from(self.batch_bytes).unwrap_or(u64::MAX),
            key: key.clone(),
            clock: Arc::clone(&http.queue.clock),
        };
        let spool = Arc::new(Spool::open(self.spool, spooled)?);
        let receiver = http.uri.authority().map(ToString::to_string);
        let receiver = receiver.unwrap_or_default();
        let (queue, jobs) = JobQueue::new(http.queue.clone());
        let sender = Sender {
            client: http.client(target)?,
            spool: Arc::clone(&spool),
            key,
            backoff: Backoff::new(http.retry_pause),
            clock: Arc::clone(&http.queue.clock),
            losses: jobs.loss_counter(),
            failing: false,
            failures: 0,
            doubt: Doubt::new(self.set_aside_after),
            #[cfg(feature = "metrics")]
            receiver: receiver.clone(),
        };
        let collector = Collector {
            batches: http.batches(),
            spool: Arc::clone(&spool),
            batch_bytes: self.batch_bytes,
            waits_for_space: http.queue.policy.waits(),
            numbered_losses: 0,
        };
        spawn("palisade-audit-send", move || sender.run())?;
        let spawned = spawn("palisade-audit-spool", move || collector.run(&jobs));
        // Otherwise the first thread would keep the spool, without a sink.
        spawned.inspect_err(|_| spool.stop())?;
        Ok(WebhookSink {
            queue,
            spool,
            receiver,
        })
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), AuditBuildError> {
    let thread = thread::Builder::new().name(name.into());
    thread
        .spawn(run)
        .map(drop)
        .map_err(AuditBuildError::NoThread)
}
