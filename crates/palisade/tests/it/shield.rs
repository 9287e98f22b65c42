//! The order of the stack, what each part refuses, and that each request is on record once.

use palisade::{HttpsLayer, Routes, Rule};
use tower::ServiceExt as _;

use crate::support::*;

async fn check(method: &str, path: &str, key: Option<&str>, status: u16, code: &str) {
    let parts = test_shield();
    let key = key.map(|key| match key {
        "right" => parts.key.clone(),
        "narrow" => parts.narrow_key.clone(),
        other => other.to_owned(),
    });
    let app = parts.builder.protect(routes()).unwrap();
    let seen = send_to(&app, request(method, path, key.as_deref())).await;
    assert_eq!(
        (seen.status, seen.code.as_str()),
        (status, code),
        "{method} {path}: {}",
        seen.body
    );
    assert!(
        seen.headers.contains_key("strict-transport-security"),
        "headers on every response"
    );
    let lines = parts.audit.lines();
    assert_eq!(lines.len(), 1, "one record a request: {lines:?}");
    assert!(
        lines[0].contains(&format!("\"status\":{status}")),
        "{}",
        lines[0]
    );
}

#[tokio::test]
async fn each_guard_refuses_its_cases_and_all_are_recorded() {
    check("GET", "/health", None, 200, "").await;
    check("GET", "/nothing", None, 404, "not_found").await;
    check("DELETE", "/health", None, 405, "method_not_allowed").await;
    check("GET", "/speak?text=hi", None, 401, "unauthenticated").await;
    check(
        "GET",
        "/speak?text=hi",
        Some("psk_wrong"),
        401,
        "unauthenticated",
    )
    .await;
    check(
        "GET",
        "/speak?text=hi",
        Some("narrow"),
        403,
        "insufficient_scope",
    )
    .await;
    check("GET", "/speak?text=hi", Some("right"), 200, "").await;
    check("GET", "/speak", Some("right"), 400, "field_missing").await;
}

#[tokio::test]
async fn an_unknown_path_is_404_before_a_credential_is_checked() {
    check("GET", "/nothing", Some("psk_wrong"), 404, "not_found").await;
}

#[tokio::test]
async fn an_unknown_host_and_a_request_without_tls_are_refused_first() {
    let parts = test_shield();
    let app = parts.builder.protect(routes()).unwrap();
    let mut strange = request("GET", "/health", None);
    strange
        .headers_mut()
        .insert("host", "evil.test".parse().unwrap());
    let seen = send_to(&app, strange).await;
    assert!(matches!(seen.status, 400 | 421), "{}", seen.status);
    let mut clear = request("GET", "/health", None);
    let address = "203.0.113.7:5000".parse().unwrap();
    clear.extensions_mut().insert(palisade::core::Peer::new(
        address,
        palisade::core::Scheme::Http,
    ));
    let seen = send_to(&app, clear).await;
    assert_eq!(
        (seen.status, seen.code.as_str()),
        (403, "insecure_transport")
    );
    assert!(
        !seen.headers.contains_key("strict-transport-security"),
        "HSTS over https only"
    );
}

#[tokio::test]
async fn a_key_sent_without_tls_is_refused_everywhere_and_recorded_by_its_id() {
    let parts = test_shield();
    let https = HttpsLayer::builder().redirect_to("service.test");
    let https = https.every_path().build().unwrap();
    let app = parts.builder.https(https).protect(routes()).unwrap();
    let address = "203.0.113.7:5000".parse().unwrap();
    let clear = palisade::core::Peer::new(address, palisade::core::Scheme::Http);
    let bearer = format!("Bearer {}", parts.key);
    for (header, value) in [("x-api-key", &parts.key), ("authorization", &bearer)] {
        let mut shown = request("GET", "/speak?text=hi", None);
        shown.extensions_mut().insert(clear);
        shown.headers_mut().insert(header, value.parse().unwrap());
        let seen = send_to(&app, shown).await;
        assert_eq!(
            (seen.status, seen.code.as_str()),
            (403, "credential_in_clear")
        );
        assert!(!seen.headers.contains_key("location"));
    }
    let id = parts.key.split('_').nth(2).unwrap();
    let secret = parts.key.split('_').nth(3).unwrap();
    let exposed = format!(r#""credential_exposed":[{{"kind":"api_key","id":"{id}"}}]"#);
    for line in parts.audit.lines() {
        assert!(line.contains(&exposed) && !line.contains(secret), "{line}");
    }
    let mut page = request("GET", "/speak?text=hi", None);
    page.extensions_mut().insert(clear);
    assert_eq!(send_to(&app, page).await.status, 308);
}

#[tokio::test]
async fn a_request_without_a_peer_is_misconfigured() {
    let parts = test_shield();
    let app = parts.builder.protect(routes()).unwrap();
    let mut anonymous = request("GET", "/health", None);
    anonymous.extensions_mut().clear();
    assert_eq!(send_to(&app, anonymous).await.code, "misconfigured");
}

#[tokio::test]
async fn the_limit_of_a_route_counts_a_principal_and_opens_again() {
    let parts = test_shield();
    let app = parts.builder.protect(routes()).unwrap();
    let speak = || request("GET", "/speak?text=hi", Some(&parts.key));
    for _ in 0..3 {
        assert_eq!(send_to(&app, speak()).await.status, 200);
    }
    let seen = send_to(&app, speak()).await;
    assert_eq!(seen.status, 429, "{}", seen.body);
    let wait: u64 = seen.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    parts.clock.advance(std::time::Duration::from_secs(wait));
    assert_eq!(send_to(&app, speak()).await.status, 200);
    assert_eq!(
        send_to(&app, request("GET", "/health", None)).await.status,
        200
    );
}

#[tokio::test]
async fn requests_without_a_credential_are_limited_by_address() {
    let parts = test_shield();
    let app = parts.builder.protect(routes()).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..25 {
        statuses.push(
            send_to(&app, request("GET", "/speak?text=hi", Some("psk_guess")))
                .await
                .status,
        );
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 20);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 5);
    assert_eq!(parts.audit.lines().len(), 25);
}

#[tokio::test]
async fn the_handler_sees_clean_text_and_no_credential() {
    let parts = test_shield();
    let app = parts
        .builder
        .protect(
            Routes::new()
                .get(
                    "/echo",
                    Rule::authenticated().text("text"),
                    async |request: http::Request<axum::body::Body>| {
                        let credential = request.headers().contains_key("x-api-key");
                        format!("{} {credential}", request.uri())
                    },
                )
                .get("/speak", Rule::public().limit("speak"), async || ()),
        )
        .unwrap();
    let seen = send_to(
        &app,
        request("GET", "/echo?text=a%00b%E2%80%AEc", Some(&parts.key)),
    )
    .await;
    assert_eq!(seen.body, "/echo?text=abc false");
}

#[tokio::test]
async fn a_panic_and_a_client_that_disconnects_are_recorded() {
    let parts = test_shield();
    let app = parts.builder.protect(routes()).unwrap();
    let panicked = send_to(&app, request("GET", "/panic", None)).await;
    assert_eq!(panicked.status, 500);
    assert!(
        panicked.body.contains("internal_error"),
        "{}",
        panicked.body
    );
    assert!(!panicked.body.contains("on purpose"), "{}", panicked.body);
    let response = app.oneshot(request("GET", "/health", None)).await.unwrap();
    drop(response);
    let lines = parts.audit.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("panicked"), "{}", lines[0]);
    assert!(lines[1].contains("body_dropped"), "{}", lines[1]);
}

#[tokio::test]
async fn secrets_and_text_are_not_recorded() {
    let parts = test_shield();
    let app = parts.builder.protect(routes()).unwrap();
    let path = "/speak?text=canary-text&api_key=canary-query";
    send_to(&app, request("GET", path, Some(&parts.key))).await;
    send_to(&app, request("GET", path, Some("canary-key"))).await;
    let record = parts.audit.lines().join("\n");
    assert!(!record.contains("canary"), "{record}");
    assert!(!record.contains(&parts.key), "{record}");
}

#[tokio::test]
async fn every_response_carries_the_identifier_of_its_record() {
    let parts = test_shield();
    let observer = RefusesEverythingAt("/observed");
    let app = parts.builder.observe(observer).protect(routes()).unwrap();
    let mut requests = vec![
        request("GET", "/health", None),
        request("GET", "/nothing", None),
        request("DELETE", "/health", None),
        request("GET", "/speak?text=hi", None),
        request("GET", "/panic", None),
        request("GET", "/speak", Some(&parts.key)),
    ];
    let mut other_host = request("GET", "/health", None);
    other_host
        .headers_mut()
        .insert("host", "other.test".parse().unwrap());
    requests.push(other_host);
    let count = requests.len();
    for mut request in requests {
        let chosen = "chosen-by-the-client".parse().unwrap();
        request.headers_mut().insert("x-request-id", chosen);
        let seen = send_to(&app, request).await;
        let id = seen.headers["x-request-id"].to_str().unwrap();
        assert_eq!(id.len(), 32, "{id}");
        let record = parts.audit.lines().pop().unwrap();
        assert!(
            record.contains(&format!("\"id\":\"{id}\"")),
            "{id}: {record}"
        );
    }
    assert_eq!(parts.audit.lines().len(), count);
    // An observer stands outside the audit trail, but not outside the identifier.
    let seen = send_to(&app, request("GET", "/observed", None)).await;
    assert_eq!((seen.status, seen.code.as_str()), (503, "observed"));
    assert!(seen.headers.contains_key("x-request-id"));
}

#[derive(Clone, Debug)]
struct RefusesEverythingAt(&'static str);

impl palisade::core::Guard for RefusesEverythingAt {
    type Pass = ();

    fn name(&self) -> &'static str {
        "observer"
    }

    fn admit(
        &self,
        _: &palisade::core::SecurityContext,
        head: &mut http::request::Parts,
    ) -> palisade::core::Verdict<()> {
        assert!(head.uri.path() != "/panic-in-guard", "on purpose");
        match head.uri.path() == self.0 {
            true => {
                let status = http::StatusCode::SERVICE_UNAVAILABLE;
                palisade::core::Rejection::new(status, "observed", "No.").into()
            }
            false => palisade::core::Verdict::Admit(()),
        }
    }
}

#[tokio::test]
async fn the_request_identifier_can_be_turned_off() {
    let app = test_shield()
        .builder
        .without_request_id()
        .protect(routes())
        .unwrap();
    let seen = send_to(&app, request("GET", "/health", None)).await;
    assert!(!seen.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_panic_in_a_custom_guard_is_status_500_and_is_recorded() {
    let parts = test_shield();
    let guard = RefusesEverythingAt("");
    let routes = routes().get("/panic-in-guard", Rule::public(), async || "never");
    let app = parts.builder.guard(guard).protect(routes).unwrap();
    let seen = send_to(&app, request("GET", "/panic-in-guard", None)).await;
    assert_eq!((seen.status, seen.code.as_str()), (500, "internal_error"));
    assert!(!seen.body.contains("on purpose"), "{}", seen.body);
    assert!(seen.headers.contains_key("strict-transport-security"));
    let record = parts.audit.lines().join("\n");
    assert!(record.contains("panicked"), "{record}");
}

#[tokio::test]
async fn panics_propagate_if_configured() {
    let parts = test_shield();
    let app = parts.builder.propagate_panics().protect(routes()).unwrap();
    let joined = tokio::spawn(app.oneshot(request("GET", "/panic", None))).await;
    assert!(joined.unwrap_err().is_panic());
    let record = parts.audit.lines().join("\n");
    assert!(record.contains("panicked"), "{record}");
}
