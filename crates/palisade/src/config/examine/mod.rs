//! Compares a configuration with the machine: what `palisade doctor` reports.
//!
//! Nothing is changed, created or locked, so it can run beside the service. It should run as the user of
//! the service: what that user can read is what counts.

mod named_files;
mod store_address;

pub use self::named_files::{FileContent, FileProblem};

use std::{net::Ipv4Addr, time::Duration};

use palisade_core::SharedClock;
use palisade_transport::server::Certificates;

use crate::config::{Config, ConfigFileError, ListenOn, OpenedCertificate, ServerSettings};
use crate::{
    diagnostics::{self, Diagnostic},
    shield::Warning,
};

/// A certificate with less time left is reported.
const NEAR_END: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// The connections of a server without `connections`, as `Limits::default()` of the server has them.
const DEFAULT_CONNECTIONS: u64 = 10_000;
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

impl Config {
    /// Compares the configuration with the files and certificates of this machine.
    ///
    /// It finds what [`check_server`](Self::check_server) finds, and:
    ///
    /// | code | what it means |
    /// |---|---|
    /// | `no-audit`, `no-client-limit`, `trust-all` | as when a shield is built |
    /// | `file-unreadable` | a file that the configuration names cannot be read by this user |
    /// | `secret-readable` | other users can read a secret |
    /// | `secret-short` | a secret has fewer than 16 bytes |
    /// | `certificate-near-end` | the certificate expires within 14 days, or expired |
    /// | `hsts-without-tls` | `hsts_days` is set, and no request can arrive over TLS |
    /// | `redis-without-tls` | a shared store is on another machine, and its address is not `rediss://` |
    ///
    /// Each warning names file, line and key where there is one. `clock` decides about expiry.
    ///
    /// # Errors
    ///
    /// A value of the file cannot be used: the service does not start with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{config::Config, core::SystemClock};
    ///
    /// let config = Config::parse("server.hosts = ['speech.example']")?;
    /// let found = config.examine(&SystemClock::shared())?;
    /// let numbers: Vec<_> = found.iter().filter_map(|warning| warning.number()).collect();
    /// assert_eq!(numbers, ["PAL0001", "PAL0002"]); // no audit trail, no limit
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn examine(&self, clock: &SharedClock) -> Result<Vec<Warning>, ConfigFileError> {
        let settings = self.server()?;
        // A file with `http` alone must mean it: the gateway does not start otherwise.
        self.server_or((Ipv4Addr::LOCALHOST, 8443).into(), None)?;
        let mut found = self.parts_that_are_missing()?;
        found.extend(self.named_files());
        found.extend(self.certificate_warnings(&settings, clock)?);
        found.extend(self.stores_without_tls());
        found.extend(self.hsts_without_tls(&settings)?);
        Ok(found)
    }

    /// Connects to the store of `[redis]`, and reports why it cannot be used (`redis-unreachable`).
    ///
    /// Returns `None` if it can be used, or if the file has no such section. A section that the service does
    /// not start with is reported as well. Waits three seconds at most, and counts nothing in the store.
    #[cfg(feature = "redis")]
    pub async fn examine_store(&self) -> Option<Warning> {
        let redis = self.document.redis.as_ref()?;
        let text = match self.redis_store().await {
            Ok(store) => {
                let store = store?;
                if let Err(error) = self.check_permissions(redis, &store).await {
                    return Some(Warning::new(
                        &diagnostics::REDIS_UNREACHABLE,
                        error.to_string(),
                    ));
                }
                let status = store.status();
                let problem = status.problem.filter(|_| !status.up)?;
                let remedy = "until then `when_store_fails` decides";
                self.source.at(&redis.url, problem, remedy).to_string()
            }
            Err(error) => error.to_string(),
        };
        Some(Warning::new(&diagnostics::REDIS_UNREACHABLE, text))
    }

    /// Connects to the server of `[keys.redis]`, and reports why its keys cannot be used (`redis-unreachable`): the
    /// server does not reply, or a key was made with another pepper or prefix.
    ///
    /// Returns `None` if they can be used, or if the file has no such table. It reads all records.
    #[cfg(feature = "redis")]
    pub async fn examine_keys(&self) -> Option<Warning> {
        let keys = self.document.keys.as_ref()?;
        let redis = keys.redis.as_ref()?;
        let checked = async {
            let scheme = self.scheme(keys)?;
            self.check_keys_in_redis(keys, redis, &scheme).await
        };
        let error = checked.await.err()?;
        Some(Warning::new(
            &diagnostics::REDIS_UNREACHABLE,
            error.to_string(),
        ))
    }

    /// The file of the audit trail, if one is written.
    #[must_use]
    pub fn audit_file(&self) -> Option<std::path::PathBuf> {
        let audit = self.document.audit.as_ref()?;
        Some(self.path(audit.file.get_ref()))
    }

    /// The most connections of the server: `connections` of `[server.limits]`, or its default.
    #[must_use]
    pub fn connections(&self) -> u64 {
        let written = self.document.server.limits.connections.as_ref();
        written.map_or(DEFAULT_CONNECTIONS, |written| *written.get_ref())
    }

    /// What a shield of this file would warn about, as far as it does not depend on routes.
    fn parts_that_are_missing(&self) -> Result<Vec<Warning>, ConfigFileError> {
        let mut found = Vec::new();
        let mut add = |entry: &'static Diagnostic, error: ConfigFileError| {
            found.push(Warning::new(entry, error.to_string()));
        };
        if self.document.audit.is_none() {
            let error = self.source.key_error(
                "audit",
                "file",
                "no audit trail is written",
                "add [audit] with file = \"audit.jsonl\"",
            );
            add(&diagnostics::NO_AUDIT, error);
        }
        if self.document.limits.is_empty() {
            let error = self.source.key_error(
                "limits",
                "name",
                "attempts to guess a credential are not limited",
                "add [[limits]] with name = \"client\" and rate = \"60/minute\"",
            );
            add(&diagnostics::NO_CLIENT_LIMIT, error);
        }
        if self.proxies()?.trusts_everyone() {
            let error = self.source.key_error(
                "client",
                "proxies",
                "every peer may choose its client address",
                "name the networks of your proxies",
            );
            add(&diagnostics::TRUST_ALL, error);
        }
        Ok(found)
    }

    /// Opens the certificate as the service does, and compares it with hosts and time.
    fn certificate_warnings(
        &self,
        settings: &ServerSettings,
        clock: &SharedClock,
    ) -> Result<Vec<Warning>, ConfigFileError> {
        let certificates = match self.open_certificate(clock) {
            Ok(OpenedCertificate::Files(certificates)) => certificates,
            #[cfg(feature = "acme")]
            Ok(OpenedCertificate::Acme { certificates, .. }) => certificates,
            Ok(OpenedCertificate::Development) => {
                return match settings.http.is_empty() || !settings.https.is_empty() {
                    true => Ok(Vec::new()),
                    false => self.check_server(settings, &[], None),
                };
            }
            Err(error) => {
                let number = &diagnostics::FILE_UNREADABLE;
                return Ok(vec![Warning::new(number, error.to_string())]);
            }
        };
        let mut found: Vec<Warning> = self.near_end(&certificates, clock).into_iter().collect();
        let https: Vec<_> = settings
            .https
            .iter()
            .filter_map(ListenOn::as_address)
            .collect();
        if !settings.https.is_empty() {
            found.extend(self.check_server(settings, &https, Some(&certificates))?);
        }
        Ok(found)
    }

    /// `certificate-near-end`: little time is left, or none.
    fn near_end(&self, certificates: &Certificates, clock: &SharedClock) -> Option<Warning> {
        if certificates.is_pending() {
            return None;
        }
        let left = certificates.expires().checked_sub(clock.unix_time());
        let problem = match left {
            None => "the certificate expired".to_owned(),
            Some(left) if left < NEAR_END => {
                format!("the certificate expires in {} days", left.as_secs() / DAY)
            }
            Some(_) => return None,
        };
        let remedy = "renew it now, and find out why it was not renewed";
        let error = self
            .source
            .key_error("server", "certificate", &problem, remedy);
        Some(Warning::new(
            &diagnostics::CERTIFICATE_NEAR_END,
            error.to_string(),
        ))
    }

    /// `hsts-without-tls`: the header is only sent over TLS, so the setting has no effect.
    fn hsts_without_tls(
        &self,
        settings: &ServerSettings,
    ) -> Result<Option<Warning>, ConfigFileError> {
        let Some(days) = &self.document.headers.hsts_days else {
            return Ok(None);
        };
        if !settings.https.is_empty() || self.has_proxies()? {
            return Ok(None);
        }
        let problem =
            "there is neither a listener with TLS nor a proxy, so the header is never sent";
        let remedy = "add https = \"0.0.0.0:443\" to [server], or remove this key";
        let error = self.source.at(days, problem, remedy);
        Ok(Some(Warning::new(
            &diagnostics::HSTS_WITHOUT_TLS,
            error.to_string(),
        )))
    }
}
