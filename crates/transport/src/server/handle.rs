//! Controls a server while it runs: connections, shutdown, reload.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

use crate::{
    server::stats::{ServerStats, Stats},
    tls::{CertificateError, Certificates, ClientAuth},
};

/// Controls a running server from another task. Cheap to clone.
///
/// [`Server::handle`](crate::server::Server::handle) returns it. It stays valid after the server
/// has ended; then it has no effect.
///
/// # Examples
///
/// ```no_run
/// use palisade_transport::server::Server;
///
/// # async fn run(app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().listen("127.0.0.1:8080".parse()?).build()?;
/// let handle = server.handle();
/// tokio::spawn(async move {
///     println!("{} connections are open", handle.connections());
///     handle.shutdown();
/// });
/// server.serve(app, std::future::pending()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ServerHandle {
    inner: Arc<Inner>,
}

/// The state that clones share.
struct Inner {
    stats: Arc<Stats>,
    stop: watch::Sender<bool>,
    certificates: Vec<Certificates>,
    client_auth: Option<ClientAuth>,
}

impl ServerHandle {
    /// Creates the state of a server that does not run yet.
    pub(crate) fn new(certificates: Vec<Certificates>, client_auth: Option<ClientAuth>) -> Self {
        Self {
            inner: Arc::new(Inner {
                stats: Arc::default(),
                stop: watch::Sender::new(false),
                certificates,
                client_auth,
            }),
        }
    }

    /// Returns how many connections are open now, upgraded ones included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.stats().open()
    }

    /// Returns the counters of the server.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        ServerStats {
            stats: Arc::clone(&self.inner.stats),
        }
    }

    /// Stops the server as the `stop` future of
    /// [`Server::serve`](crate::server::Server::serve) does. Does not wait.
    ///
    /// Sockets are closed, idle connections end, and open requests have
    /// [`Limits::grace`](crate::server::Limits::grace) to finish. A server that does not run yet
    /// ends as soon as it is started. Further calls have no effect.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Server;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let server = Server::builder().listen("127.0.0.1:0".parse().unwrap()).build()?;
    /// let handle = server.handle();
    /// handle.shutdown();
    /// assert!(handle.is_stopping());
    /// // It has no connection, so it ends at once.
    /// let stopped = server.serve(axum::Router::new(), std::future::pending()).await?;
    /// assert_eq!(stopped.cut, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(&self) {
        self.inner.stop.send_replace(true);
    }

    /// Returns whether the server has stopped or is about to.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.inner.stop.borrow()
    }

    /// Checks the certificate files and those of client authentication now, and not only within 30
    /// seconds. Returns whether one changed; `false` without TLS.
    ///
    /// Reads files, so call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// The new files of a certificate cannot be used. The old one is kept; all others are
    /// reloaded.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::ServerHandle;
    ///
    /// // After the tool that renews certificates has run:
    /// fn renewed(handle: &ServerHandle) {
    ///     match handle.reload() {
    ///         Ok(true) => println!("a new certificate is in use"),
    ///         Ok(false) => println!("the files have not changed"),
    ///         Err(error) => eprintln!("the old certificate stays: {error}"),
    ///     }
    /// }
    /// ```
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let all = self.inner.certificates.iter();
        let clients = self.inner.client_auth.iter().map(ClientAuth::refresh);
        let reloaded: Vec<_> = all.map(Certificates::refresh).chain(clients).collect();
        let reloaded: Vec<_> = reloaded.into_iter().collect::<Result<_, _>>()?;
        Ok(reloaded.contains(&true))
    }

    /// Returns what tells connections to stop.
    pub(crate) fn stop_receiver(&self) -> watch::Receiver<bool> {
        self.inner.stop.subscribe()
    }

    pub(crate) fn certificates(&self) -> &[Certificates] {
        &self.inner.certificates
    }

    pub(crate) fn client_auth(&self) -> Option<&ClientAuth> {
        self.inner.client_auth.as_ref()
    }

    pub(crate) fn counters(&self) -> &Arc<Stats> {
        &self.inner.stats
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("is_stopping", &self.is_stopping())
            .finish_non_exhaustive()
    }
}
