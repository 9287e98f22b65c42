//! Metrics: every request and refusal is counted, under labels that no client can grow.

use axum::body::Body;
use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use palisade::metrics::MetricsLayer;

use crate::support::*;

#[test]
fn requests_and_refusals_are_counted_by_template_and_code() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let parts = test_shield();
            let observer = MetricsLayer::builder().clock(parts.clock.shared()).build();
            let app = parts.builder.observe(observer).protect(routes()).unwrap();
            let paths = ["/health", "/speak?text=canary", "/canary-1", "/canary-2"];
            for path in paths {
                let request: Request<Body> = request("GET", path, Some("psk_canary"));
                send_to(&app, request).await;
            }
        });
    });
    let text = handle.render();
    for line in [
        "palisade_requests_total{route=\"/health\",status=\"4xx\",ending=\"complete\"} 1",
        "palisade_refusals_total{guard=\"not_found\",code=\"not_found\"} 2",
        "palisade_refusals_total{guard=\"authenticate\",code=\"unauthenticated\"} 2",
        "palisade_requests_open 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("canary"), "{text}");
}

/// Records that older keys are in force.
#[derive(Clone, Debug)]
struct OlderKeys;

impl palisade::core::Guard for OlderKeys {
    type Pass = ();

    fn name(&self) -> &'static str {
        "older_keys"
    }

    fn admit(
        &self,
        cx: &palisade::core::SecurityContext,
        _: &mut http::request::Parts,
    ) -> palisade::core::Verdict<()> {
        cx.record(palisade::core::Fact::Degraded {
            guard: "api_key",
            what: "keys_stale",
        });
        palisade::core::Verdict::Admit(())
    }
}

#[test]
fn requests_that_older_keys_decide_are_counted() {
    use palisade::core::{GuardLayer, Layer as _};
    use tower::ServiceExt as _;

    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let layer = GuardLayer((MetricsLayer::new(), OlderKeys));
        let service = layer.layer(palisade_core::testing::EmptyOk::default());
        let request = Request::new(palisade_core::testing::TestBody::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        drop(runtime.block_on(service.oneshot(request)).unwrap());
    });
    let line = "palisade_degraded_total{guard=\"api_key\",what=\"keys_stale\"} 1";
    let text = handle.render();
    assert!(text.contains(line), "{line} is not in\n{text}");
}
