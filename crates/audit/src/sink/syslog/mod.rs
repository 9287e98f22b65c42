//! Sends records to a syslog server in the form of RFC 5424.
//!
//! `message` writes one message, `connection` sends it. The sink runs on a thread of its own, so
//! that a server that does not respond holds up no request.
//!
//! Syslog has no acknowledgement: a sender cannot know what arrived. Therefore this sink never holds a response
//! back, and a trail that must be complete is a file.

mod connection;
mod message;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::{MaybeReady, SharedClock, SystemClock};

pub use self::connection::SyslogAddress;
use self::{
    connection::Connection,
    message::{MAX_FACILITY, MessageHeader, Severity},
};
use super::{DetachedSink, Sink, repeat_lines::RepeatLines, repeats::RepeatKey};
use crate::{
    error::{AuditBuildError, SinkUnavailable},
    record::{AuditEvent, RequestRecord},
};

/// The facility *log audit* (RFC 5424, table 1).
const LOG_AUDIT: u8 = 13;
/// The default number of records that may wait.
const CAPACITY: usize = 4096;

/// Sends every record to a syslog server (RFC 5424), over UDP, TCP or a local socket.
///
/// The message is the record as JSON. Its severity is *warning* for a response 5xx, *notice* for a
/// refused request, otherwise *informational*; its MSGID is the type of the record. Of each client
/// address, guard and code only the first refusal in 60 seconds is sent, and so with connection events.
/// A message `held_back` then tells how many there were.
///
/// # Failures
///
/// No request waits. A record is lost, and [counted](Sink::lost_records), if the queue is full or the
/// server cannot be reached; a connection is tried again once a second at most. One log line says that
/// sending fails, and one that it works again. Syslog does not confirm messages: those on their way when
/// a connection breaks are lost without a count. For a trail that must be complete, use a
/// [`FileSink`](crate::FileSink) beside it.
///
/// TLS (RFC 5425) is not built in. Send to a local `rsyslog` or `syslog-ng`, and let it forward over TLS.
///
/// # Examples
///
/// To the syslog of this machine:
///
/// ```no_run
/// # #[cfg(unix)] {
/// use palisade_audit::{AuditLayer, SyslogAddress, SyslogSink};
///
/// let sink = SyslogSink::builder(SyslogAddress::Unix("/dev/log".into())).build()?;
/// let layer = AuditLayer::builder().sink(sink).build()?;
/// # let _ = layer; }
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
///
/// To another machine, under another name and facility (`local0`), beside a file:
///
/// ```no_run
/// use palisade_audit::{AuditLayer, FileSink, SinkPolicy, SyslogAddress, SyslogSink};
///
/// let syslog = SyslogSink::builder(SyslogAddress::Tcp("10.0.0.9:601".parse().expect("an address")))
///     .app_name("shop")
///     .host_name("web-1")
///     .facility(16)
///     .build()?;
/// let layer = AuditLayer::builder()
///     .sink(FileSink::builder("audit.jsonl").fail_closed().open()?)
///     .sink_with(SinkPolicy::BestEffort, syslog)
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Debug)]
pub struct SyslogSink {
    /// The thread that sends, and its queue.
    sender: DetachedSink,
    /// Records that could not be sent.
    unsent: Arc<AtomicU64>,
}

/// Settings of a [`SyslogSink`], from [`SyslogSink::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`app_name`](Self::app_name) | `palisade` |
/// | [`host_name`](Self::host_name) | the name of the machine |
/// | [`facility`](Self::facility) | 13, log audit |
/// | [`capacity`](Self::capacity) | 4096 records |
/// | [`clock`](Self::clock) | the system clock |
#[derive(Clone, Debug)]
#[must_use]
pub struct SyslogSinkBuilder {
    address: SyslogAddress,
    app_name: Box<str>,
    host_name: Box<str>,
    facility: u8,
    capacity: usize,
    clock: SharedClock,
}

impl SyslogSink {
    /// Returns the settings of a sink that sends to this address. Nothing is opened before the first record.
    ///
    /// ```
    /// use palisade_audit::{SyslogAddress, SyslogSink};
    ///
    /// let server = SyslogAddress::Udp("127.0.0.1:514".parse()?);
    /// let sink = SyslogSink::builder(server).facility(16).build()?;
    /// # let _ = sink; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(address: SyslogAddress) -> SyslogSinkBuilder {
        SyslogSinkBuilder {
            address,
            app_name: "palisade".into(),
            host_name: host_name().into(),
            facility: LOG_AUDIT,
            capacity: CAPACITY,
            clock: SystemClock::shared(),
        }
    }
}

impl SyslogSinkBuilder {
    /// Sets the name of the application, APP-NAME. Default: `palisade`. At most 48 printable ASCII
    /// characters are sent; others become `-`.
    pub fn app_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.app_name = name.into();
        self
    }

    /// Sets the name of this machine, HOSTNAME. Default: what the operating system calls it; `-` where
    /// that is not known. At most 255 printable ASCII characters are sent.
    pub fn host_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.host_name = name.into();
        self
    }

    /// Sets the facility (RFC 5424, table 1), 0 to 23. Default: 13, *log audit*. 16 to 23 are `local0`
    /// to `local7`.
    pub fn facility(mut self, facility: u8) -> Self {
        self.facility = facility;
        self
    }

    /// Sets how many records may wait to be sent. Default: 4096, about 4 MB. Further ones are lost and
    /// counted.
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// Takes the time from this clock. Default: the system clock. It sets the pause between tries to
    /// connect; the times in messages are those of the records.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the thread that sends.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for a facility above 23 or a capacity of 0,
    /// [`AuditBuildError::NoThread`] if no thread can be started. A server that cannot be reached is no error: it
    /// may come later, and the service must start without it.
    ///
    /// ```
    /// use palisade_audit::{SyslogAddress, SyslogSink};
    ///
    /// let server = SyslogAddress::Udp("127.0.0.1:514".parse()?);
    /// let error = SyslogSink::builder(server).facility(24).build().unwrap_err();
    /// assert!(error.to_string().contains("use 0 to 23"));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn build(self) -> Result<SyslogSink, AuditBuildError> {
        if self.facility > MAX_FACILITY {
            return Err(AuditBuildError::InvalidSetting {
                setting: "facility",
                problem: "use 0 to 23; 13 is log audit",
            });
        }
        let unsent = Arc::new(AtomicU64::new(0));
        let sender = SyslogSender {
            header: MessageHeader::new(self.facility, &self.host_name, &self.app_name),
            connection: Mutex::new(Connection::new(self.address, self.clock)),
            repeats: RepeatLines::default(),
            made: AtomicU64::new(0),
            unsent: Arc::clone(&unsent),
            failing: AtomicBool::new(false),
        };
        let sender = DetachedSink::builder(sender)
            .capacity(self.capacity)
            .build()?;
        Ok(SyslogSink { sender, unsent })
    }
}

impl Sink for SyslogSink {
    fn record_request(&self, record: &Arc<RequestRecord>) {
        self.sender.record_request(record);
    }

    fn record_event(&self, event: &Arc<AuditEvent>) {
        self.sender.record_event(event);
    }

    fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.sender.flush()
    }

    fn lost_records(&self) -> u64 {
        self.sender.lost_records() + self.unsent.load(Ordering::Relaxed)
    }
}

/// Returns the name that the operating system has for this machine.
#[cfg(unix)]
fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    String::new()
}

/// What runs on the thread: it may block.
struct SyslogSender {
    header: MessageHeader,
    /// Only the thread locks it.
    connection: Mutex<Connection>,
    repeats: RepeatLines,
    /// How many messages were made, also those that could not be sent: a receiver sees the gap.
    made: AtomicU64,
    unsent: Arc<AtomicU64>,
    /// Whether the last message could not be sent.
    failing: AtomicBool,
}

impl SyslogSender {
    /// Sends a record, unless it is a repetition. A message with the number of repetitions comes first.
    fn send(
        &self,
        repeated: Option<RepeatKey>,
        about: (Severity, Duration, &str),
        record: impl FnOnce() -> String,
    ) {
        let (severity, time, _) = about;
        match repeated.map(|key| self.repeats.admit(key, time)) {
            Some(None) => return,
            Some(Some(held_back @ 1..)) => {
                let count = format!("{{\"type\":\"held_back\",\"count\":{held_back}}}");
                self.send_text((severity, time, "held_back"), &count);
            }
            Some(Some(0)) | None => {}
        }
        self.send_text(about, &record());
    }

    /// Sends a message, or counts it as lost. A change between both is logged.
    fn send_text(&self, about: (Severity, Duration, &str), text: &str) {
        let sent = self.made.fetch_add(1, Ordering::Relaxed);
        let message = self.header.message(about, sent, text);
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let sent = connection.send(&message);
        drop(connection);
        let failed = self.failing.swap(sent.is_err(), Ordering::Relaxed);
        match sent {
            Ok(()) if failed => {
                tracing::info!(target: "palisade::audit", "records are sent to syslog again");
            }
            Ok(()) => {}
            Err(error) => {
                self.unsent.fetch_add(1, Ordering::Relaxed);
                if !failed {
                    tracing::warn!(
                        target: "palisade::audit",
                        %error,
                        "records cannot be sent to syslog; they are counted as lost"
                    );
                }
            }
        }
    }
}

impl Sink for SyslogSender {
    fn record_request(&self, record: &Arc<RequestRecord>) {
        let severity = match record.status() {
            Some(status) if status.is_server_error() => Severity::Warning,
            _ if record.refusal_code().is_some() => Severity::Notice,
            _ => Severity::Informational,
        };
        let about = (severity, record.received_at(), "request");
        self.send(RepeatKey::of_request(record), about, || record.to_json());
    }

    fn record_event(&self, event: &Arc<AuditEvent>) {
        let time = event.time().unwrap_or_default();
        let about = (Severity::Informational, time, "event");
        self.send(RepeatKey::of_event(event), about, || event.to_json());
    }
}

impl fmt::Debug for SyslogSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyslogSink")
    }
}
