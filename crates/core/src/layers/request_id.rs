//! The header that tells a client the identifier of its request.

use http::{HeaderName, HeaderValue, request, response};
use palisade_internal::short_bytes;

use crate::{
    context::{RequestId, SecurityContext},
    guard::{Guard, Verdict},
    layer,
};

/// The default header.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Sends the identifier of the request, `X-Request-Id`, with every response, refusals included.
///
/// It is the one that the audit record and [`SecurityContext::request_id`] show, so a client that reports it
/// names one record. Place it outermost: only the responses of guards further in get the header. `Shield` does so.
///
/// The header of the request is always removed, so that no handler believes a client. With
/// [`accept_from_proxies`](RequestIdLayerBuilder::accept_from_proxies), its value becomes the identifier if
///
/// - the client address layer, further in, says that the request came
///   [through a trusted proxy](crate::ClientInfo::is_through_proxy), and
/// - the header is there once, with 1 to 64 of `[A-Za-z0-9._-]`.
///
/// Otherwise it is ignored, and the request gets a generated identifier. Guards outside the client address layer
/// must not read the identifier in `admit`: the first read fixes it.
///
/// Costs no allocation a response, apart from the space in the map of headers.
///
/// It refuses nothing. An inbound id that is missing, repeated or malformed is ignored.
///
/// ```
/// use http::HeaderName;
/// use palisade_core::RequestIdLayer;
///
/// let default = RequestIdLayer::new();
/// let renamed = RequestIdLayer::builder()
///     .header(HeaderName::from_static("x-correlation-id"))
///     .build();
/// let behind_nginx = RequestIdLayer::builder().accept_from_proxies().build();
/// ```
///
/// What a client sends is ignored, here with a handler of `testing`:
///
/// ```
/// use http::Request;
/// use palisade_core::{GuardService, RequestIdLayer, testing::{EmptyOk, TestBody}};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let service = GuardService::new(RequestIdLayer::new(), EmptyOk::default());
/// let request = Request::get("/").header("x-request-id", "chosen").body(TestBody::default()).unwrap();
/// let response = service.oneshot(request).await.unwrap();
/// assert_eq!(response.headers()["x-request-id"].len(), 32);
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestIdLayer {
    header: HeaderName,
    accepts: bool,
}

layer!(RequestIdLayer);

impl RequestIdLayer {
    /// Sends `X-Request-Id` and accepts no inbound id. The same as `builder().build()`.
    pub const fn new() -> Self {
        Self {
            header: X_REQUEST_ID,
            accepts: false,
        }
    }

    /// Starts to configure the guard.
    pub const fn builder() -> RequestIdLayerBuilder {
        RequestIdLayerBuilder { layer: Self::new() }
    }

    /// Removes the header of the request. Returns its value if inbound ids are enabled and it is
    /// well-formed.
    fn take(&self, head: &mut request::Parts) -> Option<RequestId> {
        let mut sent = head.headers.get_all(&self.header).iter();
        let first = sent.next()?; // Most requests have none, and nothing to remove.
        let only = sent.next().is_none();
        let id = (only && self.accepts)
            .then(|| RequestId::parse_inbound(first.as_bytes()))
            .flatten();
        head.headers.remove(&self.header);
        id
    }
}

/// Configures a [`RequestIdLayer`]. Made by [`RequestIdLayer::builder`].
///
/// Default: the header is `X-Request-Id`, and no inbound id is accepted.
///
/// ```
/// use http::HeaderName;
/// use palisade_core::RequestIdLayer;
///
/// // nginx sets the header itself: proxy_set_header X-Correlation-Id $request_id;
/// let layer = RequestIdLayer::builder()
///     .header(HeaderName::from_static("x-correlation-id"))
///     .accept_from_proxies()
///     .build();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestIdLayerBuilder {
    layer: RequestIdLayer,
}

impl RequestIdLayerBuilder {
    /// Uses another header, for requests and responses. Default: `X-Request-Id`.
    pub fn header(mut self, header: HeaderName) -> Self {
        self.layer.header = header;
        self
    }

    /// Accepts the id that a trusted proxy sends in the header. Default: off.
    ///
    /// Most proxies forward what a client sent, and a client could give many requests one id. The
    /// proxy must set the header itself, in nginx for example with `proxy_set_header X-Request-Id
    /// $request_id`.
    pub fn accept_from_proxies(mut self) -> Self {
        self.layer.accepts = true;
        self
    }

    /// Builds the layer.
    pub fn build(self) -> RequestIdLayer {
        self.layer
    }
}

impl Default for RequestIdLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard for RequestIdLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "request_id"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        if let Some(id) = self.take(head) {
            cx.offer_request_id(id);
        }
        Verdict::Admit(())
    }

    fn finish(&self, cx: &SecurityContext, (): &mut (), head: &mut response::Parts) -> Verdict<()> {
        // The characters of an identifier are those of a header value, so the value is never missing.
        let text = cx.request_id().with_bytes(short_bytes::copy_of);
        if let Ok(value) = HeaderValue::from_maybe_shared(text) {
            head.headers.insert(self.header.clone(), value);
        }
        Verdict::Admit(())
    }
}
