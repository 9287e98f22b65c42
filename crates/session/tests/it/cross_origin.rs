//! Writes from other origins, without any session.

use http::{Method, Request, StatusCode};
use palisade_core::testing::{TestBody, poll_ready_contract};
use palisade_session::CrossOriginLayer;

use crate::support::{HOST, ORIGIN, send};

/// A request with headers, and whether it passes.
#[track_caller]
fn check(
    layer: &CrossOriginLayer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    passes: bool,
) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(TestBody::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let seen = runtime.block_on(send(layer.clone(), request));
    let expected = match passes {
        true => (StatusCode::OK, ""),
        false => (StatusCode::FORBIDDEN, "cross_origin"),
    };
    assert_eq!(
        (seen.status, seen.code.as_str()),
        expected,
        "{path} {headers:?}"
    );
}

#[test]
fn a_write_passes_by_what_the_browser_tells() {
    let layer = CrossOriginLayer::new();
    for (headers, passes) in [
        (&[][..], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "of-the-future")], false),
        (&[("sec-fetch-site", "")], false),
        (&[("origin", ORIGIN)], true),
        (&[("origin", "http://notes.example")], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "https://a.notes.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
        // The browser's word about the site goes first: a proxy may have changed the host.
        (
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://public.example"),
            ],
            true,
        ),
        (
            &[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
            false,
        ),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            check(&layer, method, "/notes", headers, passes);
        }
    }
}

#[test]
fn reads_pass_and_websockets_are_no_reads() {
    let layer = CrossOriginLayer::new();
    let foreign = ("sec-fetch-site", "cross-site");
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        check(&layer, method, "/notes", &[foreign], true);
    }
    let upgrade = ("upgrade", "websocket");
    check(&layer, Method::GET, "/ws", &[foreign, upgrade], false);
    check(
        &layer,
        Method::GET,
        "/ws",
        &[("origin", "https://evil.example"), upgrade],
        false,
    );
    check(
        &layer,
        Method::GET,
        "/ws",
        &[("origin", ORIGIN), upgrade],
        true,
    );
    // A custom method may change something.
    let own = Method::from_bytes(b"PURGE").unwrap();
    check(&layer, own, "/notes", &[foreign], false);
}

#[test]
fn trusted_origins_and_excepted_paths_pass() {
    let layer = CrossOriginLayer::builder()
        .trusted_origin("https://admin.example:8443")
        .except_path("/payments/return")
        .except_path("/hooks/*")
        .build()
        .unwrap();
    let foreign = ("sec-fetch-site", "cross-site");
    let admin = ("origin", "https://admin.example:8443");
    check(&layer, Method::POST, "/notes", &[foreign, admin], true);
    check(&layer, Method::POST, "/notes", &[admin], true);
    check(
        &layer,
        Method::POST,
        "/notes",
        &[foreign, ("origin", "https://admin.example")],
        false,
    );
    check(&layer, Method::POST, "/payments/return", &[foreign], true);
    check(
        &layer,
        Method::POST,
        "/payments/return/x",
        &[foreign],
        false,
    );
    check(&layer, Method::POST, "/hooks/a?b=/../c", &[foreign], true);
    check(&layer, Method::POST, "/hooks/../notes", &[foreign], false);
    check(
        &layer,
        Method::POST,
        "/hooks/%2e%2e/notes",
        &[foreign],
        false,
    );
}

#[test]
fn in_shadow_a_foreign_write_passes() {
    let layer = CrossOriginLayer::builder()
        .dangerously_only_shadow()
        .build()
        .unwrap();
    check(
        &layer,
        Method::POST,
        "/notes",
        &[("sec-fetch-site", "cross-site")],
        true,
    );
}

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    poll_ready_contract(CrossOriginLayer::new(), || {
        Request::post("/").body(TestBody::default()).unwrap()
    });
}
