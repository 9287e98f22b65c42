//! The sockets, and the one that is for the figures alone.

use std::{fmt, net::SocketAddr};

use palisade::audit::AuditHandle;
use palisade::server::Server as Listener;
use palisade::{AllowedHosts, HttpsLayer, ProtectedRouter, Routes, Rule, Shield};

use crate::{error::StartError, metrics, settings::Settings};

/// The sockets of a server, taken but not yet served.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) https: Listener,
    pub(crate) http: Option<Listener>,
    pub(crate) figures: Option<(Listener, ProtectedRouter)>,
}

impl Sockets {
    /// Takes all addresses, or none.
    pub(crate) fn take(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self {
            https: settings.config.configure(bind(settings.https)?)?,
            http: match settings.http {
                Some(address) => Some(settings.config.configure(bind(address)?)?),
                None => None,
            },
            figures: settings.tts.metrics.map(figures).transpose()?,
        })
    }

    /// Puts what happens to connections on record.
    pub(crate) fn record_connections(self, audit: &AuditHandle) -> Self {
        let record = |server| palisade::server::record_connections(server, Some(audit.clone()));
        Self {
            https: record(self.https),
            http: self.http.map(record),
            figures: self.figures,
        }
    }

    /// Returns the port where TLS is spoken.
    pub(crate) fn https_port(&self) -> u16 {
        self.https.local_addr().port()
    }

    /// Returns the address of the redirect.
    pub(crate) fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Listener::local_addr)
    }

    /// Returns the address of the figures.
    pub(crate) fn figures_address(&self) -> Option<SocketAddr> {
        self.figures
            .as_ref()
            .map(|(figures, _)| figures.local_addr())
    }
}

fn bind(address: SocketAddr) -> Result<Listener, StartError> {
    let remedy =
        "Free it, or choose another in the configuration file (`tts-server --help` shows one).";
    Listener::bind(address).map_err(|error| StartError::new(error.to_string()).remedy(remedy))
}

/// The figures have a listener of their own that only this machine reaches, and that no name but its
/// own opens: a page in a browser here must not read them either.
fn figures(address: SocketAddr) -> Result<(Listener, ProtectedRouter), StartError> {
    let recorder = metrics::install();
    let routes = Routes::new().get("/metrics", Rule::public(), async || recorder.render());
    let hosts = AllowedHosts::parse(["localhost:*", "127.0.0.1:*", "[::1]:*"]).map_err(wrong)?;
    let https = HttpsLayer::refuse().dangerously_accept_plain_http();
    // Only this machine reaches it, and nothing there is worth guessing at.
    let shield = Shield::builder()
        .accept_warning("no-audit")
        .accept_warning("no-client-limit")
        .hosts(hosts)
        .https(https);
    Ok((bind(address)?, shield.protect(routes).map_err(wrong)?))
}

fn wrong(error: impl fmt::Display) -> StartError {
    StartError::new(error.to_string())
}
