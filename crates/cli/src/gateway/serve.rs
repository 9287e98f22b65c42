//! Serves until a signal, and reads the configuration again at another.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::Path,
};

use palisade_gateway::{AuthEndpoint, Gateway, GatewayError, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{metrics, watch::WatchedFile};
use crate::{failure::Failure, output};

/// Prepares the gateway, prints its greeting, and serves until a signal.
///
/// The greeting has the secret of a new key only if standard output is a terminal: a log file must
/// not keep it.
///
/// # Errors
///
/// Fails if the gateway cannot be prepared, the address cannot be opened, or serving ends with an
/// error.
///
/// `watched` is the file that is read again when it changes. `None`: only at SIGHUP.
pub(super) async fn serve_until_signal(
    settings: Settings,
    watched: Option<WatchedFile>,
) -> Result<(), Failure> {
    let is_shadow = settings.is_only_shadow();
    let has_page = settings.has_status_page();
    let gateway = Gateway::builder(settings);
    let gateway = match has_page {
        true => gateway.metrics(metrics::install_recorder()?),
        false => gateway,
    };
    let mut gateway = gateway.prepare().await?;
    // Signals are handled before the gateway says that it is ready.
    let stop = stop()?;
    let reloader = gateway.reloader();
    let reloading = reload_with(
        async || reloader.reload().await,
        signal(SignalKind::hangup())?,
        watched,
    );
    output::print_result(gateway.greeting(io::stdout().is_terminal())?.trim_end())?;
    let report = is_shadow.then(|| gateway.shadow_report());
    tokio::select! {
        served = gateway.serve(stop) => served?,
        () = reloading => {}
    }
    if let Some(report) = report {
        output::print_result(&report)?;
    }
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
///
/// The first signal begins the end. The drain time of the settings bounds how long it takes.
///
/// # Errors
///
/// Fails if the system does not let the process handle signals.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: requests that are being served are finished first");
    })
}

/// Decides for another proxy until a signal.
///
/// # Errors
///
/// Fails if the file has a mistake, the address cannot be used, or serving ends with an error.
pub(super) async fn serve_endpoint(
    file: &Path,
    address: SocketAddr,
    watched: Option<WatchedFile>,
) -> Result<(), Failure> {
    let endpoint = AuthEndpoint::prepare(file, address).await?;
    let stop = stop()?;
    let reloader = endpoint.reloader();
    let reloading = reload_with(
        async || reloader.reload().await,
        signal(SignalKind::hangup())?,
        watched,
    );
    output::print_result(format!(
        "The endpoint is ready.\n\n  nginx            http://{0}/auth/nginx\n  Caddy, Traefik   http://{0}/auth/forward\n  Envoy            http://{0}/auth/envoy",
        endpoint.address()
    ))?;
    tokio::select! {
        served = endpoint.serve(stop) => served?,
        () = reloading => {}
    }
    Ok(())
}

/// Reads the configuration again at each SIGHUP, and at each change of the file that is watched, for ever.
///
/// A configuration with a mistake changes nothing: the gateway continues with the last good one.
///
/// What changed is in the log, by the names of the sections. Open requests keep the old settings.
async fn reload_with(
    reload: impl AsyncFn() -> Result<Vec<String>, GatewayError>,
    mut hangup: Signal,
    mut watched: Option<WatchedFile>,
) {
    while is_asked_to_reload(&mut hangup, watched.as_mut()).await {
        match reload().await {
            Ok(changes) if changes.is_empty() => {
                tracing::info!(
                    "reloaded: the file says the same; keys and certificate were read again"
                );
            }
            Ok(changes) => tracing::info!(changed = changes.join(", "), "reloaded"),
            Err(error) => tracing::error!(%error, "not reloaded: everything stays as it was"),
        }
    }
    std::future::pending().await
}

/// Waits for SIGHUP, or for a change of the file. False if no signal can come any more.
async fn is_asked_to_reload(hangup: &mut Signal, watched: Option<&mut WatchedFile>) -> bool {
    let changed = async {
        match watched {
            Some(file) => file.changed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        signal = hangup.recv() => signal.is_some(),
        () = changed => true,
    }
}
