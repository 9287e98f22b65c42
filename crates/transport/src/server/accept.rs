//! Takes in those who come, and sees them off.

use std::{error::Error, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body::Body;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::Instant,
};
use tower_service::Service;

use super::{ReceivedBody, Stopped, connection, slots::Slots, wiring::Wiring};
use crate::TrustedProxies;

/// Takes in those who come.
pub(super) struct Host<S> {
    pub(super) wiring: Arc<Wiring>,
    pub(super) slots: Arc<Slots>,
    pub(super) proxies: TrustedProxies,
    pub(super) service: S,
}

impl<S, B> Host<S>
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
        told: &watch::Receiver<bool>,
    ) {
        loop {
            // A connection that ended, or panicked, leaves a result behind, which is dropped here.
            while tasks.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((socket, address)) => self.welcome(socket, address, tasks, told),
                Err(error) => recover(&error).await,
            }
        }
    }

    fn welcome(
        &mut self,
        socket: TcpStream,
        address: SocketAddr,
        tasks: &mut JoinSet<()>,
        told: &watch::Receiver<bool>,
    ) {
        let is_proxy = self.proxies.contains(address.ip());
        match self.slots.take(address.ip(), is_proxy) {
            Ok(slot) => {
                self.wiring.stats.accepted();
                let wiring = Arc::clone(&self.wiring);
                let service = self.service.clone();
                tasks.spawn(connection::run(
                    wiring,
                    socket,
                    address,
                    slot,
                    service,
                    told.clone(),
                ));
            }
            Err(why) => self.wiring.stats.refused(why),
        }
    }
}

/// Waits a moment where waiting helps: when the process has no file descriptor left, the next call
/// would fail as well, at full speed.
async fn recover(error: &io::Error) {
    let passing = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    if !passing {
        tracing::warn!(%error, "cannot accept a connection");
        tokio::time::sleep(Duration::from_millis(100)).await;
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
