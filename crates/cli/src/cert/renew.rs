//! `palisade cert renew`: renews a certificate now, in place of the service (ACME, RFC 8555).
//!
//! The service renews by itself. The command is for a certificate whose key must be replaced, for a
//! list of names that changed, and for a machine on which the service does not run.
//!
//! Standard output has `NAMES: a certificate was issued` or `… is not due`. Reasons for exit code 1 go
//! to standard error.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use palisade::config::CertificateSource;

use super::{
    order::{self, Order},
    settings::{certificate_source, no_authority},
};
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  palisade cert renew --config server.toml
  palisade cert renew --config server.toml --force

Exit codes: 0 renewed or not due, 1 not renewed, 2 the command could not be carried out.";

/// Renew the certificate of a service, if it is due, or now with --force
///
/// The running service responds to the challenge of the authority, and uses the new certificate within
/// 30 seconds. The old one stays in use if the order fails.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Renew {
    /// The configuration file of the service, with [server.acme]
    ///
    /// The names, the authority, the contact and the cache are read from it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Order also if the certificate is not due
    ///
    /// For a key that others may have read. The old certificate stays valid until it expires, unless the
    /// authority revokes it: ask for that with its tool or on its site. Waits after earlier orders still hold, so that no limit of
    /// the authority is reached.
    #[arg(long)]
    force: bool,
    /// Respond to the challenge at this address, such as 0.0.0.0:80. Not while the service runs
    ///
    /// The authority connects to port 80 for http-01 and to port 443 for tls-alpn-01.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Renew {
    /// Orders, and prints what came of it. The result is "no" if nothing was issued although it
    /// should be.
    ///
    /// # Errors
    ///
    /// Exit code 1: nothing was issued although it should be. Exit code 2: a setting or the cache must be corrected.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (config, source) = certificate_source(&self.config)?;
        let CertificateSource::Acme(settings) = source else {
            return Err(no_authority(&self.config));
        };
        let order = match self.force {
            true => Order::Now,
            false => Order::IfDue,
        };
        order::run(&config, &settings, order, self.listen)
    }
}
