//! Refusals of gRPC requests are trailers-only, and the gRPC status of a response is recorded.

use bytes::Bytes;
use data_encoding::BASE64_NOPAD;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use palisade_core::{
    Guard, GuardLayer, GuardService, Outcome, Rejection, SecurityContext, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

fn call(content_type: &'static str) -> Request<TestBody> {
    let mut request = get("/palisade.test.Echo/Say");
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    request
}

#[tokio::test]
async fn a_grpc_refusal_is_trailers_only_with_the_clients_content_type() {
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc-web+proto",
    ] {
        let guard = LoggingGuard::new("closed", Behavior::Refuse, &log());
        let service = GuardLayer(guard).layer(responds_with(""));
        let response = service.oneshot(call(content_type)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], content_type);
        assert_eq!(response.headers()["grpc-status"], "2");
        assert_eq!(response.headers()["grpc-message"], "No.");
        assert!(response.body().is_end_stream());
    }
}

/// Refuses with `Retry-After`.
#[derive(Clone)]
struct Later(&'static str);

impl Guard for Later {
    type Pass = ();
    fn name(&self) -> &'static str {
        "later"
    }
    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        let busy = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "busy", "Wait.");
        busy.with_header(RETRY_AFTER, HeaderValue::from_static(self.0))
            .into()
    }
}

#[tokio::test]
async fn a_grpc_refusal_with_retry_after_tells_it_as_retry_info() {
    let details = async |seconds| {
        let service = GuardLayer(Later(seconds)).layer(responds_with(""));
        let response = service.oneshot(call("application/grpc")).await.unwrap();
        assert_eq!(response.headers()[RETRY_AFTER], seconds);
        assert_eq!(response.headers()["grpc-status"], "8");
        let details = response.headers().get("grpc-status-details-bin");
        details.map(|details| {
            BASE64_NOPAD
                .decode(details.as_bytes())
                .expect("it is without padding")
        })
    };
    // google.rpc.Status { code: 8, message: "Wait.", details: [Any of RetryInfo { 300 s }] }
    let expected = [
        b"\x08\x08\x12\x05Wait.\x1a\x31\x0a\x28type.googleapis.com/google.rpc.RetryInfo".as_slice(),
        b"\x12\x05\x0a\x03\x08\xac\x02",
    ];
    assert_eq!(details("300").await, Some(expected.concat()));
    assert_eq!(details("Wed, 21 Oct 2026 07:28:00 GMT").await, None);
}

#[tokio::test]
async fn a_content_type_with_the_prefix_of_grpc_alone_is_http() {
    let service =
        GuardLayer(LoggingGuard::new("closed", Behavior::Refuse, &log())).layer(responds_with(""));
    let response = service.oneshot(call("application/grpcish")).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
}

#[derive(Clone)]
struct Listener(Log);

impl Guard for Listener {
    type Pass = ();
    fn name(&self) -> &'static str {
        "listener"
    }
    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }
    fn close(&self, _: &SecurityContext, (): (), outcome: Outcome) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{:?}", outcome.grpc_status));
    }
}

#[tokio::test]
async fn the_grpc_status_is_read_from_trailers_and_from_the_head() {
    let log = log();
    let trailers = tower::service_fn(async |_: Request<TestBody>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("5"));
        let frames = Frames::of([
            Ok(Frame::data(Bytes::from_static(b"x"))),
            Ok(Frame::trailers(trailers)),
        ]);
        Ok::<_, std::convert::Infallible>(Response::new(frames))
    });
    let service = GuardService::new(Listener(log.clone()), trailers);
    let response = service.oneshot(call("application/grpc")).await.unwrap();
    response.into_body().collect().await.unwrap();
    let refused = (
        Listener(log.clone()),
        LoggingGuard::new("closed", Behavior::Refuse, &log),
    );
    drop(
        GuardLayer(refused)
            .layer(responds_with(""))
            .oneshot(call("application/grpc"))
            .await
            .unwrap(),
    );
    let statuses: Vec<String> = take_events(&log)
        .into_iter()
        .filter(|e| e.contains("Some"))
        .collect();
    assert_eq!(statuses, ["Some(5)", "Some(2)"]);
}
