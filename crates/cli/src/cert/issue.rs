//! `palisade cert issue`: orders a certificate now, in place of the service (ACME, RFC 8555).
//!
//! For the first certificate, and to try a configuration with `--dry-run`. Later the service itself
//! renews. Both use the same cache, whose lock prevents two orders at a time.
//!
//! # Order
//!
//! 1. The configuration is read. Without `[server.acme]` the exit code is 2.
//! 2. The cache is opened; for `--dry-run` with the directory for trials.
//! 3. Without `--dry-run`, a certificate that is not due ends the command with 0.
//! 4. Otherwise an order is made, and the result is one line.
//!
//! Standard output has `NAMES: a certificate was issued`, `… would be issued` or `… is not due`.
//! Reasons for exit code 1 go to standard error.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use palisade::{
    config::{AcmeSettings, CertificateSource},
    server::{LETS_ENCRYPT, LETS_ENCRYPT_STAGING},
};

use super::{
    order::{self, Order},
    settings::{certificate_source, no_authority},
};
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  palisade cert issue --config server.toml --dry-run
  palisade cert issue --config server.toml --dry-run --listen 0.0.0.0:443
  palisade cert issue --config server.toml

Exit codes: 0 issued or not due, 1 not issued, 2 the command could not be carried out.";

/// Order the certificate of a service, if there is none or it is due
///
/// The running service responds to the challenge of the authority: it has the same cache. Where none
/// runs, --listen makes this command respond. Attempts of the service and of this command count
/// together, so that no limit of the authority is reached.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Issue {
    /// The configuration file of the service, with [server.acme]
    ///
    /// The names, the authority, the contact and the cache are read from it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Order from the staging directory of Let's Encrypt, and discard the certificate
    ///
    /// The whole exchange is made, so it shows whether the authority can reach this machine. The limits of
    /// the staging directory are high, and the certificate in use is not touched.
    #[arg(long)]
    dry_run: bool,
    /// Another directory for --dry-run, where the authority is not Let's Encrypt
    ///
    /// Most authorities have a directory for trials; their documentation names it.
    #[arg(long, value_name = "URL", requires = "dry_run")]
    directory: Option<String>,
    /// Respond to the challenge at this address, such as 0.0.0.0:80. Not while the service runs
    ///
    /// The authority connects to port 80 for http-01 and to port 443 for tls-alpn-01. Behind a proxy, give
    /// the address that the proxy forwards to.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Issue {
    /// Orders, and prints what came of it. The result is "no" if nothing was issued although it
    /// should be.
    ///
    /// # Errors
    ///
    /// Exit code 1: nothing was issued although it should be. Exit code 2: a setting or the cache must be corrected.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (config, source) = certificate_source(&self.config)?;
        let CertificateSource::Acme(mut settings) = source else {
            return Err(no_authority(&self.config));
        };
        if self.dry_run {
            settings.directory = self.trial_directory(&settings)?;
        }
        let order = match self.dry_run {
            true => Order::DryRun,
            false => Order::IfDue,
        };
        order::run(&config, &settings, order, self.listen)
    }

    /// Returns the directory of a trial. Only Let's Encrypt has one that is known.
    ///
    /// An order there counts against no limit of the real authority.
    ///
    /// # Errors
    ///
    /// The authority has no staging directory that is known; the error names the option to write.
    fn trial_directory(&self, settings: &AcmeSettings) -> Result<String, Failure> {
        match (&self.directory, settings.directory.as_str()) {
            (Some(directory), _) => Ok(directory.clone()),
            (None, LETS_ENCRYPT | LETS_ENCRYPT_STAGING) => Ok(LETS_ENCRYPT_STAGING.to_owned()),
            (None, other) => Err(Failure::new(format!(
                "{other} has no staging directory that is known; name one with --directory"
            ))),
        }
    }
}
