//! Sends a body to a server by POST, over HTTP/1.1, on a connection that is kept open.
//!
//! Used by the sinks that have a thread: a call blocks it, at most for the deadline. No redirect is followed.

mod target;

use std::{io, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    runtime::Runtime,
    time::timeout,
};

pub(super) use self::target::HttpTarget;

/// The most bytes of a response that are read.
const MAX_RESPONSE: usize = 64 * 1024;
/// The longest wait for the body of a response, after its head.
const BODY_WAIT: Duration = Duration::from_secs(1);

/// A server, with a connection to it while there is one.
#[derive(Debug)]
pub(super) struct HttpClient {
    /// The server and the path.
    target: HttpTarget,
    /// Headers of every request.
    headers: HeaderMap,
    /// The longest time for one exchange, with connecting.
    deadline: Duration,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// The open connection. `None`: the next request opens one.
    open: Option<SendRequest<Full<Bytes>>>,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: StatusCode,
    /// The header `Retry-After` as it was sent.
    pub(super) retry_after: Option<HeaderValue>,
    /// The body. Empty if it was longer than 64 KiB, ended early, or took longer than a second.
    pub(super) body: Bytes,
}

impl HttpClient {
    /// Names a server. Nothing is opened before the first body.
    ///
    /// # Errors
    ///
    /// The operating system gives no event queue.
    pub(super) fn new(
        target: HttpTarget,
        headers: HeaderMap,
        deadline: Duration,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            target,
            headers,
            deadline,
            runtime: Some(runtime),
            open: None,
        })
    }

    /// Sends a body and waits for the response, at most for the deadline, and until `stop` is ready.
    ///
    /// The status decides as soon as it is there. A body that is too long, slow or cut changes nothing about it; only
    /// the connection is not used again.
    ///
    /// # Errors
    ///
    /// There is no head of a response in time: *timed out*, or *interrupted* by `stop`.
    pub(super) fn post(
        &mut self,
        headers: &HeaderMap,
        body: &Bytes,
        stop: impl Future<Output = ()>,
    ) -> io::Result<Reply> {
        let request = self.request(headers, body);
        let open = self.open.take();
        let mut reply = None;
        let exchanged = async {
            let (response, sender) = exchange(open, &self.target, request).await?;
            let (head, body) = response.into_parts();
            let reply = reply.insert(Reply::without_body(&head));
            let Some(body) = read_body(body).await else {
                return Ok(None);
            };
            reply.body = body;
            Ok::<_, io::Error>(Some(sender))
        };
        // Made inside: its timer is that of the runtime.
        let within = async {
            tokio::select! {
                outcome = timeout(self.deadline, exchanged) => {
                    outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                }
                () = stop => Err(io::ErrorKind::Interrupted.into()),
            }
        };
        let runtime = self.runtime.as_ref();
        let runtime = runtime.ok_or(io::ErrorKind::NotConnected)?;
        let exchanged = runtime.block_on(within);
        match (reply, exchanged) {
            (Some(reply), exchanged) => {
                self.open = exchanged.ok().flatten();
                Ok(reply)
            }
            (None, Err(problem)) => Err(problem),
            (None, Ok(_)) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Makes the request. Headers of this request come after those of every request, and `Host` is
    /// that of the target.
    fn request(&self, headers: &HeaderMap, body: &Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.path().clone();
        let all = request.headers_mut();
        all.extend(self.headers.clone());
        for (name, value) in headers {
            all.insert(name, value.clone());
        }
        all.insert(header::HOST, self.target.authority().clone());
        request
    }
}

impl Drop for HttpClient {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A builder that fails may drop it on a thread of another runtime, which must not be blocked.
            runtime.shutdown_background();
        }
    }
}

impl Reply {
    /// Keeps what decides about the next try.
    fn without_body(head: &http::response::Parts) -> Self {
        Self {
            status: head.status,
            retry_after: head.headers.get(header::RETRY_AFTER).cloned(),
            body: Bytes::new(),
        }
    }
}

/// Sends a request on the open connection, or on a new one. Returns when the head of the response is there.
///
/// A server may close an idle connection at any time, also while the request is on its way. So a request that gets no
/// response on the open connection is sent once more on a new one.
///
/// # Errors
///
/// The connection cannot be opened, or ends without a response.
async fn exchange(
    open: Option<SendRequest<Full<Bytes>>>,
    target: &HttpTarget,
    request: Request<Full<Bytes>>,
) -> io::Result<(Response<Incoming>, SendRequest<Full<Bytes>>)> {
    if let Some(mut known) = open
        && known.ready().await.is_ok()
    {
        match known.send_request(request.clone()).await {
            Ok(response) => return Ok((response, known)),
            // This is an answer, though not one in HTTP.
            Err(error) if error.is_parse() => return Err(io::Error::other(error)),
            Err(_) => {}
        }
    }
    let mut sender = connect(target).await?;
    let response = sender.send_request(request).await;
    Ok((response.map_err(io::Error::other)?, sender))
}

/// Reads a body to its end. `None`: it is too long, slow or cut.
async fn read_body(body: Incoming) -> Option<Bytes> {
    let body = Limited::new(body, MAX_RESPONSE).collect();
    let body = timeout(BODY_WAIT, body).await.ok()?.ok()?;
    Some(body.to_bytes())
}

/// Opens a connection.
///
/// # Errors
///
/// No address accepts the connection, or its certificate is not that of the server.
async fn connect(target: &HttpTarget) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = open_stream(target).await?;
    match target.tls() {
        Some((connector, name)) => begin(connector.connect(name.clone(), stream).await?).await,
        None => begin(stream).await,
    }
}

/// Opens a stream to the first address that accepts. In clear text, only addresses of this machine are tried, unless
/// others are allowed.
///
/// # Errors
///
/// No address accepts the connection, or none may be used.
async fn open_stream(target: &HttpTarget) -> io::Result<TcpStream> {
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "no address that may be used");
    for address in lookup_host(target.address()).await? {
        if target.is_loopback_only() && !address.ip().is_loopback() {
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

/// Begins HTTP on a stream. Its task runs while a request is under way.
///
/// # Errors
///
/// The stream ends before HTTP has begun.
async fn begin(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        // Its errors are those of the request.
        let _ = connection.await;
    });
    Ok(sender)
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. `now` is the time since the Unix epoch.
pub(super) fn retry_after(value: Option<&HeaderValue>, now: Duration) -> Option<Duration> {
    let text = value?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &'static str, expected: Option<u64>) {
        let value = HeaderValue::from_static(text);
        let now = Duration::from_secs(784_111_777);
        let expected = expected.map(Duration::from_secs);
        assert_eq!(retry_after(Some(&value), now), expected, "{text}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("120", Some(120));
        check("0", Some(0));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check("Sun, 06 Nov 1994 08:48:37 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        assert_eq!(retry_after(None, Duration::ZERO), None);
    }
}
