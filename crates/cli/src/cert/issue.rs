//! `palisade cert issue`: orders a certificate now, in place of the service (ACME, RFC 8555).
//!
//! For the first certificate, and to try a configuration with `--dry-run`. Later the service itself
//! renews. Both use the same cache, whose lock prevents two orders at a time.
//!
//! The order and the response to its challenge run side by side, in one thread. The one that ends first
//! decides: an order that is done ends the listener, and a listener that fails ends the order.
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
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use palisade::{
    config::{AcmeSettings, CertificateSource},
    server::{
        Acme, AcmeError, ChallengeKind, ChallengeLayer, LETS_ENCRYPT, LETS_ENCRYPT_STAGING,
        ReceivedBody, Renewal, Server,
    },
};
use palisade_core::SystemClock;
use tower::{Layer as _, service_fn};

use super::{
    settings::{certificate_source, no_authority},
    show::date,
};
use crate::{failure::Failure, output};

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
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (config, source) = certificate_source(&self.config)?;
        let CertificateSource::Acme(mut settings) = source else {
            return Err(no_authority(&self.config));
        };
        if self.dry_run {
            settings.directory = self.trial_directory(&settings)?;
        }
        let acme = settings.open(SystemClock::shared());
        let acme = acme.map_err(|error| config.acme_error(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let renewed = runtime.block_on(async {
            tokio::select! {
                renewed = order(&acme, self.dry_run) => Ok(renewed),
                failed = response(&acme, settings.challenge, self.listen) => Err(failed),
            }
        })?;
        tell(renewed, self.dry_run, &acme)
    }

    /// Returns the directory of a trial. Only Let's Encrypt has one that is known.
    ///
    /// An order there counts against no limit of the real authority.
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

/// Orders a certificate, or tries whether one would be issued.
///
/// A trial discards the certificate. It uses the staging directory, whose limits are high and whose
/// certificates no client trusts.
async fn order(acme: &Acme, dry_run: bool) -> Result<Renewal, AcmeError> {
    match dry_run {
        true => acme.dry_run().await,
        false => acme.renew_if_due().await,
    }
}

/// Responds to challenges at an address. Without one it waits for ever. Returns only a failure.
///
/// The service that runs already answers in the usual case, because it reads the same cache.
async fn response(acme: &Acme, kind: ChallengeKind, listen: Option<SocketAddr>) -> Failure {
    let Some(address) = listen else {
        return std::future::pending().await;
    };
    let server = match build(acme, kind, address) {
        Ok(server) => server,
        Err(failure) => return failure,
    };
    let nothing = service_fn(async |_: Request<ReceivedBody>| {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok::<_, std::convert::Infallible>(response)
    });
    let service = ChallengeLayer::new(acme).layer(nothing);
    match server.serve(service, std::future::pending()).await {
        Ok(_) => Failure::new("the listener ended"),
        Err(error) => Failure::from_error(&error),
    }
}

/// Opens the socket, with TLS if the challenge is a handshake.
///
/// Nothing else is served: every other path gets 404.
///
/// # Errors
///
/// Fails if the address cannot be opened, such as port 80 without the right to do so.
fn build(acme: &Acme, kind: ChallengeKind, address: SocketAddr) -> Result<Server, Failure> {
    let server = Server::builder().listen(address);
    let server = match kind {
        ChallengeKind::TlsAlpn01 => server.tls(acme.challenge_certificates()?),
        _ => server,
    };
    Ok(server.build()?)
}

/// Prints what came of an order.
///
/// Exit code 1 means that the authority, or another process, prevents an order now. 2 means that a
/// setting or the cache must be corrected.
fn tell(renewed: Result<Renewal, AcmeError>, dry_run: bool, acme: &Acme) -> Result<(), Failure> {
    let names = acme.domains().join(", ");
    match renewed {
        Ok(Renewal::Issued) if dry_run => Ok(output::result(format!(
            "{names}: a certificate would be issued"
        ))?),
        Ok(Renewal::Issued) => Ok(output::result(format!(
            "{names}: a certificate was issued"
        ))?),
        Ok(Renewal::NotDue) => Ok(output::result(format!(
            "{names}: the certificate is not due"
        ))?),
        Ok(Renewal::Waiting { until }) => {
            output::note(format!("{names}: no order before {}", date(until)));
            Err(Failure::No)
        }
        Ok(_) => {
            output::note(format!("{names}: another process orders now"));
            Err(Failure::No)
        }
        Err(error @ (AcmeError::Cache { .. } | AcmeError::Setting(_))) => {
            Err(Failure::from_error(&error))
        }
        Err(error) => {
            output::note(format!("error: {error}"));
            Err(Failure::No)
        }
    }
}
