//! The settings that sinks over HTTP have alike: the server, the times of a try, and the queue.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, Uri};
use palisade_core::SystemClock;

use super::{
    batches::Batches,
    http::{HttpClient, HttpTarget},
    job_queue::QueueSettings,
    tls::TlsSettings,
};
use crate::error::AuditBuildError;

/// Where a sink sends batches to, and how. Each member has its default from [`HttpSettings::new`].
#[derive(Clone)]
pub(super) struct HttpSettings {
    /// The address of the server.
    pub(super) uri: Uri,
    /// Headers of every request.
    pub(super) headers: HeaderMap,
    /// How long a record may wait for others of its batch.
    pub(super) linger: Duration,
    /// The longest time of one try, with connecting.
    pub(super) deadline: Duration,
    /// The pause after the first failed try.
    pub(super) retry_pause: Duration,
    /// How a connection over `https` is protected.
    pub(super) tls: TlsSettings,
    /// Whether records may leave the machine in clear text.
    pub(super) allow_http: bool,
    /// The queue to the thread that sends.
    pub(super) queue: QueueSettings,
}

/// The methods of a builder with a member `http`, a [`HttpSettings`]. `$server` is the word of its documentation.
macro_rules! http_setting_methods {
    ($server:literal) => {
        #[doc = concat!("Adds a header to every request, such as an API key of the ", $server, ".")]
        ///
        /// It is not shown by `Debug`.
        pub fn header(mut self, name: http::HeaderName, mut value: http::HeaderValue) -> Self {
            value.set_sensitive(true);
            self.http.headers.append(name, value);
            self
        }

        /// Sets how long a record may wait for others of its batch. Default: 1 second.
        pub fn linger(mut self, pause: std::time::Duration) -> Self {
            self.http.linger = pause;
            self
        }

        /// Sets the longest time of one try, with connecting. Default: 10 seconds; not 0.
        pub fn deadline(mut self, deadline: std::time::Duration) -> Self {
            self.http.deadline = deadline;
            self
        }

        /// Trusts these authorities alone: certificates in PEM. Default: those of the machine.
        pub fn trust_anchors(mut self, pem: impl Into<Box<str>>) -> Self {
            self.http.tls.anchors = Some(pem.into());
            self
        }

        #[doc = concat!("Shows this certificate to a ", $server, " that asks for one.")]
        ///
        /// The chain and its key are in PEM. Default: none.
        pub fn client_certificate(
            mut self,
            chain: impl Into<Box<str>>,
            key: palisade_core::Secret,
        ) -> Self {
            self.http.tls.identity = Some((chain.into(), key));
            self
        }
    };
}
pub(super) use http_setting_methods;

impl HttpSettings {
    pub(super) fn new(uri: Uri) -> Self {
        Self {
            uri,
            headers: HeaderMap::new(),
            linger: Duration::from_secs(1),
            deadline: Duration::from_secs(10),
            retry_pause: Duration::from_secs(1),
            tls: TlsSettings::default(),
            allow_http: false,
            queue: QueueSettings::of_connection(SystemClock::shared()),
        }
    }

    /// Finds settings that cannot work, and returns the server. `setting` is the name of the address in an error.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for an address that is not `https`, or `http` on this machine, for
    /// certificates that cannot be read, for a queue that has no space, and for times of zero: no try could succeed, or
    /// tries would follow each other without a pause.
    pub(super) fn check(&self, setting: &'static str) -> Result<HttpTarget, AuditBuildError> {
        let target = HttpTarget::new(setting, &self.uri, self.allow_http, &self.tls)?;
        self.queue.check()?;
        let times = [
            ("deadline", self.deadline),
            ("retry_pause", self.retry_pause),
        ];
        match times.iter().find(|(_, time)| time.is_zero()) {
            None => Ok(target),
            Some((setting, _)) => Err(AuditBuildError::InvalidSetting {
                setting,
                problem: "use more than zero",
            }),
        }
    }

    /// Returns a client of the server. Nothing is opened before the first batch.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::NoThread`] if the operating system gives no event queue.
    pub(super) fn client(&self, target: HttpTarget) -> Result<HttpClient, AuditBuildError> {
        let client = HttpClient::new(target, self.headers.clone(), self.deadline);
        client.map_err(AuditBuildError::NoThread)
    }

    /// Returns the batches that records are put into.
    pub(super) fn batches(&self) -> Batches {
        let queue = &self.queue;
        Batches::new(self.linger, Arc::clone(&queue.clock), queue.policy.waits())
    }
}

/// Without headers, and without path and query of the address: they may be secret.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("host", &self.uri.host().unwrap_or_default())
            .field("linger", &self.linger)
            .field("deadline", &self.deadline)
            .field("retry_pause", &self.retry_pause)
            .field("tls", &self.tls)
            .field("allow_http", &self.allow_http)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
