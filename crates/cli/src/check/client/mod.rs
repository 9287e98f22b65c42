//! The client of the check: few connections, all to one machine, each with a bound on time and bytes.
//!
//! One connection carries one request, so a service that breaks one connection affects one probe only.
//! Redirects are not followed, cookies are not kept, and certificates are not verified here:
//! [`tls`] verifies them apart, so that the check also describes a service with a broken certificate.
//!
//! | bound | value | reason |
//! |---|---|---|
//! | connections | 56, more with `--probe-limits` and `--slow` | below usual limits; a check is no load test |
//! | one step | `--timeout`, 15 s | connecting, a handshake, or a body |
//! | one request up to its head | twice that | both steps together |
//! | timeouts in a row | 4 | a service that went down is left alone |
//! | head of a response | 64 KiB, 200 headers | what the service sends is hostile |
//! | body that is read | 256 KiB | the same; the rest is discarded |
//!
//! Only HTTP/1.1 is spoken. A handshake with ALPN shows whether HTTP/2 is offered.
//!
//! `palisade doctor` uses the same client to read the clock of a server.

pub(crate) mod client_hello;
mod exchange;
pub(crate) mod tls;

use std::{
    cell::Cell,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

pub(crate) use self::exchange::{ProbeRequest, ProbeResponse};
use self::tls::{Handshake, Offer, TlsSettings};
use super::target::Target;

/// How many connections a check may open without `--probe-limits`. A service with the usual 60 requests
/// a minute is not limited by it.
pub(crate) const MOST_REQUESTS: usize = 56;

/// After so many requests in a row without a response, no more are sent.
const MOST_TIMEOUTS: u32 = 4;

/// Why there is no response.
///
/// The text of each is shown as the reason why a rule was not checked. It never has a header or a
/// body of the service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// No connection, or it ended early.
    Connection(String),
    /// Nothing listens at the port, or a filter says so.
    Refused,
    /// The service responded with 429: what was asked stays unknown.
    Limited,
    /// Several requests in a row got no response: no more are sent.
    Silent,
    /// All connections of the check were used.
    Spent,
    /// Nothing came within the time limit.
    Timeout,
    /// The TLS handshake failed.
    Tls(String),
    /// What came is not HTTP/1.1.
    Unreadable(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(problem) => write!(f, "no connection: {problem}"),
            Self::Refused => f.write_str("no connection: refused, so nothing listens there"),
            Self::Limited => f.write_str("the service answered 429 to the check"),
            Self::Silent => f.write_str("the service stopped responding"),
            Self::Spent => f.write_str("the requests of the check were used up"),
            Self::Timeout => f.write_str("no response in time"),
            Self::Tls(problem) => write!(f, "TLS: {problem}"),
            Self::Unreadable(problem) => write!(f, "not HTTP/1.1: {problem}"),
        }
    }
}

/// A connection in clear or over TLS.
///
/// Lets a probe write to either without knowing which.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Sends the requests of a check, and counts them.
///
/// Counters are cells: a check runs in one thread, and several requests may be open at the same
/// time.
pub(crate) struct Client {
    addresses: Vec<SocketAddr>,
    /// The address that accepted the first connection.
    chosen: Cell<Option<IpAddr>>,
    /// How many connections may be opened in all.
    most: Cell<usize>,
    sent: Cell<usize>,
    /// Timeouts in a row. Any other result sets it to 0.
    timeouts: Cell<u32>,
    patience: Duration,
    tls: TlsSettings,
}

impl Client {
    /// Makes a client for these addresses of one host. Nothing is opened yet.
    pub(crate) fn new(addresses: Vec<SocketAddr>, patience: Duration, tls: TlsSettings) -> Self {
        Self {
            addresses,
            chosen: Cell::new(None),
            most: Cell::new(MOST_REQUESTS),
            sent: Cell::new(0),
            timeouts: Cell::new(0),
            patience,
            tls,
        }
    }

    /// Allows more connections, for a probe that was asked for.
    ///
    /// Called before the check begins, so that the number that is announced is right.
    pub(crate) fn allow_connections(&self, more: usize) {
        self.most.set(self.most.get().saturating_add(more));
    }

    /// The connections that were opened.
    pub(crate) fn opened_connections(&self) -> usize {
        self.sent.get()
    }

    /// The connections that may be opened.
    pub(crate) fn max_connections(&self) -> usize {
        self.most.get()
    }

    /// The address that is used, once one was reached.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.chosen.get()
    }

    /// How long one request may take.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.patience
    }

    /// What certificates are verified against.
    pub(crate) fn tls_settings(&self) -> &TlsSettings {
        &self.tls
    }

    /// Sends a request and reads the response, at most 256 KiB of it.
    ///
    /// A response 429 is an error unless the request asks for it: whatever a probe looks for, it is not in
    /// a refusal by a limit.
    ///
    /// # Errors
    ///
    /// Fails with the [`Problem`] that ended the exchange. [`Problem::Silent`] and
    /// [`Problem::Spent`] mean that nothing was sent.
    pub(crate) async fn send(
        &self,
        target: &Target,
        ask: ProbeRequest,
    ) -> Result<ProbeResponse, Problem> {
        if self.timeouts.get() >= MOST_TIMEOUTS {
            return Err(Problem::Silent);
        }
        let takes_429 = ask.takes_429;
        let exchange = async {
            let stream = self.open(target).await?;
            exchange::exchange_once(stream, target, ask, self.patience).await
        };
        // Connecting, the handshake and the head together may take twice the time of one step.
        let response = timeout(self.patience * 2, exchange)
            .await
            .unwrap_or(Err(Problem::Timeout));
        self.timeouts.set(match response {
            Err(Problem::Timeout) => self.timeouts.get() + 1,
            _ => 0,
        });
        let response = response?;
        match response.status.as_u16() {
            429 if !takes_429 => Err(Problem::Limited),
            _ => Ok(response),
        }
    }

    /// Opens a connection for a probe that writes its own bytes, with TLS where the target has it.
    ///
    /// # Errors
    ///
    /// Fails if no connection can be opened, or the handshake fails or takes too long.
    pub(crate) async fn open(&self, target: &Target) -> Result<Box<dyn Stream>, Problem> {
        let stream = self.connect(target.port).await?;
        if !target.tls {
            return Ok(Box::new(stream));
        }
        let (_, stream) = self
            .with_time_limit(self.tls.handshake(stream, &target.host, Offer::Http1))
            .await?;
        Ok(Box::new(stream))
    }

    /// Makes a handshake and closes the connection.
    ///
    /// It counts as one connection. The certificate is not verified.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) async fn handshake(
        &self,
        target: &Target,
        offer: Offer,
    ) -> Result<Handshake, Problem> {
        let stream = self.connect(target.port).await?;
        let handshake = self.tls.handshake(stream, &target.host, offer);
        Ok(self.with_time_limit(handshake).await?.0)
    }

    /// Opens a connection without TLS, and counts it.
    ///
    /// The first address that accepts is used from then on: a name with several addresses may have
    /// several machines behind it, and a report describes one.
    ///
    /// # Errors
    ///
    /// [`Problem::Spent`] if no connection is left; otherwise the problem of the last address.
    /// Attempts that failed count as well.
    pub(crate) async fn connect(&self, port: u16) -> Result<TcpStream, Problem> {
        if self.sent.get() >= self.most.get() {
            return Err(Problem::Spent);
        }
        self.sent.set(self.sent.get() + 1);
        let candidates: Vec<IpAddr> = match self.chosen.get() {
            Some(address) => vec![address],
            None => self.addresses.iter().map(SocketAddr::ip).collect(),
        };
        let mut problem = Problem::Timeout;
        for address in candidates {
            match self.within_io(TcpStream::connect((address, port))).await {
                Ok(stream) => {
                    self.chosen.set(Some(address));
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(failed) => problem = failed,
            }
        }
        Err(problem)
    }

    /// Bounds an operation of the socket, and makes a problem of its error.
    ///
    /// # Errors
    ///
    /// [`Problem::Timeout`], or the error of the socket.
    async fn within_io<T>(&self, work: impl Future<Output = io::Result<T>>) -> Result<T, Problem> {
        let result = self.with_time_limit(async { Ok(work.await) }).await?;
        result.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Problem::Refused,
            _ => Problem::Connection(error.to_string()),
        })
    }

    /// Bounds one step by the time limit of the user.
    ///
    /// # Errors
    ///
    /// [`Problem::Timeout`], or that of the step.
    async fn with_time_limit<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        timeout(self.patience, work)
            .await
            .unwrap_or(Err(Problem::Timeout))
    }
}
