//! Each preset before a small upstream that behaves like the service it is for.

use std::net::SocketAddr;

use palisade_gateway::{Preset, Settings, explain};

use crate::{
    client::{Running, start, status},
    hyper_upstream::h2c,
    upstream::{OK, Upstream, answering, answering_by, field},
};

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

async fn before(upstream: SocketAddr, preset: &str) -> Running {
    let preset = Preset::named(preset).unwrap();
    start(upstream, |start| start.preset(preset)).await
}

/// Posts JSON with the first key.
async fn post(gateway: &Running, path: &str, body: &str) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHOSTKEYContent-Type: application/json\r\n");
    let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    gateway.send(&format!("{head}{length}")).await
}

/// A server that takes requests for its own name alone, and none of a page elsewhere.
async fn guarded() -> Upstream {
    answering_by(|request, address| {
        let own = address.to_string();
        let is_own = field(request, "host") == Some(own.as_str());
        let origin = field(request, "origin");
        let is_near = origin.is_none_or(|origin| origin == format!("http://{own}"));
        let response = if is_own && is_near { OK } else { FORBIDDEN };
        response.to_owned()
    })
    .await
}

#[test]
fn every_preset_can_be_used_and_has_no_warning() {
    for preset in Preset::all() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::quick_start("http://127.0.0.1:5000")
            .preset(*preset)
            .data(folder.path().join("data"))
            .settings()
            .unwrap();
        let text = explain(&settings).unwrap();
        assert!(text.contains("http://127.0.0.1:5000"), "{text}");
        for code in ["unused-limit", "no-audit", "no-client-limit"] {
            assert!(!text.contains(code), "{preset:?}: {text}");
        }
        assert!(!preset.what().is_empty() && !preset.what().contains('\n'));
        // The file that says the same can be read.
        let file = folder.path().join("gateway.toml");
        let text = settings.as_file().unwrap();
        // The same authority: clients trust it already.
        let tls = folder.path().join("data/tls");
        assert!(
            text.contains(&format!("development_authority = \"{}\"", tls.display())),
            "{text}"
        );
        std::fs::write(&file, text).unwrap();
        Settings::read(&file).unwrap();
    }
}

#[test]
fn an_unknown_preset_is_an_error_with_the_list() {
    let problem = Preset::named("jupiter").unwrap_err().to_string();
    for part in ["`jupiter`", "did you mean `jupyter`?", "comfyui", "vllm"] {
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn an_address_cannot_add_keys_through_a_preset() {
    let folder = tempfile::tempdir().unwrap();
    let start = Settings::quick_start("http://a\"\n[[routes]]\npath='/x'\naccess='public'\n#")
        .preset(Preset::named("mcp").unwrap())
        .data(folder.path().join("data"));
    let problem = start.settings().unwrap_err().to_string();
    assert!(problem.contains("upstreams.url"), "{problem}");
}

#[tokio::test]
async fn openai_cleans_every_text_of_a_chat_and_streams() {
    let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
                  e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    let mut upstream = answering(stream).await;
    let gateway = before(upstream.address, "openai").await;
    let body = r#"{"model":"m","messages":[{"role":"user","content":"a\u0007b"}],"stream":true}"#;
    let response = post(&gateway, "/v1/chat/completions", body).await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(response.contains("data: [DONE]"), "{response}");
    assert!(upstream.request().await.contains(r#""content":"ab""#));
    for (path, body) in [
        ("/v1/completions", r#"{"prompt":"a\u0007b"}"#),
        ("/v1/completions", r#"{"prompt":["a\u0007b"]}"#),
        ("/v1/embeddings", r#"{"input":["a\u0007b"]}"#),
        ("/v1/audio/speech", r#"{"input":"a\u0007b"}"#),
        ("/v1/responses", r#"{"input":"a\u0007b"}"#),
    ] {
        let response = post(&gateway, path, body).await;
        assert_eq!(status(&response), 200, "{path}: {response}");
        let got = upstream.request().await;
        assert!(got.contains("\"ab\""), "{path}: {got}");
    }
    assert_eq!(status(&gateway.get("/v1/models").await), 200);
    for path in ["/v1/files", "/v1/fine_tuning/jobs", "/metrics"] {
        assert_eq!(status(&gateway.get(path).await), 404, "{path}");
    }
}

#[tokio::test]
async fn ollama_gets_its_own_host_and_no_origin_and_keeps_its_models() {
    let mut upstream = guarded().await;
    let gateway = before(upstream.address, "ollama").await;
    let body = r#"{"model":"m","prompt":"a\u0007b"}"#;
    let head = "POST /api/generate HTTP/1.1\r\nHOSTKEYOrigin: https://page.example\r\nContent-Type: application/json\r\n";
    let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let response = gateway.send(&format!("{head}{length}")).await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(upstream.request().await.contains(r#""prompt":"ab""#));
    assert_eq!(status(&gateway.get("/api/tags").await), 200);
    upstream.request().await;
    let pulled = post(&gateway, "/api/pull", r#"{"model":"m"}"#).await;
    assert_eq!(status(&pulled), 403, "{pulled}");
    assert_eq!(status(&post(&gateway, "/api/create", "{}").await), 404);
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn vllm_and_tgi_generate_and_show_no_metrics() {
    for (preset, path, body) in [
        ("vllm", "/v1/completions", r#"{"prompt":"a\u0007b"}"#),
        ("tgi", "/generate", r#"{"inputs":"a\u0007b"}"#),
    ] {
        let mut upstream = answering(OK).await;
        let gateway = before(upstream.address, preset).await;
        assert_eq!(status(&post(&gateway, path, body).await), 200, "{preset}");
        // Health checks may come between.
        while !upstream.request().await.contains(r#":"ab""#) {}
        assert_eq!(status(&gateway.get("/metrics").await), 404, "{preset}");
        let health = gateway.send("GET /health HTTP/1.1\r\nHOST\r\n").await;
        assert_eq!(status(&health), 200, "{preset}");
    }
}

#[tokio::test]
async fn flask_tts_cleans_the_text_of_query_form_and_json() {
    let mut upstream = answering(OK).await;
    let gateway = before(upstream.address, "flask-tts").await;
    assert_eq!(status(&gateway.get("/tts?text=a%07b").await), 200);
    assert!(upstream.request().await.starts_with("GET /tts?text=ab "));
    let spoken = post(&gateway, "/tts", r#"{"text":"a\u0007b"}"#).await;
    assert_eq!(status(&spoken), 200, "{spoken}");
    assert!(upstream.request().await.ends_with(r#"{"text":"ab"}"#));
    let form = "POST /tts HTTP/1.1\r\nHOSTKEYContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\ntext=a%07b";
    assert_eq!(status(&gateway.send(form).await), 200);
    assert!(upstream.request().await.ends_with("text=ab"));
    let keyless = gateway.send("GET /tts?text=a HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&keyless), 401);
}

#[tokio::test]
async fn gradio_gets_the_host_of_the_client() {
    let mut upstream = answering(OK).await;
    let gateway = before(upstream.address, "gradio").await;
    let called = post(&gateway, "/gradio_api/call/predict", r#"{"data":["a"]}"#).await;
    assert_eq!(status(&called), 200, "{called}");
    let host = format!("localhost:{}", gateway.address.port());
    let got = upstream.request().await;
    assert_eq!(field(&got, "host"), Some(host.as_str()), "{got}");
    assert_eq!(
        status(&gateway.get("/gradio_api/call/predict/1").await),
        200
    );
    assert_eq!(status(&gateway.get("/proxy=http://127.0.0.1/").await), 404);
}

#[tokio::test]
async fn jupyter_needs_a_scope_that_the_first_key_does_not_have() {
    let mut upstream = guarded().await;
    let gateway = before(upstream.address, "jupyter").await;
    for path in ["/", "/api/kernels", "/api/contents/secret.ipynb"] {
        let response = gateway.get(path).await;
        assert_eq!(status(&response), 403, "{path}: {response}");
    }
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn comfyui_takes_prompts_from_any_page_that_has_a_key() {
    let mut upstream = guarded().await;
    let gateway = before(upstream.address, "comfyui").await;
    let request = "GET /history HTTP/1.1\r\nHOSTKEYOrigin: https://page.example\r\n\r\n";
    let response = gateway.send(request).await;
    assert_eq!(status(&response), 200, "{response}");
    assert_eq!(status(&post(&gateway, "/prompt", "{}").await), 200);
    upstream.request().await;
    upstream.request().await;
    assert_eq!(status(&post(&gateway, "/interrupt", "{}").await), 403);
    assert_eq!(status(&gateway.get("/manager/reboot").await), 404);
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn grpc_passes_calls_and_trailers() {
    let address = h2c().await;
    let gateway = before(address, "grpc").await;
    let sent = http::HeaderMap::new();
    let (body, trailers) = gateway.call_http2("/voice.Speech/Speak", sent).await;
    assert!(body.starts_with("HTTP/2.0 POST "), "{body}");
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn mcp_has_one_path_and_keeps_sessions() {
    let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: s\r\nContent-Length: 9\r\n\r\ndata: {}\n";
    let mut upstream = answering(events).await;
    let gateway = before(upstream.address, "mcp").await;
    let head = "POST /mcp HTTP/1.1\r\nHOSTKEYContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
                Mcp-Session-Id: s\r\nOrigin: https://page.example\r\nContent-Length: 40\r\n\r\n\
                {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    let response = gateway.send(head).await;
    assert_eq!(status(&response), 200, "{response}");
    assert_eq!(field(&response, "mcp-session-id"), Some("s"), "{response}");
    let got = upstream.request().await;
    assert_eq!(field(&got, "mcp-session-id"), Some("s"), "{got}");
    assert_eq!(field(&got, "origin"), Some("https://page.example"), "{got}");
    assert_eq!(status(&gateway.get("/other").await), 404);
}
