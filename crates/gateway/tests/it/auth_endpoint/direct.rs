//! Questions as they come over the wire.

use palisade_gateway::AuthEndpoint;

use super::{FILE, endpoint};
use crate::{client::status, upstream::field};

#[tokio::test]
async fn the_decisions_are_those_of_the_stack_with_statuses_that_nginx_knows() {
    let endpoint = endpoint().await;
    for (method, target, fields, expected, meant) in [
        ("GET", "/voice", "KEY", 200, None),
        ("GET", "/open", "", 200, None),
        ("GET", "/voice", "", 401, Some("401")),
        ("GET", "/admin", "KEY", 403, Some("403")),
        ("GET", "/a/../admin", "KEY", 403, Some("400")),
        ("GET", "/%61dmin", "KEY", 403, Some("400")),
        ("CONNECT", "/voice", "KEY", 403, Some("405")),
    ] {
        let response = endpoint.nginx(method, target, fields).await;
        assert_eq!(status(&response), expected, "{method} {target}: {response}");
        assert_eq!(field(&response, "x-palisade-status"), meant, "{response}");
    }
    let mut limited = String::new();
    for _ in 0..5 {
        limited = endpoint.nginx("GET", "/voice", "KEY").await;
    }
    assert_eq!(status(&limited), 403, "{limited}");
    assert_eq!(
        field(&limited, "x-palisade-status"),
        Some("429"),
        "{limited}"
    );
    assert!(field(&limited, "retry-after").is_some(), "{limited}");
}

#[tokio::test]
async fn the_response_says_who_the_client_is_also_that_it_is_a_guest() {
    let endpoint = endpoint().await;
    let response = endpoint
        .nginx("POST", "/voice", "KEYX-Palisade-Principal: admin\r\n")
        .await;
    assert_eq!(
        field(&response, "x-palisade-kind"),
        Some("api_key"),
        "{response}"
    );
    let principal = field(&response, "x-palisade-principal").unwrap();
    assert!(
        endpoint.key.contains(principal) && !principal.is_empty(),
        "{response}"
    );
    let response = endpoint
        .nginx("GET", "/open", "X-Palisade-Principal: admin\r\n")
        .await;
    assert_eq!(
        field(&response, "x-palisade-principal"),
        Some("-"),
        "{response}"
    );
    assert_eq!(
        field(&response, "x-palisade-scopes"),
        Some("-"),
        "{response}"
    );
    assert_eq!(
        field(&response, "x-palisade-kind"),
        Some("guest"),
        "{response}"
    );
}

/// Caddy and Traefik pass the response on: status, problem document and fields.
#[tokio::test]
async fn a_refusal_for_caddy_is_the_response_for_the_client() {
    let endpoint = endpoint().await;
    let ask = |target: &str| {
        format!(
            "GET /auth/forward HTTP/1.1\r\nHost: tts.example\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.7\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: {target}\r\n\r\n"
        )
    };
    let response = endpoint.ask(&ask("/voice")).await;
    assert_eq!(status(&response), 401, "{response}");
    assert!(response.contains("\"status\":401"), "{response}");
    assert!(field(&response, "www-authenticate").is_some(), "{response}");
    assert_eq!(
        status(&endpoint.ask(&ask("/open?text=a%20b&c=%2F+d")).await),
        200
    );
}

/// The proxy would forward the text as it is.
#[tokio::test]
async fn a_text_that_would_be_cleaned_is_refused() {
    let endpoint = endpoint().await;
    for (target, expected) in [
        ("/open?text=%E4%BD%A0%20good", 200),
        ("/open?text=bad%E2%80%AEtext", 403),
    ] {
        let response = endpoint.nginx("GET", target, "").await;
        assert_eq!(status(&response), expected, "{target}: {response}");
    }
}

#[tokio::test]
async fn a_question_that_describes_no_request_admits_nothing() {
    let endpoint = endpoint().await;
    let head = "Host: tts.example\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n";
    for (request, expected) in [
        ("GET /open HTTP/1.1\r\nHEAD\r\n", 404),
        (
            "GET /auth/nginx HTTP/1.1\r\nHEADX-Original-Method: GET\r\n\r\n",
            400,
        ),
        (
            "GET /auth/nginx HTTP/1.1\r\nHEADX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /open\r\n\r\n",
            400,
        ),
        (
            "GET /auth/forward HTTP/1.1\r\nHEADX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /open\r\nX-Forwarded-Uri: /admin\r\n\r\n",
            400,
        ),
    ] {
        let response = endpoint.ask(&request.replace("HEAD", head)).await;
        assert_eq!(status(&response), expected, "{request}: {response}");
    }
}

#[tokio::test]
async fn each_question_is_one_record_with_the_path_of_the_request() {
    let endpoint = endpoint().await;
    endpoint.nginx("GET", "/voice?text=private", "KEY").await;
    endpoint.nginx("GET", "/admin", "").await;
    let trail = endpoint.folder.path().join("audit.jsonl");
    let trail = loop {
        let trail = std::fs::read_to_string(&trail).unwrap();
        if trail
            .lines()
            .filter(|line| line.contains("\"status\":"))
            .count()
            == 2
        {
            break trail;
        }
        tokio::task::yield_now().await;
    };
    assert!(
        trail.contains("203.0.113.7") && trail.contains("/admin"),
        "{trail}"
    );
    assert!(
        !trail.contains("private") && !trail.contains(&endpoint.key),
        "{trail}"
    );
}

/// The proxy would forward the body without any check.
#[tokio::test]
async fn text_that_may_be_in_a_body_is_an_error_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let head = "[server]\nhosts = ['tts.example']\n[client]\nproxies = ['127.0.0.1/32']\n\
        header = 'x-forwarded-for'\n[[routes]]\npath = '/first'\naccess = 'public'\n[[routes]]\n\
        path = '/a'\naccess = 'public'\n";
    for (route, problem) in [
        (
            "methods = ['POST']\ntext_schemas = ['ollama']",
            Some("13: routes.text_schemas"),
        ),
        (
            "methods = ['GET']\ntext = ['a', '/input/text']",
            Some("13: routes.text"),
        ),
        ("methods = ['GET']\ntext = ['?']", Some("13: routes.text")),
        (
            "methods = ['GET', 'POST']\ntext = ['text?']",
            Some("13: routes.text"),
        ),
        ("text = ['text?']", Some("12: routes.text")),
        ("methods = ['get', 'HEAD']\ntext = ['text?']", None),
    ] {
        std::fs::write(&file, format!("{head}{route}\n")).unwrap();
        let prepared = AuthEndpoint::prepare(&file, ([127, 0, 0, 1], 0).into()).await;
        match (prepared, problem) {
            (Err(error), Some(problem)) => {
                let error = error.to_string();
                assert!(error.contains(problem) && error.contains("; "), "{error}");
            }
            (prepared, problem) => assert_eq!(prepared.is_err(), problem.is_some(), "{route}"),
        }
    }
}

#[tokio::test]
async fn what_would_not_protect_is_an_error_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let loopback = ([127, 0, 0, 1], 0).into();
    let without_keys = FILE.replace(
        "[keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n",
        "",
    );
    for (text, key) in [
        (format!("{without_keys}body = 'json'\n"), "routes.body"),
        (
            format!("{without_keys}client_certificate = true\n"),
            "routes.client_certificate: the proxy does not send",
        ),
        (
            format!("{without_keys}[server.client_auth]\nauthorities = ['ca.pem']\n"),
            "server.client_auth: the proxy ends TLS",
        ),
        (
            format!(
                "{without_keys}[[client_certificates]]\nid = 'billing'\nsubject = 'CN=billing'\n"
            ),
            "client_certificates.id: the proxy ends TLS",
        ),
        (
            format!("{without_keys}[[upstreams]]\nurl = 'http://127.0.0.1:1'\n"),
            "upstreams",
        ),
        (
            without_keys.replace(
                "[client]\nproxies = ['127.0.0.1/32']\nheader = 'x-forwarded-for'\n",
                "",
            ),
            "client.proxies",
        ),
        (
            "[server]\nhosts = ['a.example']\n".to_owned(),
            "routes.path",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = AuthEndpoint::prepare(&file, loopback)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(key) && error.contains("; "),
            "{key}: {error}"
        );
    }
    let open = AuthEndpoint::prepare(&file, ([0, 0, 0, 0], 0).into())
        .await
        .unwrap_err();
    assert!(open.to_string().contains("loopback"), "{open}");
}

/// A refusal of gRPC has status 200, which a proxy takes for an admission.
#[tokio::test]
async fn the_type_of_grpc_does_not_make_a_refusal_an_admission() {
    let endpoint = endpoint().await;
    let typed = |media_type: &str| format!("Content-Type: {media_type}\r\nTE: trailers\r\n");
    for media_type in [
        "application/grpc",
        "application/GRPC+proto",
        "application/grpc-web",
    ] {
        let fields = typed(media_type);
        let nginx = endpoint.nginx("POST", "/voice", &fields).await;
        let asked = |question: &str, fields: &str| {
            format!(
                "{question} HTTP/1.1\r\nHost: tts.example\r\nConnection: close\r\n\
                 X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n{fields}\r\n"
            )
        };
        let described = format!("X-Forwarded-Method: POST\r\nX-Forwarded-Uri: /voice\r\n{fields}");
        let forward = endpoint.ask(&asked("GET /auth/forward", &described)).await;
        let envoy = endpoint
            .ask(&asked("POST /auth/envoy/voice", &fields))
            .await;
        for response in [nginx, forward, envoy] {
            assert_eq!(status(&response), 401, "{media_type}: {response}");
        }
    }
    let key = format!("KEY{}", typed("application/grpc"));
    assert_eq!(status(&endpoint.nginx("POST", "/voice", &key).await), 200);
}
