//! The sinks of `[audit]` beside its file: further files, syslog, OpenTelemetry, the log.

use std::time::Duration;

use palisade_audit::{
    AuditBuildError, AuditKey, AuditLayerBuilder, FileSink, LossPolicy, Sink, SyslogAddress,
    SyslogSink, TracingSink,
};
use toml::Spanned;

use super::{
    Config, ConfigFileError,
    audit::{LONGEST_KEEP_DAYS, MIB, MOST_MIB},
    document::{Audit, AuditFile, AuditPolicy, AuditSyslog},
    numbers::{Number, TimeUnit},
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
    pub(super) fn with_further_sinks(
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
        if audit.tracing {
            layer = layer.sink(TracingSink::new());
        }
        let numbers = audit.deadlines();
        let longest = numbers.map(|number| self.deadline(number));
        let longest = longest.collect::<Result<Vec<_>, _>>()?;
        let longest = longest.into_iter().flatten().max();
        Ok(match longest {
            Some(longest) => layer.deadline(longest + super::audit::LAYER_MARGIN),
            None => layer,
        })
    }

    /// Reads how long a response waits.
    pub(super) fn deadline(&self, number: &Number) -> Result<Option<Duration>, ConfigFileError> {
        self.time(number, TimeUnit::Seconds, LONGEST_DEADLINE)
    }

    /// Opens a further file.
    fn further_file(&self, file: &AuditFile) -> Result<FileSink, ConfigFileError> {
        let mut sink = FileSink::builder(self.path(file.file.get_ref())).policy(file.policy.into());
        if let Some(deadline) = self.deadline(&file.deadline_seconds)? {
            sink = sink.commit_deadline(deadline);
        }
        if let Some(records) = file.queue {
            sink = sink.capacity(records);
        }
        if let Some(mib) = file.rotate_mib {
            sink = sink.rotate_at(mib.saturating_mul(MIB));
        }
        if let Some(age) = self.time(&file.keep_days, TimeUnit::Days, LONGEST_KEEP_DAYS)? {
            sink = sink.keep_for(age);
        }
        if let Some(mib) = self.number::<u64>(&file.keep_mib, 1, MOST_MIB)? {
            sink = sink.keep_at_most(mib * MIB);
        }
        if let Some(path) = &file.seal_key {
            let key = AuditKey::from_file(self.path(path.get_ref()));
            sink = sink.key(key.map_err(|problem| {
                let remedy = "name a file with the key of the trail, readable by this user alone";
                self.source.at(path, problem, remedy)
            })?);
        }
        sink.open().map_err(|problem| {
            let remedy = "name a file that this user may write and that no other sink has open";
            self.source.at(&file.file, problem, remedy)
        })
    }

    /// Starts a sink for a syslog server.
    fn syslog(&self, syslog: &AuditSyslog) -> Result<SyslogSink, ConfigFileError> {
        let address = self.syslog_address(&syslog.address)?;
        let mut sink = SyslogSink::builder(address).policy(syslog.policy.into());
        if let Some(name) = &syslog.app_name {
            sink = sink.app_name(name.as_str());
        }
        if let Some(name) = &syslog.host_name {
            sink = sink.host_name(name.as_str());
        }
        if let Some(facility) = self.number(&syslog.facility, 0, MAX_FACILITY)? {
            sink = sink.facility(facility);
        }
        if let Some(deadline) = self.deadline(&syslog.deadline_seconds)? {
            sink = sink.commit_deadline(deadline);
        }
        if let Some(records) = syslog.queue {
            sink = sink.capacity(records);
        }
        if syslog.dangerously_allow_clear_text {
            sink = sink.dangerously_allow_clear_text();
        }
        #[cfg(feature = "syslog-tls")]
        {
            if let Some(pem) = self.pem(syslog.trust_anchors.as_ref())? {
                sink = sink.trust_anchors(pem);
            }
            let (chain, key) = (&syslog.client_certificate, &syslog.client_key);
            if let Some((chain, key)) = self.client_identity(chain.as_ref(), key.as_ref())? {
                sink = sink.client_certificate(chain, key);
            }
        }
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

    /// Starts a sink for a collector.
    #[cfg(feature = "otlp")]
    fn otlp(&self, otlp: &super::document::AuditOtlp) -> Result<impl Sink, ConfigFileError> {
        let endpoint = otlp.url.get_ref().parse().map_err(|_| {
            let remedy = "write https:// and the logs endpoint of the collector";
            self.source.at(&otlp.url, "it is no URL", remedy)
        })?;
        let mut sink = palisade_audit::OtlpSink::builder(endpoint).policy(otlp.policy.into());
        if let Some(name) = &otlp.service_name {
            sink = sink.service_name(name.as_str());
        }
        if let Some(token) = &otlp.bearer {
            sink = sink.header(http::header::AUTHORIZATION, self.bearer(token)?);
        }
        if let Some(deadline) = self.deadline(&otlp.deadline_seconds)? {
            sink = sink.commit_deadline(deadline);
        }
        if let Some(records) = otlp.queue {
            sink = sink.capacity(records);
        }
        if otlp.dangerously_allow_http {
            sink = sink.dangerously_allow_http();
        }
        if let Some(pem) = self.pem(otlp.trust_anchors.as_ref())? {
            sink = sink.trust_anchors(pem);
        }
        let (chain, key) = (&otlp.client_certificate, &otlp.client_key);
        if let Some((chain, key)) = self.client_identity(chain.as_ref(), key.as_ref())? {
            sink = sink.client_certificate(chain, key);
        }
        let url = &otlp.url;
        sink.build()
            .map_err(|problem| self.sink_error(url, &problem))
    }

    #[cfg(not(feature = "otlp"))]
    fn otlp(&self, otlp: &super::document::AuditOtlp) -> Result<TracingSink, ConfigFileError> {
        let problem = "this program is built without the feature `otlp`";
        let remedy = "build with the feature `otlp`, or remove the section";
        Err(self.source.at(&otlp.url, problem, remedy))
    }

    /// Reads a token, as the value of `Authorization`.
    #[cfg(feature = "otlp")]
    fn bearer(
        &self,
        token: &Spanned<super::document::SecretSource>,
    ) -> Result<http::HeaderValue, ConfigFileError> {
        let secret = self.secret(token, 1)?;
        let value = [b"Bearer ".as_slice(), secret.expose()].concat();
        http::HeaderValue::from_bytes(&value).map_err(|_| {
            let remedy = "write the token alone into the file";
            let problem = "the token has characters that a header cannot have";
            self.source.at(token, problem, remedy)
        })
    }

    /// Reads certificate and key of this service. Both or none must be there.
    #[cfg(any(feature = "otlp", feature = "syslog-tls"))]
    fn client_identity(
        &self,
        chain: Option<&Spanned<std::path::PathBuf>>,
        key: Option<&Spanned<std::path::PathBuf>>,
    ) -> Result<Option<(String, palisade_core::Secret)>, ConfigFileError> {
        match (chain, key) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => {
                let pem = self.pem(Some(chain))?.unwrap_or_default();
                Ok(Some((pem, self.secret_file(key, 1)?)))
            }
            (Some(alone), None) | (None, Some(alone)) => {
                let problem = "a certificate needs its key";
                let remedy = "write client_certificate and client_key, or neither";
                Err(self.source.at(alone, problem, remedy))
            }
        }
    }

    fn sink_error(&self, address: &Spanned<String>, problem: &AuditBuildError) -> ConfigFileError {
        // The remedy names the key of the file in place of the method.
        let text = problem.to_string();
        let remedy = match text.contains("clear text") {
            true => {
                "use TLS, a server on this machine, or the key `dangerously_allow_clear_text` (syslog), `dangerously_allow_http` (otlp)"
            }
            false => "correct this sink of the section `audit`",
        };
        self.source.at(address, text, remedy)
    }
}
