//! An echo behind the layer, and what to ask it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use palisade_core::testing::TestBody;
use palisade_core::{
    BodyKind, Fact, Refusal, RequestBody, RouteLayer, RouteTable, Rule, SecurityContext,
};
use palisade_sanitize::{Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt};

/// What the handler behind the layer saw, or what the client was told.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) facts: Vec<Fact>,
    pub(crate) refused: Vec<&'static str>,
    pub(crate) would_refuse: Vec<&'static str>,
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, code: &str) -> &Self {
        let problem = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{problem}");
        assert_eq!(self.json()["code"], code, "{problem}");
        assert_eq!(self.refused, [code]);
        self
    }

    #[track_caller]
    pub(crate) fn passed(&self) -> &Self {
        assert_eq!(
            self.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}

/// The codes of this layer's refusals, of those that count and of those in shadow.
fn codes(cx: &SecurityContext) -> [Vec<&'static str>; 2] {
    let ours = |refusal: &Refusal| (refusal.guard == "sanitize").then_some(refusal.code);
    cx.with_observations(|seen| {
        let refused = seen.refusals().iter().filter_map(ours).collect();
        let shadow = seen.shadow_refusals().iter();
        [refused, shadow.filter_map(|it| ours(&it.value)).collect()]
    })
}

/// Watches the field `text` as speech, required, in bodies of both kinds.
pub(crate) fn speech() -> SanitizeLayerBuilder {
    SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::speech()))
        .body(BodyKind::JsonOrForm)
}

pub(crate) async fn ask(layer: SanitizeLayerBuilder, request: Request<TestBody>) -> Outcome {
    ask_built(layer.build().unwrap(), request).await
}

pub(crate) async fn ask_built(layer: SanitizeLayer, request: Request<TestBody>) -> Outcome {
    observe(ServiceBuilder::new().layer(layer).service_fn(echo), request).await
}

/// Asks behind a table of routes with this rule for `/tts`.
pub(crate) async fn ask_by_rule(
    rule: Rule,
    layer: SanitizeLayer,
    request: Request<TestBody>,
) -> Outcome {
    let table = RouteTable::builder()
        .any("/tts", rule)
        .allow_preflight()
        .build()
        .unwrap();
    let inner = ServiceBuilder::new().layer(layer).service_fn(echo);
    observe(
        ServiceBuilder::new()
            .layer(RouteLayer::new(Arc::new(table)))
            .service(inner),
        request,
    )
    .await
}

async fn observe<S, B>(service: S, request: Request<TestBody>) -> Outcome
where
    S: tower::Service<Request<TestBody>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let (mut head, body) = request.into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let response = service
        .oneshot(Request::from_parts(head, body))
        .await
        .unwrap();
    let query = response
        .headers()
        .get("x-query")
        .map(|query| String::from_utf8(query.as_bytes().to_vec()).unwrap());
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let [refused, would_refuse] = codes(&cx);
    Outcome {
        refused,
        would_refuse,
        status: head.status,
        headers: head.headers,
        query,
        body,
        facts: cx.facts(),
    }
}

/// Gives back the body, and in headers what else there was.
async fn echo<B>(request: Request<RequestBody<B>>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: http_body::Body<Data: From<Bytes>, Error: Into<palisade_core::BoxError>>,
{
    let (head, body) = request.into_parts();
    let mut response = Response::builder();
    if let Some(query) = head.uri.query() {
        response = response.header("x-query", query);
    }
    for name in [
        "content-length",
        "content-digest",
        "content-encoding",
        "transfer-encoding",
    ] {
        if let Some(value) = head.headers.get(name) {
            response = response.header(format!("x-{name}"), value);
        }
    }
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            response = response.status(StatusCode::PAYLOAD_TOO_LARGE);
            assert!(error.is::<http_body_util::LengthLimitError>());
            Bytes::new()
        }
    };
    Ok(response.body(Full::new(body)).unwrap())
}

pub(crate) fn get(uri: &str) -> Request<TestBody> {
    Request::get(uri).body(TestBody::default()).unwrap()
}

pub(crate) fn post(content_type: &str, body: impl Into<Bytes>) -> Request<TestBody> {
    let body = body.into();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/tts")
        .header("content-type", content_type);
    request
        .header("content-length", body.len())
        .body(Full::new(body))
        .unwrap()
}

pub(crate) fn json(body: impl Into<Bytes>) -> Request<TestBody> {
    post("application/json", body)
}

pub(crate) fn form(body: impl Into<Bytes>) -> Request<TestBody> {
    post("application/x-www-form-urlencoded", body)
}
