//! Public documents that a stack sends itself: metadata of OAuth, a security contact.
//!
//! [`PublicDocument`] is the value, [`DocumentService`] responds with it in place of the handler.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE,
    },
};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::service::GuardBody;

/// A document that every client may read, also scripts of other origins, and that caches may keep
/// for an hour.
///
/// Cheap to clone. `GET` and `HEAD` return it, `OPTIONS` is a CORS preflight (Fetch standard), and
/// every other method gets status 405.
///
/// ```
/// use palisade_core::PublicDocument;
///
/// let document = PublicDocument::json("/.well-known/example", r#"{"name":"tts"}"#);
/// assert_eq!(document.path(), "/.well-known/example");
/// assert_eq!(document.body(), r#"{"name":"tts"}"#);
/// ```
#[derive(Clone, Debug)]
pub struct PublicDocument(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Box<str>,
    content_type: HeaderValue,
    body: Bytes,
}

/// Bounds how long a client works with an old document.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");
/// Of a preflight, in seconds.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("3600");

impl PublicDocument {
    /// Makes a JSON document for a path, such as `/.well-known/oauth-protected-resource`.
    ///
    /// The path is compared exactly with the raw path of a request.
    ///
    /// A document whose content was made at the start:
    ///
    /// ```
    /// use palisade_core::PublicDocument;
    ///
    /// let issuer = "https://id.example";
    /// let body = format!(r#"{{"authorization_servers":["{issuer}"]}}"#);
    /// let document = PublicDocument::json("/.well-known/oauth-protected-resource", body);
    /// assert!(document.body().ends_with(b"]}"));
    /// ```
    #[must_use]
    pub fn json(path: impl Into<Box<str>>, body: impl Into<Bytes>) -> Self {
        Self(Arc::new(Inner {
            path: path.into(),
            content_type: HeaderValue::from_static("application/json"),
            body: body.into(),
        }))
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns the content.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// Responds to a request for its path. The response has the document as an extension, so that
    /// layers outside can tell it from the responses of handlers.
    fn respond<B>(&self, method: &Method) -> Response<GuardBody<B>> {
        let (status, body) = match *method {
            Method::GET => (StatusCode::OK, self.0.body.clone()),
            Method::HEAD => (StatusCode::OK, Bytes::new()),
            Method::OPTIONS => (StatusCode::NO_CONTENT, Bytes::new()),
            _ => (StatusCode::METHOD_NOT_ALLOWED, Bytes::new()),
        };
        let mut response = Response::new(GuardBody::bytes(body));
        *response.status_mut() = status;
        self.add_headers(status, response.headers_mut());
        response.extensions_mut().insert(self.clone());
        response
    }

    fn add_headers(&self, status: StatusCode, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        match status {
            StatusCode::OK => {
                headers.insert(CONTENT_TYPE, self.0.content_type.clone());
                headers.insert(CONTENT_LENGTH, HeaderValue::from(self.0.body.len()));
                headers.insert(CACHE_CONTROL, CACHE);
            }
            StatusCode::NO_CONTENT => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY);
                headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
            }
            _ => {
                headers.insert(ALLOW, METHODS);
            }
        }
    }
}

/// Responds to requests for public documents in place of the inner service.
///
/// ```
/// use http::{Request, StatusCode};
/// use palisade_core::{AccessLayer, DocumentService, GuardService, PublicDocument, testing::{EmptyOk, TestBody}};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let document = PublicDocument::json("/.well-known/example", "{}");
/// let inner = GuardService::new(AccessLayer::new([]), EmptyOk::default());
/// let service = DocumentService::new(inner, [document]);
/// let request = Request::get("/.well-known/example").body(TestBody::default()).unwrap();
/// let response = service.oneshot(request).await.unwrap();
/// assert_eq!(response.headers()["access-control-allow-origin"], "*");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DocumentService<S> {
    inner: S,
    documents: Arc<[PublicDocument]>,
}

impl<S> DocumentService<S> {
    /// Puts documents before a service.
    #[must_use]
    pub fn new(inner: S, documents: impl Into<Arc<[PublicDocument]>>) -> Self {
        Self {
            inner,
            documents: documents.into(),
        }
    }
}

impl<S, B, R> Service<Request<B>> for DocumentService<S>
where
    S: Service<Request<B>, Response = Response<GuardBody<R>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = DocumentFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let mut documents = self.documents.iter();
        let kind = match documents.find(|document| document.path() == path) {
            Some(document) => Kind::Document {
                document: document.clone(),
                method: request.method().clone(),
            },
            None => Kind::Inner {
                future: self.inner.call(request),
            },
        };
        DocumentFuture { kind }
    }
}

pin_project! {
    /// The future of a [`DocumentService`].
    #[derive(Debug)]
    pub struct DocumentFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    /// Who responds.
    #[project = KindProjected]
    #[derive(Debug)]
    enum Kind<F> {
        Document { document: PublicDocument, method: Method },
        Inner { #[pin] future: F },
    }
}

impl<F, R, E> Future for DocumentFuture<F>
where
    F: Future<Output = Result<Response<GuardBody<R>>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().kind.project() {
            KindProjected::Document { document, method } => {
                Poll::Ready(Ok(document.respond(method)))
            }
            KindProjected::Inner { future } => future.poll(task),
        }
    }
}
