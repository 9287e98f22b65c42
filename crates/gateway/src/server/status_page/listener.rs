//! Serves the page on a loopback address, to a browser on the same machine.
//!
//! | request | response |
//! |---|---|
//! | another `Host` than the address itself or `localhost`, or none | 421: a name that was rebound to this machine (DNS rebinding) |
//! | `Sec-Fetch-Site` says that another site asks | 403 |
//! | another method than `GET` and `HEAD` | 405 |
//! | another path than these two, or `/metrics` of a gateway without metrics | 404 |
//! | `GET /` | the page |
//! | `GET /metrics` | the metrics of the process, as text for Prometheus |
//!
//! Nothing changes anything. Every user of the machine can read the page: where that is too many, use the admin socket.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use palisade::server::{Listener, Server};
use tokio::sync::watch;
use tower_service::Service;

use super::page;
use crate::{
    error::{GatewayError, GatewayErrorKind},
    server::{
        admin::status_document, listeners::until_stopped, metrics::Metrics, reload::Reloader,
    },
};

/// How often a browser asks again, in seconds.
const REFRESH: u32 = 10;
/// What only a browser sends: who caused the request (W3C Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The path of the metrics.
const METRICS: &str = "/metrics";
/// The media type of the metrics: the text format of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const PAGE_TYPE: &str = "text/html; charset=utf-8";
/// The headers of every response, beside its type.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// A socket for the page that is bound.
#[derive(Debug)]
pub(in crate::server) struct PageListener {
    /// The bound socket.
    listener: Listener,
    /// Its address, with the port that the system chose.
    address: SocketAddr,
    /// What `/metrics` shows.
    metrics: Option<Metrics>,
}

impl PageListener {
    /// Binds the socket. The address was checked: it is one of this machine.
    ///
    /// # Errors
    ///
    /// The address is in use.
    pub(in crate::server) fn bind(
        address: SocketAddr,
        metrics: Option<Metrics>,
    ) -> Result<Self, GatewayError> {
        let listener = Listener::bind(address).map_err(|error| {
            GatewayError::new(error)
                .with_kind(GatewayErrorKind::Listener)
                .with_remedy("free the address, or name another as `page` of `[admin]`")
        })?;
        let address = listener.address().as_tcp().unwrap_or(address);
        Ok(Self {
            listener,
            address,
            metrics,
        })
    }

    /// Returns the address, with the port that was bound.
    pub(in crate::server) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the signal.
    pub(in crate::server) async fn serve(
        self,
        reloader: Arc<Reloader>,
        stop: watch::Receiver<bool>,
    ) {
        let page = Page {
            reloader,
            address: self.address,
            metrics: self.metrics,
        };
        let served = match Server::builder().listener(self.listener).build() {
            Ok(server) => server.serve(page, until_stopped(stop)).await.map(drop),
            Err(error) => Err(std::io::Error::other(error)),
        };
        if let Err(error) = served {
            tracing::warn!(%error, "the status page is not served");
        }
    }
}

/// Responds with the page.
#[derive(Clone)]
struct Page {
    /// Knows the state of the gateway.
    reloader: Arc<Reloader>,
    /// The address of the page: only requests to it are answered.
    address: SocketAddr,
    /// What `/metrics` shows.
    metrics: Option<Metrics>,
}

impl<B> Service<Request<B>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let status = self.check_request(&head);
        let reloader = Arc::clone(&self.reloader);
        let metrics = self.metrics.clone().filter(|_| head.uri.path() == METRICS);
        Box::pin(async move {
            let (text, media_type) = match (status, metrics) {
                (StatusCode::OK, Some(metrics)) => (metrics.to_text(), METRICS_TYPE),
                (StatusCode::OK, None) => {
                    let document = status_document(&reloader).await;
                    (page(&document, Some(REFRESH)), PAGE_TYPE)
                }
                (status, _) => (status.to_string(), PAGE_TYPE),
            };
            let body = match head.method {
                Method::HEAD => Bytes::new(),
                _ => text.into(),
            };
            let mut response = Response::new(Full::new(body));
            *response.status_mut() = status;
            response.headers_mut().extend(HEADERS);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            Ok(response)
        })
    }
}

impl Page {
    /// Decides about a request. 200: the page, or the metrics, are sent.
    fn check_request(&self, head: &http::request::Parts) -> StatusCode {
        if !self.is_own_host(head) {
            return StatusCode::MISDIRECTED_REQUEST;
        }
        if !is_of_this_site(&head.headers) {
            return StatusCode::FORBIDDEN;
        }
        match (&head.method, head.uri.path()) {
            (&(Method::GET | Method::HEAD), "/") => StatusCode::OK,
            (&(Method::GET | Method::HEAD), METRICS) if self.metrics.is_some() => StatusCode::OK,
            (&(Method::GET | Method::HEAD), _) => StatusCode::NOT_FOUND,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// Returns whether the host is this address, or `localhost` with its port. A page of another site whose name leads
    /// here has that name as host.
    fn is_own_host(&self, head: &http::request::Parts) -> bool {
        let mut sent = head.headers.get_all(header::HOST).iter();
        let (first, second) = (sent.next(), sent.next());
        let host = match (head.uri.authority(), first, second) {
            (Some(authority), None, None) => authority.as_str(),
            (None, Some(host), None) => host.to_str().unwrap_or_default(),
            _ => return false,
        };
        let port = self.address.port();
        host == self.address.to_string() || host == format!("localhost:{port}")
    }
}

/// Returns whether no other site caused the request. Programs that are no browser say nothing.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    let sites = headers.get_all(FETCH_SITE).iter();
    sites
        .map(HeaderValue::as_bytes)
        .all(|site| matches!(site, b"none" | b"same-origin"))
}
