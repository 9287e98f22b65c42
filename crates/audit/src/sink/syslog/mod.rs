//! Sends records to a syslog server in the form of RFC 5424.
//!
//! `builder` has the settings, `sender` is the thread, `message` writes one message, `connection` sends it. A server
//! that does not respond holds up no request by default.
//!
//! Syslog has no acknowledgement: a sender cannot know what arrived. A trail that must be complete is a file.

mod builder;
mod sender;
mod connection;
#[cfg(feature = "syslog-tls")]
mod tls_stream;
mod tcp;
mod address;
mod message;

use std::{fmt, sync::Arc};

use palisade_core::MaybeReady;

pub use self::{address::SyslogAddress, builder::SyslogSinkBuilder};
use super::{
    Sink,
    job_queue::{JobQueue, sink_methods_of_queue},
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// Sends every record to a syslog server (RFC 5424), over UDP, TCP, TLS or a local socket.
///
/// The message is the record as JSON. Its severity is *warning* for a response 5xx, *notice* for a
/// refused request, otherwise *informational*; its MSGID is the type of the record. Of each client
/// address, guard and code only the first refusal in 60 seconds is sent, and so with connection events.
/// A message `held_back` then tells how many there were.
///
/// # Failures
///
/// By default no request waits. With [`LossPolicy`](crate::LossPolicy) `Block` or `FailClosed`, a response waits until
/// its record was written to the connection; whether the server keeps it is not known. A record is lost, and [counted](Sink::lost_records), if the queue is full or the
/// server cannot be reached; a connection is tried again once a second at most. One log line says that
/// sending fails, and one that it works again. Syslog does not confirm messages: those on their way when
/// a connection breaks are lost without a count. For a trail that must be complete, use a
/// [`FileSink`](crate::FileSink) beside it.
///
/// Records name users and addresses, so UDP and TCP are accepted to this machine only. For another one use TLS
/// (RFC 5425, feature `syslog-tls`), or
/// [`dangerously_allow_clear_text`](SyslogSinkBuilder::dangerously_allow_clear_text).
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
///     .dangerously_allow_clear_text() // a network that protects it itself
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
pub struct SyslogSink {
    /// The thread behind it sends.
    queue: JobQueue,
    /// The address, for `Debug`.
    address: SyslogAddress,
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
        SyslogSinkBuilder::new(address)
    }
}

impl Sink for SyslogSink {
    sink_methods_of_queue!();
}

impl fmt::Debug for SyslogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyslogSink({:?})", self.address)
    }
}
