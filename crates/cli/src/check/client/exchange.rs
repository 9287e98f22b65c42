//! One request and its response.
//!
//! HTTP/1.1 (RFC 9112). Every request has `User-Agent: palisade-check/VERSION`, `Accept: */*` and
//! `Connection: close`, then the headers of the probe. The head of the response must be complete;
//! of the body the beginning is enough.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, CONNECTION, HOST, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::{Problem, Stream};
use crate::check::target::Target;

/// How much of a body is read, in bytes. Pages with secrets show them at their beginning.
const LARGEST_BODY: usize = 256 * 1024;
/// The largest head of a response, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;
/// The most headers of a response.
const MOST_HEADERS: usize = 200;

/// A request of a probe.
///
/// Without a body and without further headers unless the methods below add them.
#[derive(Clone, Debug)]
pub(crate) struct ProbeRequest {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    /// A foreign `Host`. `None` sends that of the target.
    host: Option<HeaderValue>,
    /// Whether a response 429 is what the probe looks for.
    pub(super) takes_429: bool,
}

impl ProbeRequest {
    /// A GET of a path with its query, percent-encoded.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A request with any method.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            host: None,
            takes_429: false,
        }
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a header with a value from this source.
    pub(crate) fn with_fixed_header(self, name: HeaderName, value: &'static str) -> Self {
        self.with_header(name, HeaderValue::from_static(value))
    }

    /// Sends a body.
    pub(crate) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends another `Host` than that of the target. The connection still goes to the target.
    pub(crate) fn with_host(mut self, host: &'static str) -> Self {
        self.host = Some(HeaderValue::from_static(host));
        self
    }

    /// Accepts a response 429 as well.
    pub(crate) fn with_429(mut self) -> Self {
        self.takes_429 = true;
        self
    }
}

impl fmt::Display for ProbeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A response, as far as it was read.
///
/// Headers and body are bytes of the service. Clean them before they are shown.
#[derive(Clone, Debug)]
pub(crate) struct ProbeResponse {
    /// The request, for people: method and path.
    pub(crate) asked: String,
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

impl ProbeResponse {
    /// The value of a header as text. Bytes that are not UTF-8 are replaced.
    ///
    /// The first value if there are several. Names are compared without case.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// All values of a header, as text.
    pub(crate) fn header_values(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    /// The media type in lower case, without parameters. Empty if there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        let media_type = value.split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase()
    }

    /// Whether a browser shows it as a page.
    ///
    /// By the media type alone: HTML or XHTML. Browsers that guess are the matter of
    /// `nosniff-missing`.
    pub(crate) fn is_page(&self) -> bool {
        matches!(
            self.media_type().as_str(),
            "text/html" | "application/xhtml+xml"
        )
    }

    /// The beginning of the body as text.
    pub(crate) fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Request and status in one line, for the report.
    ///
    /// Such as `GET /tts?text=hello → 200`.
    pub(crate) fn summary_line(&self) -> String {
        format!("{} → {}", self.asked, self.status.as_u16())
    }
}

/// Sends one request over an open connection, and closes it.
///
/// # Errors
///
/// [`Problem::Connection`] if the connection ends before a head; [`Problem::Unreadable`] if the
/// bytes are not HTTP/1.1 or exceed a bound. A body that ends early is no error.
pub(super) async fn exchange_once(
    stream: Box<dyn Stream>,
    target: &Target,
    ask: ProbeRequest,
    patience: Duration,
) -> Result<ProbeResponse, Problem> {
    let unreadable = |error: hyper::Error| Problem::Unreadable(error.to_string());
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(unreadable)?;
    let _driver = Driver(tokio::spawn(async move {
        let _ = connection.await;
    }));
    let asked = ask.to_string();
    let request = build_request(target, ask)?;
    let response = sender.send_request(request).await.map_err(|error| {
        match error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            true => Problem::Connection("closed without a response".to_owned()),
            false => unreadable(error),
        }
    })?;
    let (head, mut body) = response.into_parts();
    let mut read = Vec::new();
    let end = Instant::now() + patience;
    // What is missing of a body does not matter, so its errors and its end are the same.
    while let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await {
        if let Some(data) = frame.data_ref() {
            let bytes_left = LARGEST_BODY - read.len();
            read.extend_from_slice(data.get(..bytes_left.min(data.len())).unwrap_or_default());
        }
        if read.len() >= LARGEST_BODY {
            break;
        }
    }
    Ok(ProbeResponse {
        asked,
        status: head.status,
        headers: head.headers,
        body: read,
    })
}

/// Builds the request. It says who asks, so that an operator who reads a log knows.
///
/// # Errors
///
/// Fails if the path or the host cannot be sent in HTTP.
fn build_request(target: &Target, ask: ProbeRequest) -> Result<Request<Full<Bytes>>, Problem> {
    let failed = |error: http::Error| Problem::Connection(error.to_string());
    let host = match ask.host {
        Some(host) => host,
        None => HeaderValue::try_from(target.authority()).map_err(|error| failed(error.into()))?,
    };
    let mut request = Request::builder()
        .method(ask.method)
        .uri(ask.path)
        .header(HOST, host)
        .header(
            USER_AGENT,
            concat!("palisade-check/", env!("CARGO_PKG_VERSION")),
        )
        .header(ACCEPT, "*/*");
    let mut names = ask.headers.iter().map(|(name, _)| name);
    if !names.any(|name| name == CONNECTION) {
        request = request.header(CONNECTION, "close");
    }
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(ask.body)).map_err(failed)
}

/// Ends the task of a connection when the exchange is over.
///
/// Without it the task would keep the connection open until the service closes it.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
