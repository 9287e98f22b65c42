//! The page and its files, as a browser gets them.

use std::collections::BTreeSet;

use http::StatusCode;

use crate::support::{TestRequest, TestServer, send_plain};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_comes_with_a_policy_that_allows_its_own_files_only() {
    let server = TestServer::start().await;
    let page = server.client.send(TestRequest::get("/")).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
        "{policy}"
    );
    assert_eq!(page.header("x-robots-tag"), "noindex, nofollow");
    assert!(
        page.header("strict-transport-security")
            .starts_with("max-age=")
    );
    assert_eq!(page.header("cache-control"), "no-cache");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_that_the_page_names_is_there_and_may_be_kept() {
    let server = TestServer::start().await;
    let page = server.client.send(TestRequest::get("/")).await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let named: Vec<&str> = page
        .split("\"/assets/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(named.len() >= 4, "{named:?}");
    for name in named {
        let response = server
            .client
            .send(TestRequest::get(&format!("/assets/{name}")))
            .await;
        assert_eq!(response.status, StatusCode::OK, "{name}");
        assert!(
            response.header("cache-control").contains("immutable"),
            "{name}"
        );
        assert_eq!(response.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn robots_are_asked_to_stay_away_and_health_says_ok_and_no_more() {
    let server = TestServer::start().await;
    let robots = server.client.send(TestRequest::get("/robots.txt")).await;
    assert_eq!(&robots.body[..], b"User-agent: *\nDisallow: /\n");
    let health = server.client.send(TestRequest::get("/health")).await;
    assert_eq!(
        (health.status, &health.body[..]),
        (StatusCode::OK, &b"ok\n"[..])
    );
    assert!(!health.headers.contains_key("server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_this_machine_and_not_for_a_page_in_its_browser() {
    let server = TestServer::start().await;
    let figures = send_plain(server.metrics, TestRequest::get("/metrics")).await;
    assert_eq!(figures.status, StatusCode::OK);
    // A name that an attacker points at this machine (DNS rebinding).
    let ask = TestRequest::get("/metrics").header("host", "rebound.example");
    assert_eq!(
        send_plain(server.metrics, ask).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
    assert_eq!(
        server
            .client
            .send(TestRequest::get("/metrics"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_one_counted_request_and_three_files_that_are_not() {
    let server = TestServer::start().await;
    let page = server.client.send(TestRequest::get("/")).await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let named: BTreeSet<&str> = page
        .split("\"/assets/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(named.len(), 3, "{named:?}");
    for visit in 0..25 {
        let page = server.client.send(TestRequest::get("/")).await;
        assert_eq!(page.status, StatusCode::OK, "visit {visit}");
        for name in &named {
            let file = server
                .client
                .send(TestRequest::get(&format!("/assets/{name}")));
            assert_eq!(file.await.status, StatusCode::OK, "visit {visit}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_opens_an_address_is_refused_with_a_page_and_a_program_with_a_problem() {
    let server = TestServer::start().await;
    let open = |path: &str| {
        TestRequest::get(path)
            .header("accept", "text/html,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
    };
    for (path, status) in [("/nowhere", 404), ("/tts?text=a", 401), ("/voices", 401)] {
        let page = server.client.send(open(path)).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-store");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let markup = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(markup.contains(&format!("{status} · ")), "{markup}");
        assert!(!markup.contains("<script"), "{markup}");
        let problem = server.client.send(TestRequest::get(path)).await;
        assert_eq!(problem.header("content-type"), "application/problem+json");
        assert_eq!(problem.status, page.status);
    }
    // What a program reads stays as it is, for every client.
    let models = server.client.send(open("/v1/models")).await;
    assert_eq!(models.header("content-type"), "application/json");
    for _ in 0..60 {
        server.client.send(TestRequest::get("/nowhere")).await;
    }
    let often = server.client.send(open("/")).await;
    assert_eq!(often.status, StatusCode::TOO_MANY_REQUESTS);
    let markup = String::from_utf8(often.body.to_vec()).unwrap();
    let wait = format!("Try again in {} s.", often.header("retry-after"));
    assert!(markup.contains(&wait), "{markup}");
}
