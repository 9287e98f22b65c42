//! Runs a connection, enforces its deadlines, and ends it.
//!
//! A connection stops in two steps. First it is told to stop after the requests that are open
//! (`GOAWAY`, `Connection: close`). Then it has a time without progress before it is dropped: 1 s
//! between requests, the write timeout while a response is being read. That happens when
//!
//! - the server stops;
//! - the connection is older than `Limits::connection_age`;
//! - the certificate of the client has ended;
//! - a client with an idle connection missed the deadline for its next request.
//!
//! A client that missed any other deadline is dropped at once.

use std::{
    error::Error,
    future::Future,
    pin::{Pin, pin},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::{sync::watch, time::Instant};
use tower_service::Service;

use crate::server::{
    connection::{
        http_socket::HttpSocket, lifetime::Lifetime, received_body::ReceivedBody,
        service::OnConnection,
    },
    deadlines::{Activity, Deadline, Missed, StreamExecutor},
    limits::Limits,
};

/// Time for a connection that has to stop and has no open request.
const IDLE_STOP_TIME: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Closed while idle, so that another one could be accepted.
    Closed,
    /// HTTP or the socket failed.
    Failed(hyper::Error),
    /// It ended as it should.
    Finished,
    /// The client missed a deadline.
    TimedOut(Missed),
}

/// A connection that can stop after the requests that are open.
pub(crate) trait Stop: Future<Output = hyper::Result<()>> {
    /// Starts a graceful shutdown.
    fn stop(self: Pin<&mut Self>);
}

/// Runs a connection and checks its deadlines at intervals.
///
/// A timer for each request would cost more than the request. So one sleep for each connection wakes
/// at the next deadline, and at the latest after [`Limits::tick`]: a deadline that moves closer in
/// the meantime is noticed then. A client is dropped at most one tick too late.
///
/// In each round, in this order: the lifetime of the connection, its deadline, then whichever comes first
/// of the end of the connection, an order to close it, the stop of the server, and the sleep.
pub(crate) async fn drive(
    connection: impl Stop,
    activity: &Activity,
    limits: &Limits,
    lifetime: &Lifetime,
    stop: &mut watch::Receiver<bool>,
) -> End {
    let mut connection = pin!(connection);
    let mut stopping = None::<GracefulStop>;
    loop {
        let now = Instant::now();
        let end_of_life = lifetime.end(now);
        if stopping.is_none() && end_of_life.is_some_and(|end| end <= now) {
            stopping = Some(GracefulStop::new(activity, limits));
            connection.as_mut().stop();
        }
        let deadline = match &stopping {
            Some(stopping) => stopping.deadline(activity, limits),
            None => activity.deadline(limits),
        };
        if let Some(Deadline { missed, .. }) = deadline.filter(|deadline| deadline.at <= now) {
            if stopping.is_some() || !activity.is_resting() {
                return End::TimedOut(missed);
            }
            stopping = Some(GracefulStop::new(activity, limits));
            connection.as_mut().stop();
            continue;
        }
        let next_check = now + limits.tick();
        let wake = deadline.map_or(next_check, |deadline| deadline.at.min(next_check));
        let wake = match end_of_life {
            Some(end) if stopping.is_none() => wake.min(end),
            _ => wake,
        };
        tokio::select! {
            biased;
            end = connection.as_mut() => {
                return end.map_or_else(End::Failed, |()| End::Finished);
            }
            () = activity.closed() => return End::Closed,
            () = wait_for_stop(stop), if stopping.is_none() => {
                if !activity.has_served() {
                    return End::Finished;
                }
                stopping = Some(GracefulStop::new(activity, limits));
                connection.as_mut().stop();
            }
            () = tokio::time::sleep_until(wake) => {}
        }
    }
}

/// The end of a connection that has to stop.
struct GracefulStop {
    /// When the stop began.
    since: Instant,
    /// How long it may stay without progress.
    patience: Duration,
}

impl GracefulStop {
    /// Sets the time: 1 s between requests, else the write timeout, for the last response.
    fn new(activity: &Activity, limits: &Limits) -> Self {
        let patience = if activity.is_resting() {
            IDLE_STOP_TIME
        } else {
            // The last response may still be on its way to a slow reader.
            limits.response.stall.unwrap_or(limits.grace)
        };
        Self {
            since: Instant::now(),
            patience,
        }
    }

    /// Returns the deadline of open requests, or the end of that time.
    fn deadline(&self, activity: &Activity, limits: &Limits) -> Option<Deadline> {
        if !activity.is_idle() {
            return activity.deadline(limits);
        }
        Some(Deadline {
            at: self.since.max(activity.moved_at()) + self.patience,
            missed: Missed::Request,
        })
    }
}

/// Waits until the server stops. Returns at once if it has stopped already.
pub(crate) async fn wait_for_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl<S, B> Stop for http1::UpgradeableConnection<TokioIo<HttpSocket>, OnConnection<S>>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn stop(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S, B> Stop for http2::Connection<TokioIo<HttpSocket>, OnConnection<S>, StreamExecutor>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn stop(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
