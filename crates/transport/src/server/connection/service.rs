//! Connects hyper and the service: stores the peer in each request, and tracks its progress.
//!
//! A request gets, in its extensions:
//!
//! - `RequestBytes`, which count what is read of the body;
//! - the `Peer`: the address of the client and the scheme, for `ClientInfoLayer`;
//! - the `ProxyHeader`, if a proxy sent one;
//! - the `ClientCertificate`, if the client sent one.
//!
//! A head over HTTP/2 that is too large is refused here with 431, since h2 would send 431 without
//! the security headers.
//!
//! A response of HTTP/1 that refuses `CONNECT` or a switch to WebSocket closes the connection: what the
//! client has sent after it may be bytes of the other protocol, and must not be read as a request.
//!
//! The service is cloned for each request and called with `oneshot`, so a
//! service that is not ready delays its own request and no other.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, UPGRADE},
};
use http_body::Body;
use hyper::body::Incoming;
use palisade_core::{ClientCertificate, Peer, RequestBytes};
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower_service::Service;

use crate::server::{
    connection::{own_response::OwnResponses, received_body::ReceivedBody, sent_body::SentBody},
    deadlines::{Activity, OpenRequest, hand_to_executor},
    limits::Limits,
    proxy_protocol::ProxyHeader,
};

/// The service of one connection.
#[derive(Debug)]
pub(crate) struct OnConnection<S> {
    /// The application with its layers. It is cloned for each request.
    pub(crate) service: S,
    /// The address of the client, and whether it uses TLS.
    pub(crate) peer: Peer,
    /// What a proxy sent about the connection.
    pub(crate) proxy_header: Option<ProxyHeader>,
    /// Who the client is, by its certificate.
    pub(crate) client_certificate: Option<ClientCertificate>,
    /// Told when a request begins and ends.
    pub(crate) activity: Arc<Activity>,
    /// For the size of the head and the timeouts of bodies.
    pub(crate) limits: Arc<Limits>,
    /// The security headers for responses of the server itself.
    pub(crate) own_responses: Arc<OwnResponses>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for OnConnection<S>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<SentBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S>;

    /// Over HTTP/2 each request has its own deadlines for its body, since streams share a connection.
    fn call(&self, request: Request<Incoming>) -> ResponseFuture<S> {
        let open = OpenRequest::begin(&self.activity);
        let is_stream = request.version() == Version::HTTP_2;
        if is_stream {
            hand_to_executor(open.transfer(), &self.activity);
        }
        let inner = if is_stream && is_over_size(request.headers(), self.limits.header_bytes) {
            self.activity.refuse_head();
            Inner::TooLarge {
                own_responses: Arc::clone(&self.own_responses),
            }
        } else {
            Inner::Service {
                switch: Switch::of(&request),
                future: self.call_service(request, is_stream, &open),
            }
        };
        ResponseFuture {
            inner,
            is_stream,
            request: Some(open),
        }
    }
}

impl<S, B> OnConnection<S>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone,
{
    /// Calls the service with the peer in the extensions and a body with timeouts.
    ///
    /// What a client put into the extensions cannot be there: they are made by hyper for each
    /// request, so `Peer`, `ProxyHeader` and `ClientCertificate` are those of this connection.
    fn call_service(
        &self,
        request: Request<Incoming>,
        is_stream: bool,
        open: &OpenRequest,
    ) -> Oneshot<S, Request<ReceivedBody>> {
        let (mut head, body) = request.into_parts();
        let counted = RequestBytes::new();
        let body = ReceivedBody::new(
            body,
            is_stream,
            Arc::clone(&self.activity),
            counted.clone(),
            Arc::clone(open.transfer()),
            Arc::clone(&self.limits),
        );
        head.extensions.insert(self.peer);
        head.extensions.insert(counted);
        if let Some(header) = &self.proxy_header {
            head.extensions.insert(header.clone());
        }
        if let Some(certificate) = &self.client_certificate {
            head.extensions.insert(certificate.clone());
        }
        Oneshot::new(self.service.clone(), Request::from_parts(head, body))
    }
}

/// Which other protocol a client expects after a successful response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Switch {
    /// Bytes for the target of `CONNECT` (RFC 9110 section 9.3.6).
    Connect,
    /// None. Also an `Upgrade` to another protocol, such as `h2c`: such a client goes on with HTTP/1.1
    /// if the field is ignored.
    No,
    /// WebSocket (RFC 6455 section 4.1).
    WebSocket,
}

impl Switch {
    fn of<B>(request: &Request<B>) -> Self {
        let upgrades = request.headers().get_all(UPGRADE).iter();
        let mut names = upgrades.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        if request.method() == Method::CONNECT {
            Self::Connect
        } else if names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket")) {
            Self::WebSocket
        } else {
            Self::No
        }
    }

    /// Returns whether the connection speaks the other protocol after a response with this status.
    fn is_accepted(self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || self == Self::Connect && status.is_success()
    }
}

/// Returns whether the fields are too large, measured as in RFC 9113, section 6.5.2: each field
/// counts its name, its value and 32 bytes.
///
/// The pseudo fields (`:path` and so on) are not counted here. h2 has a limit of twice this size for
/// all of them together.
fn is_over_size(headers: &HeaderMap, most: u32) -> bool {
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum();
    size > most as usize
}

pin_project! {
    /// The future of one response.
    ///
    /// It holds the open request, so that a connection that is dropped ends the request too. When the
    /// response begins, the open request moves into its body.
    pub(crate) struct ResponseFuture<S>
    where
        S: Service<Request<ReceivedBody>>,
    {
        #[pin]
        inner: Inner<Oneshot<S, Request<ReceivedBody>>>,
        is_stream: bool,
        request: Option<OpenRequest>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<F> {
        Service {
            #[pin]
            future: F,
            switch: Switch,
        },
        TooLarge {
            own_responses: Arc<OwnResponses>,
        },
    }
}

impl<S, B> Future for ResponseFuture<S>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<SentBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (mut response, switch) = match this.inner.project() {
            InnerProjection::Service { future, switch } => {
                (ready!(future.poll(cx))?.map(Some), *switch)
            }
            InnerProjection::TooLarge { own_responses } => {
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                (own_responses.empty(status, None), Switch::No)
            }
        };
        let request = this
            .request
            .take()
            .expect("a future is not polled after its end");
        let is_stream = *this.is_stream;
        if switch.is_accepted(response.status()) {
            request.upgrade();
        } else if switch != Switch::No && !is_stream {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Poll::Ready(Ok(
            response.map(|body| SentBody::new(body, is_stream, request))
        ))
    }
}
