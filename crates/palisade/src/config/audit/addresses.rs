//! Addresses of collectors and receivers: in the file itself, or where the file says.

use toml::Spanned;

use crate::config::{
    Config, ConfigFileError,
    document::{AuditOtlp, AuditWebhook, SecretSource},
};

/// Where the address of a sink is. An address can hold a secret, so errors do not repeat it.
pub(in crate::config) struct SinkAddress<'a> {
    /// `url`: the address itself.
    url: Option<&'a Spanned<String>>,
    /// `url_from`: a file or a variable.
    url_from: Option<&'a Spanned<SecretSource>>,
    /// The array of tables in `[audit]`.
    section: &'static str,
}

impl AuditOtlp {
    pub(in crate::config) fn address(&self) -> SinkAddress<'_> {
        SinkAddress {
            url: self.url.as_ref(),
            url_from: self.url_from.as_ref(),
            section: "otlp",
        }
    }
}

impl AuditWebhook {
    pub(in crate::config) fn address(&self) -> SinkAddress<'_> {
        SinkAddress {
            url: self.url.as_ref(),
            url_from: self.url_from.as_ref(),
            section: "webhooks",
        }
    }
}

impl Config {
    /// Reads the address of a sink.
    #[cfg(any(feature = "otlp", feature = "webhook"))]
    pub(in crate::config) fn sink_address(
        &self,
        address: &SinkAddress<'_>,
    ) -> Result<http::Uri, ConfigFileError> {
        let parsed = match (address.url, address.url_from) {
            (Some(url), None) => url.get_ref().parse().ok(),
            (None, Some(source)) => self.secret(source, 1)?.expose().try_into().ok(),
            _ => {
                let problem = "the address needs one place where it is";
                return Err(self.address_error(address, problem, "write url or url_from"));
            }
        };
        let remedy = "write https:// and the address of the server";
        parsed.ok_or_else(|| self.address_error(address, "it is no URL", remedy))
    }

    /// Makes an error about a sink, at its address.
    pub(in crate::config) fn address_error(
        &self,
        address: &SinkAddress<'_>,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        match (address.url, address.url_from) {
            (_, Some(source)) => self.source.at(source, problem, remedy),
            (Some(url), None) => self.source.at(url, problem, remedy),
            (None, None) => self
                .source
                .key_error("audit", address.section, problem, remedy),
        }
    }
}
