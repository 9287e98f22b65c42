//! The `tracing` span of a request: what its log lines name, and what no client can write into them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use palisade_audit::{AuditLayer, MemorySink};
use palisade_core::{
    ClientInfo, GuardLayer, Principal, Scheme, SecurityContext, TraceLayer, Verdict,
};
use tower::service_fn;

use crate::support::{Body, Does, get, send};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends a request, and returns the lines of the log and the record of the trail.
async fn log_and_record(trace: TraceLayer) -> (String, serde_json::Value) {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _default = tracing::subscriber::set_default(subscriber);
    let memory = MemorySink::new();
    let layer = AuditLayer::builder().sink(memory.clone()).build().unwrap();
    // As an issuer of tokens could have chosen it.
    let knows = Does(|cx: &SecurityContext, _: &mut http::request::Parts| {
        cx.set_client(ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https));
        let who = Principal::builder("jwt", "ann\n2026-12-01 ERROR forged \u{202e}");
        cx.set_principal(who.build()).unwrap();
        Verdict::Admit(())
    });
    let stack = GuardLayer((trace, layer, knows));
    let handler = service_fn(async |_: Request<Body>| {
        tracing::info!("from the handler");
        Ok::<_, std::convert::Infallible>(Response::new(Body::default()))
    });
    let mut request = get("/hello?text=secret");
    let headers = request.headers_mut();
    headers.insert("traceparent", "secret".parse().unwrap());
    headers.insert("tracestate", "secret".parse().unwrap());
    *request.method_mut() = http::Method::from_bytes(b"SECRET").unwrap();
    send(stack, handler, request).await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    (text, serde_json::from_str(&memory.lines()[0]).unwrap())
}

#[tokio::test]
async fn lines_of_the_handler_name_trace_and_principal_and_a_client_writes_no_line() {
    let (text, record) = log_and_record(TraceLayer::new()).await;
    assert_eq!(text.lines().count(), 1, "{text}");
    let trace = record["trace_id"].as_str().unwrap();
    for part in [
        "request{method=\"_OTHER\"",
        &format!("trace_id={trace}"),
        r#"principal="ann\n2026-12-01 ERROR forged \u{202e}""#,
        "from the handler",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.to_lowercase().contains("secret"), "{text}");
}

#[tokio::test]
async fn a_span_without_the_principal_names_it_nowhere() {
    let layer = TraceLayer::builder().without_principal().build();
    let (text, record) = log_and_record(layer).await;
    assert_eq!(text.lines().count(), 1, "{text}");
    let trace = record["trace_id"].as_str().unwrap();
    assert!(text.contains(&format!("trace_id={trace}")), "{text}");
    assert!(
        !text.contains("ann") && !text.contains("principal"),
        "{text}"
    );
}
