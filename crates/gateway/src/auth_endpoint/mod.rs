//! Decides for another proxy: nginx (`auth_request`), Caddy and Traefik (`forward_auth`), Envoy
//! (`ext_authz` over HTTP and gRPC).
//!
//! The proxy asks about each request before it forwards it. The same stack decides as in front of a
//! service, with the same codes and one audit record. Nothing is forwarded here.
//!
//! | path | asked by | original request in |
//! |---|---|---|
//! | `/auth/nginx` | nginx | `X-Original-Method`, `X-Original-URI` |
//! | `/auth/forward` | Caddy, Traefik | `X-Forwarded-Method`, `X-Forwarded-Uri` |
//! | `/auth/envoy/…` | Envoy | the method and the rest of the path |
//! | `/envoy.service.auth.v3.Authorization/Check` | Envoy over gRPC | a message ([`grpc`]) |
//!
//! The response for an admitted request is 200 and says who the client is (`X-Palisade-Kind`,
//! `X-Palisade-Principal`, `X-Palisade-Scopes`). A refusal is the one that the client would get from the
//! gateway; for nginx, which knows 401 and 403 alone, it is one of these, with the status in
//! `X-Palisade-Status`.
//!
//! # What cannot be decided here
//!
//! A proxy asks about the head of a request alone. So no body is read or cleaned: routes with `body`,
//! and text fields that may be in a body, are an error at start (`file`). Rules of `[inspect]` see no
//! body. A text in the query that the stack would clean is refused, since the proxy
//! would forward it as it is. Costs that are settled after the response are charged as reserved, and a
//! limit of requests at a time has nothing to count.

mod decide;
mod file;
mod grpc;
mod original;
mod service;

use std::{net::SocketAddr, path::Path, sync::Arc};

use palisade::{
    audit::AuditHandle,
    config::{Config, KeyRotation, Running},
    rate_limit::MemoryStore,
    server::{Listener, Reloadable, Server, ServerBuilder, record_connections},
    shield::Protected,
};
use tokio::sync::Mutex;

use self::{decide::Decide, file::read, service::AskedService};
use crate::{error::GatewayError, limit_store};

/// Responds to the questions of another proxy about requests, with the stack of a configuration file.
///
/// The endpoint listens on a loopback address and without TLS: every process that can ask it can try credentials
/// and use up limits.
///
/// # Examples
///
/// ```no_run
/// use palisade_gateway::AuthEndpoint;
///
/// # async fn run() -> Result<(), palisade_gateway::GatewayError> {
/// let endpoint = AuthEndpoint::prepare("gateway.toml", ([127, 0, 0, 1], 9091).into()).await?;
/// println!("http://{}/auth/nginx", endpoint.address());
/// endpoint.serve(std::future::pending()).await
/// # }
/// ```
#[derive(Debug)]
pub struct AuthEndpoint {
    /// The server on a loopback address.
    server: ServerBuilder,
    /// Where it listens, with the port that the system chose.
    address: SocketAddr,
    /// The stack, which a reload replaces.
    service: Reloadable<Protected<Decide>>,
    /// The open trail. `None`: nothing is recorded.
    audit: Option<AuditHandle>,
    /// Reads the file again.
    reloader: Arc<AuthReloader>,
}

impl AuthEndpoint {
    /// Reads the file, binds the socket and builds the stack.
    ///
    /// `address` is a loopback address; port 0 lets the system choose. `https`, `http` and the
    /// certificate of `[server]` are not used: the proxy has them.
    ///
    /// # Errors
    ///
    /// The address is open to the network or in use; the file has a mistake, no `[[routes]]`, no
    /// `[client] proxies`, or something that has no effect here (`[[upstreams]]`; of a route `body`,
    /// `text_schemas`, and `text` that may be in a body).
    pub async fn prepare(
        path: impl AsRef<Path>,
        address: SocketAddr,
    ) -> Result<Self, GatewayError> {
        if !address.ip().is_loopback() {
            let problem =
                format!("{address} is open to the network; who can ask can try credentials");
            return Err(GatewayError::new(problem)
                .with_remedy("write a loopback address, such as 127.0.0.1:9091"));
        }
        let config = read(path.as_ref())?;
        let listener = Listener::bind(address).map_err(|error| {
            GatewayError::new(error)
                .with_remedy("free the address, or name another (`--auth-endpoint`)")
        })?;
        let address = listener.address().as_tcp().unwrap_or(address);
        let server = config.configure(Server::builder().listener(listener).http2_in_clear())?;
        let store = config.connect_store().await?;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let mut running = Running::from(Some(store));
        let built = build(&config, &running)?;
        running.audit.clone_from(&built.audit);
        let audit = built.audit.as_ref().map(palisade::AuditLayer::handle);
        let service = Reloadable::new(built.service);
        Ok(Self {
            server: record_connections(server, audit.clone()),
            address,
            service: service.clone(),
            audit,
            reloader: Arc::new(AuthReloader {
                path: path.as_ref().to_owned(),
                config: Mutex::new(config),
                running,
                service,
            }),
        })
    }

    /// Returns the address, with the port that was bound.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what reads the file again, for a handler of SIGHUP.
    #[must_use]
    pub fn reloader(&self) -> Arc<AuthReloader> {
        Arc::clone(&self.reloader)
    }

    /// Serves until `stop` completes, then finishes open requests and closes the audit trail.
    ///
    /// # Errors
    ///
    /// The socket or the audit trail fails.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), GatewayError> {
        let server = self.server.build().map_err(GatewayError::new)?;
        let served = server.serve(AskedService::new(self.service), stop).await;
        limit_store::finish(&self.reloader.running).await;
        if let Some(audit) = &self.audit {
            audit.close().await.map_err(|error| {
                GatewayError::new(format_args!("the audit trail could not be closed: {error}"))
            })?;
        }
        served.map(drop).map_err(GatewayError::new)
    }
}

/// Reads the file of an [`AuthEndpoint`] again while it serves.
#[derive(Debug)]
pub struct AuthReloader {
    /// The file that was read at the start.
    path: std::path::PathBuf,
    /// The file in use.
    config: Mutex<Config>,
    /// What a reload keeps: the open trail, the store of the limits, the sessions.
    running: Running,
    /// The stack that answers, also for clones of the service.
    service: Reloadable<Protected<Decide>>,
}

impl AuthReloader {
    /// Reads the file and replaces the stack: all or nothing. Limits and the audit trail stay.
    ///
    /// Returns the paths of the keys that changed. The audit trail gets a record.
    ///
    /// # Errors
    ///
    /// The file has a mistake, or changes what only a restart can change. Everything stays as it was.
    pub async fn reload(&self) -> Result<Vec<String>, GatewayError> {
        let mut config = self.config.lock().await;
        let reloaded = self.replace_stack(&mut config);
        self.running.record_reload(&reloaded);
        reloaded
    }

    /// Builds the stack of a new file and puts it in the place of the old one. Returns what changed.
    ///
    /// # Errors
    ///
    /// The file has a mistake. The old stack then goes on.
    fn replace_stack(&self, config: &mut Config) -> Result<Vec<String>, GatewayError> {
        let new = read(&self.path)?;
        new.refuse_changes(config, &[])?;
        let built = build(&new, &self.running)?;
        // From here on nothing can fail.
        if let Some(rotation) = built.key_rotation {
            rotation.apply();
        }
        self.service.replace(built.service);
        let changes = new.changes(config);
        *config = new;
        Ok(changes)
    }
}

/// The stack, and what a start or a reload needs beside it.
struct Built {
    /// The stack around the response "admitted".
    service: Protected<Decide>,
    /// The open trail.
    audit: Option<palisade::AuditLayer>,
    /// The correlation key that a reload brings.
    key_rotation: Option<KeyRotation>,
}

/// Builds the stack around the response "admitted".
///
/// # Errors
///
/// The parts do not fit, or a file cannot be read.
fn build(config: &Config, running: &Running) -> Result<Built, GatewayError> {
    let assembled = config.assemble_with(running.clone())?;
    let shield = assembled.shield.build().map_err(GatewayError::new)?;
    Ok(Built {
        service: shield.wrap(Decide),
        audit: assembled.audit,
        key_rotation: assembled.key_rotation,
    })
}
