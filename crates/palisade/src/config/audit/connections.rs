//! Sinks of `[audit]` that are connections over HTTP: OpenTelemetry and webhooks.

use palisade_audit::AuditBuildError;
#[cfg(any(feature = "otlp", feature = "webhook"))]
use palisade_audit::Sink;
#[cfg(not(all(feature = "otlp", feature = "webhook")))]
use palisade_audit::TracingSink;
use toml::Spanned;

#[cfg(any(feature = "otlp", feature = "webhook"))]
use crate::config::audit::settings::{with_certificates, with_queue};
#[cfg(feature = "otlp")]
use crate::config::document::OtlpSignal;
use crate::config::{
    Config, ConfigFileError,
    document::{AuditOtlp, AuditWebhook},
};
#[cfg(feature = "webhook")]
use crate::config::{
    audit::{MIB, MOST_MIB},
    values::numbers::TimeUnit,
};

/// The largest `set_aside_hours`: a year.
#[cfg(feature = "webhook")]
const LONGEST_HOURS: u64 = 8760;

impl Config {
    /// Starts a sink for a collector.
    #[cfg(feature = "otlp")]
    pub(in crate::config) fn otlp(&self, otlp: &AuditOtlp) -> Result<impl Sink, ConfigFileError> {
        let endpoint = self.sink_address(&otlp.address())?;
        let sink = with_queue!(self, otlp, palisade_audit::OtlpSink::builder(endpoint));
        let mut sink = with_certificates!(self, otlp, sink);
        if let Some(name) = &otlp.service_name {
            sink = sink.service_name(name.as_str());
        }
        if let Some(token) = &otlp.bearer {
            sink = sink.header(http::header::AUTHORIZATION, self.bearer(token)?);
        }
        if otlp.dangerously_allow_http {
            sink = sink.dangerously_allow_http();
        }
        if otlp.send == OtlpSignal::Spans {
            sink = sink.send_spans();
        }
        sink.build().map_err(|problem| {
            let text = problem.to_string();
            self.address_error(&otlp.address(), &text, sink_remedy(&text))
        })
    }

    #[cfg(not(feature = "otlp"))]
    pub(in crate::config) fn otlp(&self, otlp: &AuditOtlp) -> Result<TracingSink, ConfigFileError> {
        let problem = "this program is built without the feature `otlp`";
        let remedy = "build with the feature `otlp`, or remove the section";
        Err(self.address_error(&otlp.address(), problem, remedy))
    }

    /// Reads a token, as the value of `Authorization`.
    #[cfg(any(feature = "otlp", feature = "webhook"))]
    fn bearer(
        &self,
        token: &Spanned<crate::config::document::SecretSource>,
    ) -> Result<http::HeaderValue, ConfigFileError> {
        let secret = self.secret(token, 1)?;
        let value = [b"Bearer ".as_slice(), secret.expose()].concat();
        http::HeaderValue::from_bytes(&value).map_err(|_| {
            let remedy = "write the token alone into the file";
            let problem = "the token has characters that a header cannot have";
            self.source.at(token, problem, remedy)
        })
    }

    /// Opens a sink for a server that takes batches.
    #[cfg(feature = "webhook")]
    pub(in crate::config) fn webhook(
        &self,
        webhook: &AuditWebhook,
    ) -> Result<impl Sink, ConfigFileError> {
        let endpoint = self.sink_address(&webhook.address())?;
        let spool = self.path(&webhook.spool);
        let sink = palisade_audit::WebhookSink::builder(endpoint, spool);
        let sink = with_queue!(self, webhook, sink);
        let mut sink = with_certificates!(self, webhook, sink);
        if let Some(key) = &webhook.signing_key {
            sink = sink.signing_key(self.signing_key(key)?);
        } else if webhook.dangerously_send_unsigned {
            sink = sink.dangerously_send_unsigned();
        }
        if let Some(mib) = self.number::<u64>(&webhook.spool_mib, 2, MOST_MIB)? {
            sink = sink.spool_bytes(mib * MIB);
        }
        if let Some(kib) = self.number::<usize>(&webhook.batch_kib, 16, 1024)? {
            sink = sink.batch_bytes(kib * 1024);
        }
        if let Some(time) = self.time(&webhook.set_aside_hours, TimeUnit::Hours, LONGEST_HOURS)? {
            sink = sink.set_aside_after(time);
        }
        if let Some(token) = &webhook.bearer {
            sink = sink.header(http::header::AUTHORIZATION, self.bearer(token)?);
        }
        if webhook.dangerously_allow_http {
            sink = sink.dangerously_allow_http();
        }
        sink.open().map_err(|problem| {
            let text = problem.to_string();
            self.address_error(&webhook.address(), &text, sink_remedy(&text))
        })
    }

    #[cfg(not(feature = "webhook"))]
    pub(in crate::config) fn webhook(
        &self,
        webhook: &AuditWebhook,
    ) -> Result<TracingSink, ConfigFileError> {
        let problem = "this program is built without the feature `webhook`";
        let remedy = "build with the feature `webhook`, or remove the section";
        Err(self.address_error(&webhook.address(), problem, remedy))
    }

    /// Reads the key of signatures: its bytes, or `whsec_` and their base64.
    #[cfg(feature = "webhook")]
    fn signing_key(
        &self,
        source: &Spanned<crate::config::document::SecretSource>,
    ) -> Result<palisade_audit::AuditKey, ConfigFileError> {
        let secret = self.secret_bytes(source)?;
        palisade_audit::AuditKey::from_webhook_secret(secret.expose()).map_err(|problem| {
            let remedy = "write 32 random bytes or more, or whsec_ and their base64, into the file";
            self.source.at(source, problem, remedy)
        })
    }

    /// Reads certificate and key of this service. Both or none must be there.
    #[cfg(any(feature = "otlp", feature = "syslog-tls", feature = "webhook"))]
    pub(in crate::config) fn client_identity(
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

    /// Makes the error about a sink that cannot be built.
    pub(in crate::config) fn sink_error(
        &self,
        address: &Spanned<String>,
        problem: &AuditBuildError,
    ) -> ConfigFileError {
        let text = problem.to_string();
        let remedy = sink_remedy(&text);
        self.source.at(address, text, remedy)
    }
}

/// Says what to do about a sink that cannot be built. It names the key of the file in place of the method.
fn sink_remedy(problem: &str) -> &'static str {
    match problem.contains("clear text") {
        true => {
            "use TLS, a server on this machine, or the key `dangerously_allow_clear_text` (syslog), `dangerously_allow_http` (otlp, webhooks)"
        }
        false => "correct this sink of the section `audit`",
    }
}
