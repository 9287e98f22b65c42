//! What a client may ask for, where responses are inspected: no coding and no range.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use palisade_inspect::{InspectLayer, InspectLayerBuilder};
use tower::{ServiceBuilder, ServiceExt};

use crate::responses::layer;

/// The headers with which the handler gets a request that asks for a coding and a range.
async fn headers_at_the_handler(layer: &InspectLayer, body: &'static str) -> HeaderMap {
    let handler = async |request: Request<Full<Bytes>>| {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.headers_mut() = request.headers().clone();
        Ok::<_, Infallible>(response)
    };
    let service = ServiceBuilder::new()
        .layer(layer.clone())
        .service_fn(handler);
    let request = Request::post("/")
        .header("accept-encoding", "gzip")
        .header("range", "bytes=5-")
        .header("if-range", "\"a\"")
        .header("accept", "*/*");
    let request = request.body(Full::from(body)).expect("a request");
    let response = service.oneshot(request).await.expect("a response");
    response.headers().clone()
}

#[tokio::test]
async fn a_client_cannot_keep_a_response_from_the_rules() {
    for body in ["", "{}"] {
        let inspected = headers_at_the_handler(&layer(|builder| builder), body).await;
        assert_eq!(
            inspected.get("accept-encoding").expect("a header"),
            "identity"
        );
        assert_eq!(
            (inspected.get("range"), inspected.get("if-range")),
            (None, None)
        );
        assert_eq!(inspected.get("accept").expect("a header"), "*/*");
        for passed in [
            layer(InspectLayerBuilder::dangerously_pass_accept_encoding_and_range),
            layer(|builder| builder.response(false)),
            layer(|builder| builder.skip_path("/")),
        ] {
            let passed = headers_at_the_handler(&passed, body).await;
            assert_eq!(passed.get("accept-encoding").expect("a header"), "gzip");
            assert!(passed.contains_key("range") && passed.contains_key("if-range"));
        }
    }
}

#[tokio::test]
async fn the_rules_see_the_coding_and_the_range_that_the_client_sent() {
    let rule = "SecRule REQUEST_HEADERS:Range|REQUEST_HEADERS:Accept-Encoding \"@rx gzip|5-\" \
        \"id:1,phase:2,deny\"\n\
        SecRule REQUEST_HEADERS:Range \"@rx 5-\" \"id:2,phase:3,deny\"";
    for body in ["", "{}"] {
        let layer = layer(|builder| builder.setup(rule).enforce());
        assert_eq!(
            headers_at_the_handler(&layer, body).await.get("range"),
            None
        );
        let request = Request::post("/").header("range", "bytes=5-");
        let request = request.body(Full::<Bytes>::from(body)).expect("a request");
        let handler = async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()));
        let service = ServiceBuilder::new().layer(layer).service_fn(handler);
        let response = service.oneshot(request).await.expect("a response");
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
}
