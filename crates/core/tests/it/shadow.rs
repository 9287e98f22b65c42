//! In shadow a refusal is recorded, and the request continues.

use http::Request;
use palisade_core::{GuardLayer, SecurityContext};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

#[tokio::test]
async fn a_refusal_in_shadow_is_recorded() {
    for behavior in [Behavior::Refuse, Behavior::RefuseLater] {
        let log = log();
        let guards = (
            LoggingGuard::new("a", Behavior::Admit, &log),
            LoggingGuard::new("b", behavior, &log).shadow(),
        );
        let inner = tower::service_fn(async |request: Request<TestBody>| {
            let cx = SecurityContext::of(request.extensions()).unwrap();
            assert_eq!(cx.refusal(), None);
            cx.with_observations(|observed| {
                let [shadow] = observed.shadow_refusals() else {
                    panic!("{observed:?}");
                };
                assert_eq!((shadow.value.guard, shadow.value.code), ("b", "b"));
                assert_eq!(shadow.value.reason.as_deref(), Some("private"));
                assert_eq!(observed.refusals().count(), 0);
            });
            Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::from("in")))
        });
        let response = GuardLayer(guards)
            .layer(inner)
            .oneshot(get("/"))
            .await
            .unwrap();
        assert_eq!(text(response).await.1, "in");
        let events = take_events(&log);
        assert!(
            !events.iter().any(|event| event.starts_with("b:close")),
            "no pass, no close"
        );
    }
}

#[tokio::test]
async fn a_refusal_in_finish_in_shadow_does_not_change_the_response() {
    let log = log();
    let guard = LoggingGuard::new("b", Behavior::FinishRefuses, &log).shadow();
    let response = GuardLayer(guard)
        .layer(responds_with("hello"))
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(text(response).await, (http::StatusCode::OK, "hello".into()));
    assert_eq!(
        take_events(&log),
        ["b:admit", "b:finish 200", "b:close complete 5"]
    );
}
