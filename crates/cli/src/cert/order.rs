//! An order in place of the service: for `palisade cert issue` and `palisade cert renew`.
//!
//! The order and the response to its challenge run side by side, in one thread. The one that ends first
//! decides: an order that is done ends the listener, and a listener that fails ends the order.

use std::net::SocketAddr;

use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use palisade::{
    config::{AcmeSettings, Config},
    server::{
        Acme, AcmeError, ChallengeKind, ChallengeLayer, Listener, ReceivedBody, Renewal, Server,
    },
};
use palisade_core::SystemClock;
use tower::{Layer as _, service_fn};

use super::show::format_date;
use crate::{failure::Failure, output, owner};

/// What a new certificate does not do. One that is not due is ordered because others may have the key.
const OLD_STAYS_VALID: &str = "a certificate that it replaces stays valid until it expires: \
    if others may have its key, have the authority revoke it";

/// When a certificate is ordered, and what becomes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// It is discarded: a trial.
    DryRun,
    /// Only if there is none or it is to be renewed.
    IfDue,
    /// Also if the one in use is not due.
    Now,
}

/// Orders, and prints what came of it. The result is "no" if nothing was issued although it should
/// be.
///
/// Run as root, it continues as the user who owns the cache, or the folder that the cache is to be in.
///
/// # Errors
///
/// Exit code 1: nothing was issued although it should be. Exit code 2: a setting or the cache must be corrected,
/// or the address cannot be opened.
pub(super) fn run(
    config: &Config,
    settings: &AcmeSettings,
    order: Order,
    listen: Option<SocketAddr>,
) -> Result<(), Failure> {
    // Opened first: only root may open ports below 1024.
    let listener = listen.map(Listener::bind).transpose()?;
    owner::become_owner_of(&settings.cache)?;
    let acme = settings.open(SystemClock::shared());
    let acme = acme.map_err(|error| config.acme_error(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let renewed = runtime.block_on(async {
        tokio::select! {
            renewed = place_order(&acme, order) => Ok(renewed),
            failed = respond_to_challenges(&acme, settings.challenge, listener) => Err(failed),
        }
    })?;
    print_outcome(renewed, order, &acme)
}

/// Places the order.
///
/// A trial discards the certificate. It uses the staging directory, whose limits are high and whose
/// certificates no client trusts.
///
/// # Errors
///
/// The authority refused, could not be reached, or asked for too many orders to wait; or the cache cannot be written.
async fn place_order(acme: &Acme, order: Order) -> Result<Renewal, AcmeError> {
    match order {
        Order::DryRun => acme.dry_run().await,
        Order::IfDue => acme.renew_if_due().await,
        Order::Now => acme.renew_now().await,
    }
}

/// Responds to challenges at a socket. Without one it waits for ever. Returns only a failure.
///
/// The service that runs already answers in the usual case, because it reads the same cache.
async fn respond_to_challenges(
    acme: &Acme,
    kind: ChallengeKind,
    listener: Option<Listener>,
) -> Failure {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    let server = match build(acme, kind, listener) {
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

/// Makes the server of a socket, with TLS if the challenge is a handshake.
///
/// Nothing else is served: every other path gets 404.
///
/// # Errors
///
/// Fails if no certificate for the challenge can be made, or the socket cannot be used.
fn build(acme: &Acme, kind: ChallengeKind, listener: Listener) -> Result<Server, Failure> {
    let server = Server::builder().listener(listener);
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
///
/// # Errors
///
/// The failure of the order, with its exit code.
fn print_outcome(
    renewed: Result<Renewal, AcmeError>,
    order: Order,
    acme: &Acme,
) -> Result<(), Failure> {
    let names = acme.domains().join(", ");
    match renewed {
        Ok(Renewal::Issued) if order == Order::DryRun => Ok(output::print_result(format!(
            "{names}: a certificate would be issued"
        ))?),
        Ok(Renewal::Issued) => {
            output::print_result(format!("{names}: a certificate was issued"))?;
            if order == Order::Now {
                output::print_note(OLD_STAYS_VALID);
            }
            Ok(())
        }
        Ok(Renewal::NotDue) => Ok(output::print_result(format!(
            "{names}: the certificate is not due"
        ))?),
        Ok(Renewal::Waiting { until }) => {
            output::print_note(format!("{names}: no order before {}", format_date(until)));
            Err(Failure::No)
        }
        Ok(_) => {
            output::print_note(format!("{names}: another process orders now"));
            Err(Failure::No)
        }
        Err(error @ (AcmeError::Cache { .. } | AcmeError::Setting(_))) => {
            Err(Failure::from_error(&error))
        }
        Err(error) => {
            output::print_note(format!("error: {error}"));
            Err(Failure::No)
        }
    }
}
