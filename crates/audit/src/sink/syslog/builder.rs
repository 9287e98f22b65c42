//! The settings of a syslog sink, with their defaults.

use std::{sync::Arc, thread};

use palisade_core::SystemClock;

use super::{
    SyslogAddress, SyslogSink,
    connection::Connection,
    message::{MAX_FACILITY, MessageHeader},
    sender::SyslogSender,
};
#[cfg(feature = "syslog-tls")]
use crate::sink::tls::TlsSettings;
use crate::{
    error::AuditBuildError,
    sink::{
        LossPolicy,
        job_queue::{JobQueue, QueueSettings, queue_setting_methods},
    },
};

/// The facility *log audit* (RFC 5424, table 1).
const LOG_AUDIT: u8 = 13;

/// Settings of a [`SyslogSink`], from [`SyslogSink::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`app_name`](Self::app_name) | `palisade` |
/// | [`host_name`](Self::host_name) | the name of the machine |
/// | [`facility`](Self::facility) | 13, log audit |
/// | [`capacity`](Self::capacity) | 4096 records |
/// | [`policy`](Self::policy), [`commit_deadline`](Self::commit_deadline) | drop and count; 2 seconds |
/// | `trust_anchors` (feature `syslog-tls`) | the authorities of the machine |
/// | `client_certificate` (feature `syslog-tls`) | none |
/// | [`clock`](Self::clock) | the system clock |
/// | [`dangerously_allow_clear_text`](Self::dangerously_allow_clear_text) | UDP and TCP to this machine only |
#[derive(Clone, Debug)]
#[must_use]
pub struct SyslogSinkBuilder {
    /// Where messages are sent.
    address: SyslogAddress,
    /// APP-NAME of RFC 5424. Default: `palisade`.
    app_name: Box<str>,
    /// HOSTNAME of RFC 5424. Default: the name of the machine.
    host_name: Box<str>,
    /// The facility of RFC 5424, section 6.2.1. Default: 13, log audit.
    facility: u8,
    /// Size, policy, deadline and clock of the queue.
    queue: QueueSettings,
    /// The authorities of the server, and the certificate of this client.
    #[cfg(feature = "syslog-tls")]
    tls: TlsSettings,
    /// Whether records may leave the machine in clear text.
    allow_clear_text: bool,
}

impl SyslogSinkBuilder {
    /// Starts with the defaults of the table above.
    pub(super) fn new(address: SyslogAddress) -> Self {
        Self {
            address,
            app_name: "palisade".into(),
            host_name: host_name().into(),
            facility: LOG_AUDIT,
            queue: QueueSettings::of_connection(SystemClock::shared()),
            #[cfg(feature = "syslog-tls")]
            tls: TlsSettings::default(),
            allow_clear_text: false,
        }
    }

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

    queue_setting_methods!(queue);

    /// Sets what happens to a request whose record cannot be written to the connection in time. Default:
    /// [`LossPolicy::DropAndCount`]: no response waits. Not for UDP, which tells nothing.
    pub fn policy(mut self, policy: LossPolicy) -> Self {
        self.queue.policy = policy;
        self
    }

    /// Trusts these authorities alone: certificates in PEM. Default: those of the machine.
    #[cfg(feature = "syslog-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "syslog-tls")))]
    pub fn trust_anchors(mut self, pem: impl Into<Box<str>>) -> Self {
        self.tls.anchors = Some(pem.into());
        self
    }

    /// Shows this certificate to a server that asks for one: the chain and its key, in PEM. Default: none.
    #[cfg(feature = "syslog-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "syslog-tls")))]
    pub fn client_certificate(
        mut self,
        chain: impl Into<Box<str>>,
        key: palisade_core::Secret,
    ) -> Self {
        self.tls.identity = Some((chain.into(), key));
        self
    }

    /// Sends over UDP or TCP to another machine too. Default: only to this one.
    ///
    /// Records then cross the network in clear text: users and addresses are readable on the way, and nothing shows who
    /// receives them. Only for a network that protects them itself, such as a VPN.
    ///
    /// ```
    /// use palisade_audit::{SyslogAddress, SyslogSink};
    ///
    /// let elsewhere = SyslogSink::builder(SyslogAddress::Udp("192.0.2.1:514".parse()?));
    /// assert!(elsewhere.clone().build().is_err());
    /// assert!(elsewhere.dangerously_allow_clear_text().build().is_ok());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn dangerously_allow_clear_text(mut self) -> Self {
        self.allow_clear_text = true;
        self
    }

    /// Starts the thread that sends.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for a facility above 23, a capacity of 0 (of 1 where responses wait), UDP
    /// where responses wait, UDP or TCP to another machine without
    /// [`dangerously_allow_clear_text`](Self::dangerously_allow_clear_text), and certificates that cannot be read;
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
        self.check()?;
        let clock = &self.queue.clock;
        let connection = Connection::new(self.address.clone(), Arc::clone(clock));
        #[cfg(feature = "syslog-tls")]
        let connection = match &self.address {
            SyslogAddress::Tls { .. } => connection.over_tls(&self.tls)?,
            _ => connection,
        };
        let header = MessageHeader::new(self.facility, &self.host_name, &self.app_name);
        let waits = self.queue.policy.waits();
        let sender = SyslogSender::new(header, connection, waits, Arc::clone(clock));
        let (queue, jobs) = JobQueue::new(self.queue);
        thread::Builder::new()
            .name("palisade-audit-syslog".into())
            .spawn(move || sender.run(&jobs))
            .map_err(AuditBuildError::NoThread)?;
        let address = self.address;
        Ok(SyslogSink { queue, address })
    }

    /// Finds settings that cannot work together.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] names the setting and what to use in its place.
    fn check(&self) -> Result<(), AuditBuildError> {
        let invalid = |setting, problem| Err(AuditBuildError::InvalidSetting { setting, problem });
        if self.facility > MAX_FACILITY {
            return invalid("facility", "use 0 to 23; 13 is log audit");
        }
        if !self.allow_clear_text && self.address.leaves_in_clear_text() {
            let problem = "records would leave this machine in clear text; use TLS, a server on this machine, or call dangerously_allow_clear_text()";
            return invalid("SyslogSink::builder", problem);
        }
        if self.queue.policy.waits() && matches!(self.address, SyslogAddress::Udp(_)) {
            return invalid(
                "policy",
                "UDP confirms nothing: use TCP, TLS or a local socket",
            );
        }
        self.queue.check()
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
