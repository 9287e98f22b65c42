//! The sockets, and the one that is for the figures alone.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

use palisade::audit::AuditHandle;
use palisade::config::open_listeners;
use palisade::server::{ListenAddress, Listener, Server, ServerBuildError, ServerBuilder};
use palisade::{AllowedHosts, HttpsLayer, ProtectedRouter, Routes, Rule, Shield};

use crate::{error::StartError, metrics, settings::Settings};

/// The sockets of a server, taken but not yet served.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// `None` if the file names `http` alone.
    pub(crate) https: Option<BoundServer>,
    pub(crate) http: Option<BoundServer>,
    pub(crate) figures: Option<(BoundServer, ProtectedRouter)>,
}

impl Sockets {
    /// Takes all addresses, or none.
    pub(crate) fn take(settings: &Settings) -> Result<Self, StartError> {
        let opened = open_listeners([&settings.server.https, &settings.server.http]);
        let [https, http] =
            opened.map_err(|error| StartError::new(error.to_string()).remedy(REMEDY))?;
        let configured = |listeners: Vec<Listener>| match listeners.is_empty() {
            true => Ok(None),
            false => {
                let server = bound(listeners);
                server
                    .try_map(|server| settings.config.configure(server))
                    .map(Some)
            }
        };
        Ok(Self {
            https: configured(https)?,
            http: configured(http)?,
            figures: settings.tts.metrics.map(figures).transpose()?,
        })
    }

    /// Puts what happens to connections on record.
    pub(crate) fn record_connections(self, audit: &AuditHandle) -> Self {
        let record = |bound: BoundServer| {
            bound.map(|server| palisade::server::record_connections(server, Some(audit.clone())))
        };
        Self {
            https: self.https.map(record),
            http: self.http.map(record),
            figures: self.figures,
        }
    }

    /// Returns the address where TLS is spoken.
    pub(crate) fn https_address(&self) -> Option<SocketAddr> {
        self.https.as_ref().map(BoundServer::local_addr)
    }

    /// Returns the address for clients: with TLS if there is one.
    pub(crate) fn client_address(&self) -> SocketAddr {
        let first = self.https_address().or_else(|| self.http_address());
        first.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 443).into())
    }

    /// Returns the address without TLS: of the redirect, or of everything.
    pub(crate) fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(BoundServer::local_addr)
    }

    /// Returns the address of the figures.
    pub(crate) fn figures_address(&self) -> Option<SocketAddr> {
        self.figures
            .as_ref()
            .map(|(figures, _)| figures.local_addr())
    }
}

/// A socket that is bound, and the settings of its server.
#[derive(Debug)]
pub(crate) struct BoundServer {
    builder: ServerBuilder,
    address: SocketAddr,
}

impl BoundServer {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Changes the settings.
    pub(crate) fn map(self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self {
            builder: change(self.builder),
            ..self
        }
    }

    /// Builds the server.
    pub(crate) fn build(self) -> Result<Server, ServerBuildError> {
        self.builder.build()
    }

    /// Changes the settings, if they can be read.
    fn try_map<E>(
        self,
        change: impl FnOnce(ServerBuilder) -> Result<ServerBuilder, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            builder: change(self.builder)?,
            ..self
        })
    }
}

/// What helps if an address cannot be used.
const REMEDY: &str =
    "Free it, or choose another in the configuration file (`tts-server --help` shows one).";

fn bind(address: SocketAddr) -> Result<BoundServer, StartError> {
    let opened = Listener::bind(address);
    let listener = opened.map_err(|error| StartError::new(error.to_string()).remedy(REMEDY))?;
    Ok(bound(vec![listener]))
}

/// Several sockets of one server. Its address is that of the first TCP socket.
fn bound(listeners: Vec<Listener>) -> BoundServer {
    let mut addresses = listeners.iter().map(Listener::address);
    let address = addresses.find_map(ListenAddress::as_tcp);
    BoundServer {
        address: address.unwrap_or((Ipv4Addr::UNSPECIFIED, 443).into()),
        builder: listeners
            .into_iter()
            .fold(Server::builder(), ServerBuilder::listener),
    }
}

/// The metrics have their own listener, which only this machine reaches, and which answers only to its
/// own names: a page in a browser of this machine must not read them either.
fn figures(address: SocketAddr) -> Result<(BoundServer, ProtectedRouter), StartError> {
    let recorder = metrics::install();
    let routes = Routes::new().get("/metrics", Rule::public(), async || recorder.render());
    let hosts = AllowedHosts::parse(["localhost:*", "127.0.0.1:*", "[::1]:*"]).map_err(wrong)?;
    let https = HttpsLayer::builder().dangerously_accept_plain_http();
    let https = https.build().map_err(wrong)?;
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
