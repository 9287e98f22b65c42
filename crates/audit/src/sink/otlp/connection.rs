//! Sends a body to a collector over HTTP/1.1, on a connection that is kept open.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, runtime::Runtime, time::timeout};

/// The most bytes of a response that are read.
const MAX_RESPONSE: usize = 64 * 1024;

/// A collector, with a connection to it while there is one.
#[derive(Debug)]
pub(super) struct Connection {
    uri: Uri,
    /// The address to connect to: host and port.
    authority: String,
    headers: HeaderMap,
    /// The longest time for one exchange.
    deadline: Duration,
    runtime: Runtime,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// How a collector decided about a body.
#[derive(Debug)]
pub(super) enum Reply {
    /// It was taken, but for so many records.
    Taken { rejected: u64 },
    /// It will never be taken.
    Refused(StatusCode),
    /// It may be taken later: nothing arrived, or the collector is busy.
    Later(io::Error),
}

/// The response, as far as it is read. Numbers of 64 bits may be texts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Response {
    partial_success: PartialSuccess,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    rejected_log_records: serde_json::Value,
}

impl Connection {
    /// Names a collector. Nothing is opened before the first body.
    ///
    /// # Errors
    ///
    /// The operating system gives no event queue.
    pub(super) fn new(uri: Uri, headers: HeaderMap, deadline: Duration) -> io::Result<Self> {
        let host = uri.host().unwrap_or_default();
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            uri,
            authority,
            headers,
            deadline,
            runtime,
            open: None,
        })
    }

    /// Sends a body and waits for the response, at most for the deadline.
    pub(super) fn send(&mut self, body: &Bytes) -> Reply {
        let request = self.request(body);
        let open = self.open.take();
        let exchange = exchange(open, &self.authority, request);
        // Made inside: its timer is that of the runtime.
        let within = async { timeout(self.deadline, exchange).await };
        match self.runtime.block_on(within) {
            Ok(Ok((status, reply, open))) => {
                self.open = Some(open);
                decision(status, &reply)
            }
            Ok(Err(error)) => Reply::Later(error),
            Err(_) => Reply::Later(io::ErrorKind::TimedOut.into()),
        }
    }

    fn request(&self, body: &Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = http::Method::POST;
        let path = self.uri.path_and_query().map_or("/", |it| it.as_str());
        *request.uri_mut() = path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if let Ok(host) = self.authority.parse() {
            headers.insert(header::HOST, host);
        }
        let json = header::HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        request
    }
}

/// Sends a request on the open connection, or on a new one.
async fn exchange(
    open: Option<SendRequest<Full<Bytes>>>,
    authority: &str,
    request: Request<Full<Bytes>>,
) -> io::Result<(StatusCode, Bytes, SendRequest<Full<Bytes>>)> {
    let mut known = open;
    let is_open = match &mut known {
        Some(known) => known.ready().await.is_ok(),
        None => false,
    };
    let mut sender = match known.filter(|_| is_open) {
        Some(known) => known,
        None => connect(authority).await?,
    };
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_RESPONSE).collect();
    let body = body.await.map_err(io::Error::other)?.to_bytes();
    Ok((status, body, sender))
}

/// Opens a connection. Its task runs while a request is under way.
async fn connect(authority: &str) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(authority).await?;
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        // Its errors are those of the request.
        let _ = connection.await;
    });
    Ok(sender)
}

/// Decides by the rules of the protocol which bodies are sent again.
fn decision(status: StatusCode, body: &[u8]) -> Reply {
    match status.as_u16() {
        200..=299 => {
            let response: Response = serde_json::from_slice(body).unwrap_or_default();
            let rejected = response.partial_success.rejected_log_records;
            let text = rejected.as_str().and_then(|it| it.parse().ok());
            let rejected = rejected.as_u64().or(text).unwrap_or(0);
            Reply::Taken { rejected }
        }
        429 | 502..=504 => Reply::Later(io::Error::other(format!("status {status}"))),
        _ => Reply::Refused(status),
    }
}
