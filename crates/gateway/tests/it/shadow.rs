//! A gateway that refuses nothing, and says what it would have refused.

use crate::{
    client::{start_with, status},
    upstream::{OK, answering, field},
};

#[tokio::test]
async fn in_shadow_everything_passes_as_it_was_sent_and_is_reported() {
    let mut upstream = answering(OK).await;
    let gateway = start_with(
        upstream.address,
        |start| start.text_field("text"),
        |settings| settings.dangerously_only_shadow(),
    )
    .await;
    let port = gateway.address.port();
    for (request, line) in [
        (
            "GET /private HTTP/1.1\r\nHOSTAuthorization: Bearer of-the-service\r\n\r\n".to_owned(),
            "GET /private HTTP/1.1",
        ),
        (
            "GET /a/../b HTTP/1.1\r\nHOSTX-API-Key: wrong\r\n\r\n".to_owned(),
            "GET /a/../b HTTP/1.1",
        ),
        (
            "GET /t?text=a%07b HTTP/1.1\r\nHOSTKEY\r\n".to_owned(),
            "GET /t?text=a%07b HTTP/1.1",
        ),
        (
            "GET /x HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n".to_owned(),
            "GET /x HTTP/1.1",
        ),
    ] {
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), 200, "{request}: {response}");
        let got = upstream.request().await;
        assert!(got.starts_with(line), "{got}");
    }
    for _ in 0..70 {
        let response = gateway.send("GET /n HTTP/1.1\r\nHOST\r\n").await;
        assert_eq!(status(&response), 200, "{response}");
    }
    let report = gateway.report.to_string();
    for code in [
        "unauthenticated",
        "ambiguous_path",
        "host_not_served",
        "quota_exceeded",
    ] {
        assert!(report.contains(code), "{code}: {report}");
    }
    assert!(report.contains("/{*path}"), "{report}");
    assert!(!report.contains("other.example") && port > 0, "{report}");
}

#[tokio::test]
async fn in_shadow_the_credential_of_the_client_goes_up() {
    let mut upstream = answering(OK).await;
    let gateway = start_with(
        upstream.address,
        |start| start,
        |settings| settings.dangerously_only_shadow(),
    )
    .await;
    let request = "GET /private HTTP/1.1\r\nHOSTAuthorization: Basic YTpi\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "authorization"), Some("Basic YTpi"), "{got}");
}

#[tokio::test]
async fn in_shadow_a_field_with_another_method_goes_up_and_is_recorded() {
    let mut upstream = answering(OK).await;
    let gateway = start_with(
        upstream.address,
        |start| start,
        |settings| settings.dangerously_only_shadow(),
    )
    .await;
    let request = "GET /a HTTP/1.1\r\nHOSTX-HTTP-Method-Override: PUT\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "x-http-method-override"), Some("PUT"), "{got}");
    let folder = gateway.stop().await;
    let trail = std::fs::read_to_string(folder.path().join("data/audit/audit.jsonl")).unwrap();
    assert!(trail.contains("\"x-http-method-override\""), "{trail}");
}
