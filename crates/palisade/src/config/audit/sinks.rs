//! The sinks of `[audit]` beside its file: further files, syslog, the log.

use std::time::Duration;

use palisade_audit::{
    AuditLayerBuilder, FileSink, LossPolicy, SyslogAddress, SyslogSink, TracingSink,
};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    audit::{
        ChainKeys, LONGEST_KEEP_DAYS, MIB, MOST_MIB,
        settings::{with_file_settings, with_queue},
    },
    document::{Audit, AuditFile, AuditPolicy, AuditSyslog},
    values::numbers::{Number, TimeUnit},
};

/// The largest `deadline_seconds`.
const LONGEST_DEADLINE: u64 = 60;
/// The highest facility of syslog.
const MAX_FACILITY: u64 = 23;
/// What to write as an address of syslog.
const SYSLOG_REMEDY: &str =
    "write unix:///dev/log, udp://127.0.0.1:514, tcp://127.0.0.1:601 or tls://logs.example:6514";

impl From<AuditPolicy> for LossPolicy {
    fn from(policy: AuditPolicy) -> Self {
        match policy {
            AuditPolicy::DropAndCount => Self::DropAndCount,
            AuditPolicy::Block => Self::Block,
            AuditPolicy::FailClosed => Self::FailClosed,
        }
    }
}

impl Config {
    /// Adds all sinks but the first file. The deadline of the layer is then longer than that of each sink.
    pub(in crate::config) fn with_further_sinks(
        &self,
        audit: &Audit,
        mut layer: AuditLayerBuilder,
    ) -> Result<AuditLayerBuilder, ConfigFileError> {
        for file in &audit.files {
            layer = layer.sink(self.further_file(file)?);
        }
        for syslog in &audit.syslog {
            layer = layer.sink(self.syslog(syslog)?);
        }
        for otlp in &audit.otlp {
            layer = layer.sink(self.otlp(otlp)?);
        }
        for webhook in &audit.webhooks {
            layer = layer.sink(self.webhook(webhook)?);
        }
        if audit.tracing {
            layer = layer.sink(TracingSink::new());
        }
        let numbers = audit.deadlines();
        let longest = numbers.map(|number| self.deadline(number));
        let longest = longest.collect::<Result<Vec<_>, _>>()?;
        let longest = longest.into_iter().flatten().max();
        Ok(match longest {
            Some(longest) => layer.deadline(longest + crate::config::audit::LAYER_MARGIN),
            None => layer,
        })
    }

    /// Reads how long a response waits.
    pub(in crate::config) fn deadline(
        &self,
        number: &Number,
    ) -> Result<Option<Duration>, ConfigFileError> {
        self.time(number, TimeUnit::Seconds, LONGEST_DEADLINE)
    }

    /// Opens a further file.
    fn further_file(&self, file: &AuditFile) -> Result<FileSink, ConfigFileError> {
        let sink = FileSink::builder(self.path(file.file.get_ref()));
        let sink = with_file_settings!(self, file, sink);
        let sink = self.checkpoint_key(&file.checkpoint_key, sink)?;
        let keys = ChainKeys {
            is_sealed: file.seal_key.is_some(),
            are_checkpoints_signed: file.checkpoint_key.is_some(),
        };
        let sink = self.evolving_key(&file.evolving_key, keys, sink)?;
        sink.open().map_err(|problem| {
            let remedy = "name a file that this user may write and that no other sink has open";
            self.source.at(&file.file, problem, remedy)
        })
    }

    /// Starts a sink for a syslog server.
    fn syslog(&self, syslog: &AuditSyslog) -> Result<SyslogSink, ConfigFileError> {
        let address = self.syslog_address(&syslog.address)?;
        let mut sink = with_queue!(self, syslog, SyslogSink::builder(address));
        if let Some(name) = &syslog.app_name {
            sink = sink.app_name(name.as_str());
        }
        if let Some(name) = &syslog.host_name {
            sink = sink.host_name(name.as_str());
        }
        if let Some(facility) = self.number(&syslog.facility, 0, MAX_FACILITY)? {
            sink = sink.facility(facility);
        }
        if syslog.dangerously_allow_clear_text {
            sink = sink.dangerously_allow_clear_text();
        }
        #[cfg(feature = "syslog-tls")]
        let sink = crate::config::audit::settings::with_certificates!(self, syslog, sink);
        let address = &syslog.address;
        sink.build()
            .map_err(|problem| self.sink_error(address, &problem))
    }

    /// Reads the address of a syslog server.
    fn syslog_address(&self, address: &Spanned<String>) -> Result<SyslogAddress, ConfigFileError> {
        let text = address.get_ref().as_str();
        let wrong = |problem: &str| self.source.at(address, problem, SYSLOG_REMEDY);
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("it is no address of a syslog server"))?;
        let socket = || {
            let parsed = rest.parse();
            parsed.map_err(|_| wrong("it is no IP address with a port"))
        };
        match scheme {
            "udp" => Ok(SyslogAddress::Udp(socket()?)),
            "tcp" => Ok(SyslogAddress::Tcp(socket()?)),
            #[cfg(unix)]
            "unix" if rest.starts_with('/') => Ok(SyslogAddress::Unix(rest.into())),
            #[cfg(feature = "syslog-tls")]
            "tls" => {
                let parts = rest.rsplit_once(':').and_then(|(host, port)| {
                    let host = host.trim_start_matches('[').trim_end_matches(']');
                    Some((host.into(), port.parse().ok()?))
                });
                let (host, port) = parts.ok_or_else(|| wrong("it is no name with a port"))?;
                Ok(SyslogAddress::Tls { host, port })
            }
            #[cfg(not(feature = "syslog-tls"))]
            "tls" => Err(wrong(
                "this program is built without the feature `syslog-tls`",
            )),
            _ => Err(wrong("it is no address of a syslog server")),
        }
    }
}
