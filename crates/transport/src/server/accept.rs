//! Accepts connections, and ends them when the server stops.

use std::{error::Error, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body::Body;
use palisade_internal::log_limit::LogLimit;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::Instant,
};
use tower_service::Service;

use super::{
    ConnectionEventKind, ReceivedBody, Stopped,
    activity::Activity,
    connection::{self, Accepted},
    shared::Shared,
    slots::{NoSlot, Slots},
};
use crate::TrustedProxies;

/// Accepts connections.
pub(super) struct Acceptor<S> {
    pub(super) shared: Arc<Shared>,
    pub(super) slots: Arc<Slots>,
    pub(super) proxies: TrustedProxies,
    pub(super) service: S,
    pub(super) started: Instant,
    pub(super) log: LogLimit,
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
    pub(super) async fn accept(
        &mut self,
        listener: &TcpListener,
        tasks: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
    ) {
        loop {
            // A connection that ended, or panicked, leaves a result behind, which is dropped here.
            while tasks.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((socket, address)) => self.admit(socket, address, tasks, stop),
                Err(error) => self.recover(&error).await,
            }
        }
    }

    fn admit(
        &mut self,
        socket: TcpStream,
        address: SocketAddr,
        tasks: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
    ) {
        let is_proxy = self.proxies.contains(address.ip());
        let activity = Activity::new(address.ip(), Arc::clone(&self.shared.events));
        let slot = match self.slots.take(address.ip(), is_proxy, &activity) {
            Ok(slot) => slot,
            Err(NoSlot::Address) => return activity.tell(ConnectionEventKind::AddressLimit),
            Err(NoSlot::All) => return activity.tell(ConnectionEventKind::ServerLimit),
        };
        self.shared.stats.accepted();
        let accepted = Accepted {
            socket,
            address,
            is_proxy,
            activity,
            slot,
        };
        let shared = Arc::clone(&self.shared);
        let service = self.service.clone();
        tasks.spawn(connection::run(shared, accepted, service, stop.clone()));
    }

    /// Makes room and waits a moment where that helps: when the process has no file descriptor left,
    /// the next call would fail as well, at full speed.
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
        let made_room = self.slots.close_longest_idle();
        let pause = if made_room { 5 } else { 100 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Waits for all connections, but no longer than the time of grace.
pub(super) async fn finish(mut tasks: JoinSet<()>, grace: Duration) -> Stopped {
    let deadline = Instant::now() + grace;
    let all = async { while tasks.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout_at(deadline, pin!(all)).await;
    let cut = match in_time {
        Ok(()) => 0,
        Err(_) => tasks.len(),
    };
    tasks.shutdown().await;
    Stopped { cut }
}
