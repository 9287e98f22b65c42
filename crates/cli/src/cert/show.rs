//! `palisade cert show`: prints what the certificate of a configuration is, and when it is renewed.
//!
//! It reads the files of the service and sends nothing over the network.
//!
//! So it also works while the authority cannot be reached, and on a machine without the service. What
//! the result of the last order comes from the history in the cache.
//!
//! # Output
//!
//! One line a fact, name and value: `names`; `sha-256` and `expires`, or `certificate` with "none
//! that is valid now"; `authority` and `file`; `renews`; and after a failed order `failures`, `next
//! order` and `problem`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use palisade::{
    config::{CertificateSource, OpenedCertificate},
    server::{AcmeStatus, Certificates},
};
use palisade_api_key::Timestamp;
use palisade_core::SystemClock;

use super::settings::{certificate_source, no_authority};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Examples:
  palisade cert show --config server.toml

Exit codes: 0 there is a certificate, 1 there is none that is valid now, 2 it could not be read.";

/// Show the certificate of a service: names, expiry, and the result of the last order
///
/// For files instead of an authority, their names, digest and expiry are shown.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The configuration file of the service
    ///
    /// Private keys are read but not printed.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Show {
    /// Prints one line for each fact. The result is "no" if there is no certificate that is valid
    /// now.
    ///
    /// # Errors
    ///
    /// Exit code 1: no certificate is valid now. Exit code 2: the configuration has a mistake.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (config, source) = certificate_source(&self.config)?;
        match config.open_certificate(&SystemClock::shared())? {
            OpenedCertificate::Acme { acme, certificates } => {
                let status = acme.status()?;
                let authority = ("authority", acme.directory().to_owned());
                print_certificate(
                    &certificates,
                    [authority].into_iter().chain(order_facts(&status)),
                )
            }
            OpenedCertificate::Files(certificates) => {
                let path = match source {
                    CertificateSource::Files { chain, .. } => chain.display().to_string(),
                    _ => String::new(),
                };
                print_certificate(&certificates, [("file", path)])
            }
            _ => Err(no_authority(&self.config)),
        }
    }
}

/// Prints names, digest and expiry, then the other facts.
///
/// A certificate that is expired or still missing is "none that is valid now".
///
/// # Errors
///
/// Exit code 1: no certificate is valid now.
fn print_certificate(
    certificates: &Certificates,
    others: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<(), Failure> {
    let mut rows = vec![("names", certificates.names().join(", "))];
    let is_pending = certificates.is_pending();
    if is_pending {
        rows.push(("certificate", "none that is valid now".to_owned()));
    } else {
        rows.push(("sha-256", certificates.fingerprint().to_string()));
        rows.push(("expires", format_date(certificates.expires())));
    }
    rows.extend(others);
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| [name.to_owned(), value])
        .collect();
    output::print_result(output::format_table(&rows))?;
    if is_pending { Err(Failure::No) } else { Ok(()) }
}

/// Returns what is known of the orders.
///
/// A failed order is shown with its problem and the time of the next one: the service waits longer after
/// each failure.
fn order_facts(status: &AcmeStatus) -> Vec<(&'static str, String)> {
    let mut facts = vec![("file", status.path.display().to_string())];
    if let Some(renews) = status.renews {
        facts.push(("renews", format_date(renews)));
    }
    if status.failures > 0 {
        facts.push(("failures", status.failures.to_string()));
        facts.extend(
            status
                .next_attempt
                .map(|at| ("next order", format_date(at))),
        );
    }
    facts.extend(status.problem.clone().map(|problem| ("problem", problem)));
    facts
}

/// Formats a time in UTC, as in other commands.
///
/// RFC 3339 with `Z`, so that times of several commands can be compared as text.
pub(super) fn format_date(time: Duration) -> String {
    Timestamp::from_unix(time).to_string()
}
