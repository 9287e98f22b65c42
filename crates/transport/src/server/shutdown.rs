//! The end of a server: waits for its connections.

use std::{pin::pin, time::Duration};

use tokio::{task::JoinSet, time::Instant};

/// How a server ended.
///
/// Returned by [`Server::serve`](crate::server::Server::serve). A number above 0 means that clients lost
/// responses: make [`Limits::grace`](crate::server::Limits::grace) longer, or end long streams in the
/// handler when the server begins to stop.
///
/// # Examples
///
/// ```no_run
/// # async fn run(server: palisade_transport::server::Server) -> std::io::Result<()> {
/// # let (app, stop) = (axum::Router::new(), std::future::pending());
/// let stopped = server.serve(app, stop).await?;
/// if stopped.cut > 0 {
///     eprintln!("{} connections were cut off", stopped.cut);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stopped {
    /// Connections that were closed because the grace period ([`Limits::grace`](crate::server::Limits::grace)) was over.
    pub cut: usize,
}

/// Waits for all connections, at most for the grace period, and then aborts the others.
pub(crate) async fn finish(mut tasks: JoinSet<()>, grace: Duration) -> Stopped {
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
