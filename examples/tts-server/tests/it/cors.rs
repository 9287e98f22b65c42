//! Scripts of other origins.

use http::{Method, StatusCode};

use crate::support::{CONFIG, TestRequest, TestResponse, TestServer};

const ORIGIN: &str = "https://app.example";

fn config() -> String {
    format!("{CONFIG}[cors]\norigins = [\"{ORIGIN}\"]\n")
}

fn preflight(origin: &str, path: &str) -> TestRequest {
    TestRequest::new(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization, content-type",
        )
}

fn allowed(response: &TestResponse) -> &str {
    response.header("access-control-allow-origin")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_of_an_allowed_origin_is_allowed() {
    let server = TestServer::start_as(&config()).await;
    for path in ["/tts", "/v1/audio/speech"] {
        let response = server.client.send(preflight(ORIGIN, path)).await;
        assert!(response.status.is_success(), "{}", response.status);
        assert_eq!(allowed(&response), ORIGIN);
        assert!(
            response
                .header("access-control-allow-methods")
                .contains("POST")
        );
        let headers = response.header("access-control-allow-headers");
        assert!(headers.contains("authorization"), "{headers}");
        assert!(
            !response
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
    let other = server
        .client
        .send(preflight("https://evil.example", "/tts"))
        .await;
    assert_eq!(allowed(&other), "");
    let nowhere = server.client.send(preflight(ORIGIN, "/nowhere")).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert_eq!(server.voice.speaking.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_and_refusals_can_be_read_by_an_allowed_origin_alone() {
    let server = TestServer::start_as(&config()).await;
    let ask = |origin: &str, text: &str| TestRequest::speak(text).header("origin", origin);
    let spoken = server.with_key(ask(ORIGIN, "好")).await;
    assert_eq!((spoken.status, allowed(&spoken)), (StatusCode::OK, ORIGIN));
    let exposed = spoken.header("access-control-expose-headers");
    assert!(
        exposed.contains("x-audio-seconds") && exposed.contains("retry-after"),
        "{exposed}"
    );
    let guest = server.client.send(ask(ORIGIN, "好")).await;
    assert_eq!(
        (guest.status, allowed(&guest)),
        (StatusCode::UNAUTHORIZED, ORIGIN)
    );
    let refused = server.with_key(ask(ORIGIN, "😀")).await;
    assert_eq!((refused.status.as_u16(), allowed(&refused)), (422, ORIGIN));
    let other = server.with_key(ask("https://evil.example", "好")).await;
    assert_eq!(allowed(&other), "");
    assert!(
        other
            .headers
            .get_all("vary")
            .iter()
            .any(|vary| vary.to_str().is_ok_and(|vary| vary.contains("origin")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_nothing_is_allowed() {
    let server = TestServer::start().await;
    let spoken = server
        .with_key(TestRequest::speak("好").header("origin", ORIGIN))
        .await;
    assert_eq!(allowed(&spoken), "");
    let response = server.client.send(preflight(ORIGIN, "/tts")).await;
    assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
}
