//! What the upstream needs, and what must not come back.

use std::fs;

use palisade_internal::hex;
use tempfile::TempDir;

use crate::{
    client::{Running, start_file, status},
    transport::before,
    upstream::{Upstream, answering, field},
};

const SECRET: &str = "sk-upstream-0123456789";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A folder with the secret and the key of identities.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
    fs::write(folder.path().join("identity"), KEY).unwrap();
    folder
}

async fn gateway(response: &'static str, keys: &str) -> (Running, Upstream) {
    let upstream = answering(response).await;
    let keys = format!("url = 'http://{}'\n{keys}", upstream.address);
    (before(folder(), &keys).await, upstream)
}

#[tokio::test]
async fn the_credential_goes_up_and_never_comes_down() {
    let leaking = "HTTP/1.1 401 Unauthorized\r\nX-Debug: key sk-upstream-0123456789\r\nX-Kept: 1\r\nContent-Length: 33\r\n\r\n\
                   wrong key sk-upstream-0123456789!";
    let (gateway, mut upstream) = gateway(leaking, "[upstreams.credential]\nfile = 'secret'").await;
    let request = "GET /a HTTP/1.1\r\nHOSTAuthorization: Bearer of-the-client\r\nAccept-Encoding: gzip\r\n\
        Range: bytes=0-9\r\nIf-Range: \"a\"\r\n\r\n";
    let response = gateway.send(request).await;
    let got = upstream.request().await;
    assert_eq!(
        field(&got, "authorization"),
        Some(format!("Bearer {SECRET}").as_str()),
        "{got}"
    );
    assert_eq!(field(&got, "accept-encoding"), Some("identity"), "{got}");
    for name in ["range", "if-range"] {
        assert_eq!(field(&got, name), None, "{got}");
    }
    assert!(!got.contains("of-the-client"), "{got}");
    assert_eq!(status(&response), 401, "{response}");
    assert!(!response.contains(SECRET), "{response}");
    assert!(
        response.ends_with("wrong key **********************!"),
        "{response}"
    );
    assert_eq!(field(&response, "x-debug"), None, "{response}");
    assert_eq!(field(&response, "x-kept"), Some("1"), "{response}");
}

/// The reason phrase, cookies, redirects and trailers, as it is and percent-encoded.
#[tokio::test]
async fn the_credential_comes_down_in_no_part_of_a_response() {
    let leaking = "HTTP/1.1 302 sk-upstream-0123456789\r\nSet-Cookie: key=sk-upstream-0123456789\r\n\
        Location: /next?key=sk%2Dupstream%2d0123456789\r\nTransfer-Encoding: chunked\r\n\r\n\
        0\r\ngrpc-status: 7\r\ngrpc-message: sk%2Dupstream-0123456789\r\n\r\n";
    let (gateway, _upstream) = gateway(leaking, "[upstreams.credential]\nfile = 'secret'").await;
    let response = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
    assert!(response.starts_with("HTTP/1.1 302 Found\r\n"), "{response}");
    assert_eq!(field(&response, "set-cookie"), None, "{response}");
    assert_eq!(field(&response, "location"), None, "{response}");
    assert!(!response.contains("0123456789"), "{response}");
    let (_, trailers) = gateway.call_http2("/a", http::HeaderMap::new()).await;
    assert_eq!(trailers["grpc-status"], "7", "{trailers:?}");
    assert_eq!(trailers.get("grpc-message"), None, "{trailers:?}");
}

/// What is compressed cannot be searched.
#[tokio::test]
async fn an_error_that_is_compressed_unasked_is_replaced() {
    let keys = "[upstreams.credential]\nfile = 'secret'";
    let error =
        "HTTP/1.1 401 Unauthorized\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot read";
    let (gateway, _upstream) = gateway(error, keys).await;
    let response = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&response), 401, "{response}");
    assert!(!response.contains("not read"), "{response}");
    assert_eq!(field(&response, "content-encoding"), None, "{response}");
    assert!(
        response.contains("\"code\":\"upstream_error\""),
        "{response}"
    );
}

/// Browsers send one field for each cookie over HTTP/2 (RFC 9113 section 8.2.3).
#[tokio::test]
async fn several_fields_of_cookies_are_one_for_the_upstream() {
    let (gateway, mut upstream) = gateway(crate::upstream::OK, "").await;
    let request = "GET /a HTTP/1.1\r\nHOSTCookie: a=1; b=2\r\nCookie: c=3\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await.to_ascii_lowercase();
    assert_eq!(field(&got, "cookie"), Some("a=1; b=2; c=3"), "{got}");
    assert_eq!(got.matches("\r\ncookie:").count(), 1, "{got}");
}

/// CGI programs read `Proxy` as `HTTP_PROXY`, and send their own requests there.
#[tokio::test]
async fn a_proxy_for_requests_of_the_upstream_is_not_passed_on() {
    let (gateway, mut upstream) = gateway(crate::upstream::OK, "").await;
    let request = "GET /a HTTP/1.1\r\nHOSTProxy: http://evil.example\r\nX-Kept: 1\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "proxy"), None, "{got}");
    assert_eq!(field(&got, "x-kept"), Some("1"), "{got}");
}

/// The rules decided about the method of the request line.
#[tokio::test]
async fn a_field_with_another_method_reaches_no_upstream() {
    let fields =
        "X-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE\r\nX-HTTP-Method: DELETE\r\n";
    let request = format!("POST /a HTTP/1.1\r\nHOST{fields}X-Kept: 1\r\nContent-Length: 0\r\n\r\n");
    let (gateway, mut upstream) = gateway(crate::upstream::OK, "").await;
    assert_eq!(status(&gateway.send(&request).await), 200);
    let got = upstream.request().await;
    assert!(!got.contains("DELETE"), "{got}");
    assert_eq!(field(&got, "x-kept"), Some("1"), "{got}");
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    for name in [
        "x-http-method-override",
        "x-method-override",
        "x-http-method",
    ] {
        assert!(trail.contains(&format!("\"value\":\"{name}\"")), "{trail}");
    }
}

#[tokio::test]
async fn a_credential_in_its_own_field_has_no_scheme() {
    let keys = "[upstreams.credential]\nfile = 'secret'\nheader = 'X-Goog-Api-Key'";
    let (gateway, mut upstream) = gateway(crate::upstream::OK, keys).await;
    let request = "GET /a HTTP/1.1\r\nHOSTX-Goog-Api-Key: of-the-client\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "x-goog-api-key"), Some(SECRET), "{got}");
    assert!(!got.contains("of-the-client"), "{got}");
}

#[tokio::test]
async fn a_credential_that_changed_in_its_file_is_used_within_seconds() {
    let keys = "[upstreams.credential]\nfile = 'secret'";
    let (gateway, mut upstream) = gateway(crate::upstream::OK, keys).await;
    fs::write(gateway.folder.path().join("secret"), "another-secret").unwrap();
    loop {
        gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
        let got = upstream.request().await;
        match field(&got, "authorization") {
            Some("Bearer another-secret") => break,
            other => assert_eq!(other, Some(format!("Bearer {SECRET}").as_str())),
        }
    }
}

#[tokio::test]
async fn the_upstream_can_verify_who_the_client_is() {
    let keys = "[upstreams.identity]\nfile = 'identity'";
    let (gateway, mut upstream) = gateway(crate::upstream::OK, keys).await;
    let request =
        "GET /a?b=c%20d HTTP/1.1\r\nHOSTX-Palisade-Principal: admin\r\nX-Palisade-Other: 1\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "x-palisade-principal"), Some(""), "{got}");
    assert_eq!(field(&got, "x-palisade-other"), None, "{got}");
    let value = |name| field(&got, name).unwrap();
    let lines = [
        "palisade-identity-v2",
        value("x-palisade-time"),
        value("x-request-id"),
        "GET",
        "/a?b=c%20d",
        "",
        "",
        "",
    ];
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, lines.join("\n").as_bytes());
    assert_eq!(value("x-palisade-signature"), hex::encode(tag.as_ref()));
}

#[tokio::test]
async fn identity_that_no_one_signs_never_reaches_the_upstream() {
    let (gateway, mut upstream) = gateway(crate::upstream::OK, "").await;
    let request =
        "GET /a HTTP/1.1\r\nHOSTX-Palisade-Principal: admin\r\nX-Palisade-Signature: 00\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await.to_lowercase();
    assert!(!got.contains("x-palisade-"), "{got}");
}

#[tokio::test]
async fn rules_for_fields_are_applied_in_both_directions() {
    let response =
        "HTTP/1.1 200 OK\r\nX-Inner: 1\r\nCache-Control: public\r\nContent-Length: 0\r\n\r\n";
    let keys = "[upstreams.request_headers]\nset = { X-Tenant = 'a' }\nremove = ['Cookie']\n\
                [upstreams.response_headers]\nset = { Cache-Control = 'no-store' }\nremove = ['X-Inner']";
    let (gateway, mut upstream) = gateway(response, keys).await;
    let request = "GET /a HTTP/1.1\r\nHOSTX-Tenant: mine\r\nCookie: a=b\r\n\r\n";
    let response = gateway.send(request).await;
    let got = upstream.request().await;
    assert_eq!(field(&got, "x-tenant"), Some("a"), "{got}");
    assert_eq!(field(&got, "cookie"), None, "{got}");
    assert_eq!(field(&response, "x-inner"), None, "{response}");
    assert_eq!(
        field(&response, "cache-control"),
        Some("no-store"),
        "{response}"
    );
}

#[tokio::test]
async fn errors_of_the_upstream_are_hidden_on_demand() {
    let trace = "HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Encoding: x\r\nETag: \"a\"\r\nContent-Length: 9\r\n\r\nTraceback";
    for (keys, shown) in [("hide_errors = true", false), ("", true)] {
        let (gateway, _upstream) = gateway(trace, keys).await;
        let response = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
        assert_eq!(status(&response), 500, "{response}");
        assert_eq!(response.contains("Traceback"), shown, "{response}");
        assert_eq!(response.contains("\"code\":\"upstream_error\""), !shown);
        assert_eq!(field(&response, "etag").is_some(), shown, "{response}");
    }
}

#[tokio::test]
async fn a_redirect_to_the_upstreams_own_name_becomes_relative() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for (location, expected) in [
        (format!("http://{address}/next?a"), "/next?a".to_owned()),
        (
            format!("http://{address}//evil.example"),
            "/evil.example".to_owned(),
        ),
        (
            "https://other.example/x".to_owned(),
            "https://other.example/x".to_owned(),
        ),
        ("/relative".to_owned(), "/relative".to_owned()),
        // Its address, though it was given the client's host.
        (
            format!("http://{address}/own#host = 'as-sent'"),
            "/own".to_owned(),
        ),
    ] {
        let (location, keys) = location.split_once('#').unwrap_or((&location, ""));
        let gateway = before(folder(), &format!("url = 'http://{address}'\n{keys}")).await;
        let response = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            crate::upstream::read_request(&mut stream).await;
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
                .await
                .unwrap();
            stream
        };
        let (response, _stream) =
            tokio::join!(gateway.send("GET /a HTTP/1.1\r\nHOST\r\n"), response);
        assert_eq!(
            field(&response, "location"),
            Some(expected.as_str()),
            "{response}"
        );
    }
}

#[tokio::test]
async fn the_origin_is_what_the_upstream_needs() {
    for (keys, expected) in [
        ("", Some("https://page.example".to_owned())),
        ("origin = 'remove'", None),
        (
            "origin = 'http://localhost:8188'",
            Some("http://localhost:8188".to_owned()),
        ),
        ("origin = 'upstream'", Some("http://UPSTREAM".to_owned())),
    ] {
        let (gateway, mut upstream) = gateway(crate::upstream::OK, keys).await;
        let request = "GET /a HTTP/1.1\r\nHOSTOrigin: https://page.example\r\n\r\n";
        assert_eq!(status(&gateway.send(request).await), 200);
        let got = upstream.request().await;
        let expected =
            expected.map(|origin| origin.replace("UPSTREAM", &upstream.address.to_string()));
        assert_eq!(field(&got, "origin"), expected.as_deref(), "{keys}: {got}");
    }
}

/// The values of a principal are those of the key, in the form that is signed.
#[tokio::test]
async fn the_principal_and_scopes_of_a_key_are_signed() {
    let mut upstream = answering(crate::upstream::OK).await;
    let first = crate::client::start(upstream.address, |start| start).await;
    let key = first.key.clone();
    let folder = first.stop().await;
    fs::write(folder.path().join("identity"), KEY).unwrap();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'authenticated'\n\
         [[upstreams]]\nurl = 'http://{}'\n[upstreams.identity]\nfile = 'identity'\n",
        upstream.address
    );
    let gateway = start_file(folder, &file).await;
    let request = format!("GET /a HTTP/1.1\r\nHOSTX-API-Key: {key}\r\n\r\n");
    assert_eq!(status(&gateway.send(&request).await), 200);
    let got = upstream.request().await;
    let principal = field(&got, "x-palisade-principal").unwrap();
    assert!(key.contains(principal) && !principal.is_empty(), "{got}");
    assert_eq!(field(&got, "x-palisade-kind"), Some("api_key"), "{got}");
}
