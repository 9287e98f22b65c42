//! Opens connections to one server of an upstream: TCP, TLS over TCP, or a Unix socket.
//!
//! The client of `hyper-util` keeps the connections and decides when a new one is needed. It asks a
//! [`Connector`], which belongs to one server and always goes to that server's address: the URL of a
//! request may name another host, where the upstream wants one.
//!
//! TCP tries all addresses of a name, IPv6 and IPv4 in turns (RFC 8305). Nagle's algorithm is off: parts of a
//! stream are small, and each should arrive when it is made.
//!
//! Nothing is sent before the connection is complete, TLS included. A failure is 502
//! `upstream_unreachable` for the client, and counts for the server's breaker.
//!
//! Names are resolved for each new connection, so a change in DNS is in force when the pool opens the
//! next one.

mod shortage;
mod tls;

pub(crate) use self::shortage::is_shortage;
pub(crate) use self::tls::{TlsClient, TlsClientError, TlsOptions};

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use palisade::core::BoxError;
use palisade_internal::open_sockets::OpenSocket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use crate::upstream::address::Address;

/// How long a connection may be silent before the system asks whether the peer is there.
///
/// A peer that lost its power sends no end; without probes a silent stream would wait for its idle
/// timeout.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What the system may keep of a response over HTTP/1.1 that the client has not read.
///
/// Left alone, Linux raises it to 6 MiB for each connection. A thousand clients that read nothing would use up its
/// memory for TCP, and then it drops packets of everyone. With 20 ms to the upstream, 12 MB a second.
const RECEIVE_BUFFER: usize = 256 * 1024;

/// Opens connections to one address. Clones share the TLS configuration.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    /// Decides between TCP and a Unix socket.
    address: Address,
    /// The address as a URL. That of a request may name another host.
    url: Uri,
    /// Required if the address is one of TLS.
    tls: Option<TlsClient>,
    /// Resolves names and connects, with the options below.
    tcp: HttpConnector,
    /// Bounds name resolution, TCP and the TLS handshake together.
    timeout: Duration,
}

impl Connector {
    /// Makes a connector. `timeout` bounds all steps together: a name server that is slow leaves less
    /// for the handshake.
    pub(crate) fn new(address: Address, tls: Option<TlsClient>, timeout: Duration) -> Self {
        let url = Uri::builder()
            .scheme(address.scheme())
            .authority(address.authority())
            .path_and_query("/");
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        Self {
            address,
            url: url.build().unwrap_or_default(), // Three valid parts make a valid URL.
            tls,
            tcp,
            timeout,
        }
    }

    /// Bounds what the system keeps of a response, for connections that carry one at a time (HTTP/1.1).
    ///
    /// The bound is 256 KiB, or what the system allows programs to ask for.
    pub(crate) fn with_bounded_responses(mut self) -> Self {
        self.tcp.set_recv_buffer_size(Some(RECEIVE_BUFFER));
        self
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// The name is unknown, no one listens, the file of the socket cannot be opened, the TLS
    /// handshake failed, or only the file descriptors for files are left.
    async fn open(mut self) -> Result<Socket, BoxError> {
        let counted = shortage::count_socket()?;
        let mut socket = match &self.address {
            Address::Tcp { .. } => {
                let stream = self.tcp.call(self.url).await?.into_inner();
                match self.tls {
                    Some(tls) => tls.connect(stream).await?,
                    None => Socket::new(stream, false),
                }
            }
            Address::Unix(path) => Socket::new(tokio::net::UnixStream::connect(path).await?, false),
        };
        socket.counted = Some(counted);
        Ok(socket)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Socket>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    /// Always ready: the pool bounds how many connections it wants.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// Opens a connection within the time. Dropping the future closes a connection that is half open.
    ///
    /// The URL of the request is ignored. After the timeout the error has the kind `TimedOut`.
    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timeout = connector.timeout;
            let opened = tokio::time::timeout(timeout, connector.open()).await;
            let late = |_| {
                io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no connection within {timeout:?}"),
                )
            };
            Ok(TokioIo::new(opened.map_err(late)??))
        })
    }
}

/// A stream of any kind. The call through the table of the trait costs nothing beside a system call.
///
/// One type of socket keeps the types of client and server free of a parameter.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection.
///
/// It adds no buffer: reads and writes go to the stream as they come.
pub(crate) struct Socket {
    /// A TCP stream, a TLS stream over TCP, or a Unix stream.
    stream: Box<dyn Stream>,
    /// Whether the server chose HTTP/2 in the TLS handshake.
    is_http2: bool,
    /// Counts it among the sockets of the process.
    counted: Option<OpenSocket>,
}

impl Socket {
    /// Wraps a stream.
    ///
    /// `is_http2` is false for connections without TLS. There the settings of the client decide the
    /// version.
    fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, is_http2: bool) -> Self {
        Self {
            stream: Box::new(stream),
            is_http2,
            counted: None,
        }
    }
}

/// Tells the client library whether several requests may share the connection.
impl Connection for Socket {
    /// HTTP/2 carries several requests at a time, so the pool may use the connection before it is free.
    fn connected(&self) -> Connected {
        match self.is_http2 {
            true => Connected::new().negotiated_h2(),
            false => Connected::new(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Head and body of a message leave in one system call where the stream supports it.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use socket2::{Domain, SockRef, Socket as SystemSocket, Type};
    use tokio::net::TcpListener;

    use super::*;

    /// Connects, and returns the size of the receive buffer.
    async fn receive_buffer(bound: bool) -> usize {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let address = Address::parse(&url).unwrap();
        let mut connector = Connector::new(address, None, Duration::from_secs(5));
        if bound {
            connector = connector.with_bounded_responses();
        }
        let stream = connector.tcp.call(connector.url).await.unwrap();
        SockRef::from(stream.inner()).recv_buffer_size().unwrap()
    }

    #[tokio::test]
    async fn a_connection_for_one_response_keeps_no_more_than_its_bound() {
        let asked = SystemSocket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        asked.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
        let bound = asked.recv_buffer_size().unwrap();
        assert_eq!(receive_buffer(true).await, bound);
        assert_ne!(receive_buffer(false).await, bound);
    }
}
