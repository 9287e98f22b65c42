//! Accepts connections.
//!
//! `Server::serve` runs it. A connection over a limit is closed at once and reported as an
//! event. An error of `accept` never ends the server:
//!
//! | error | means | then |
//! |---|---|---|
//! | `ConnectionAborted`, `ConnectionReset` and similar | the client left before it was accepted | the next one at once |
//! | `EMFILE`, `ENFILE` | no file descriptor is free | the longest idle connection is closed, and 5 ms pass |
//! | any other | the system is short of memory, for example | 100 ms pass |
//!
//! Errors of the last two rows are logged, at most once a minute.

use std::{error::Error, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body::Body;
use palisade_internal::log_limit::LogLimit;
use tokio::{task::JoinSet, time::Instant};
use tower_service::Service;

use crate::server::{
    connection::{self, Accepted, ReceivedBody, Shared},
    deadlines::Activity,
    events::ConnectionEventKind,
    handle::ServerHandle,
    listener::{AcceptSockets, RawStream},
    slots::{NoSlot, Slots},
};

/// Accepts connections and starts one task for each.
pub(crate) struct Acceptor<S> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) service: S,
    /// The time base of `log`.
    pub(crate) started: Instant,
    /// Limits warnings about failed `accept` calls.
    pub(crate) log: LogLimit,
}

impl<S, B> Acceptor<S>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Accepts connections until the future is dropped.
    ///
    /// Connections that were accepted run on in `tasks`. Those that the system has queued and that
    /// were not accepted are reset when the sockets are closed.
    pub(crate) async fn accept(
        &mut self,
        sockets: &mut AcceptSockets,
        tasks: &mut JoinSet<()>,
        handle: &ServerHandle,
    ) {
        loop {
            // Drops the results of connections that ended or panicked.
            while tasks.try_join_next().is_some() {}
            match sockets.accept().await {
                Ok((socket, address)) => self.admit(socket, address, tasks, handle),
                Err(error) => self.recover(&error).await,
            }
        }
    }

    /// Starts the task of a connection, or closes it if there is no slot.
    ///
    /// A refused connection costs one `accept`, one `close` and one counter: no task, no TLS, no
    /// bytes are read. It gets no response, since HTTP has none before a request.
    fn admit(
        &mut self,
        socket: RawStream,
        address: SocketAddr,
        tasks: &mut JoinSet<()>,
        handle: &ServerHandle,
    ) {
        let expects_header = self.shared.proxy_protocol.contains(address.ip());
        // One that sends a header is not the client: the limit is checked after the header.
        let is_proxy = expects_header || self.shared.proxies.contains(address.ip());
        let activity = Activity::new(address, Arc::clone(&self.shared.events));
        let slot = match self.slots.take(address.ip(), is_proxy, &activity) {
            Ok(slot) => slot,
            Err(NoSlot::Address) => return activity.report(ConnectionEventKind::AddressLimit),
            Err(NoSlot::All) => return activity.report(ConnectionEventKind::ServerLimit),
        };
        self.shared.stats.accepted();
        let accepted = Accepted {
            socket,
            address,
            is_proxy,
            expects_header,
            activity,
            slot,
        };
        let shared = Arc::clone(&self.shared);
        let service = self.service.clone();
        tasks.spawn(connection::run(
            shared,
            accepted,
            service,
            handle.stop_receiver(),
        ));
    }

    /// Waits after a failed `accept`, where that helps.
    ///
    /// Without a free file descriptor the next call would fail at once, in a busy loop. So the
    /// longest idle connection is closed, and the next call comes 5 ms later (100 ms if none
    /// was idle).
    async fn recover(&mut self, error: &io::Error) {
        let passing = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        );
        if passing {
            return;
        }
        if let Some(held_back) = self.log.admit(self.started.elapsed()) {
            tracing::warn!(%error, held_back, "cannot accept a connection");
        }
        let closed_idle = self.slots.close_longest_idle();
        let pause = if closed_idle { 5 } else { 100 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
