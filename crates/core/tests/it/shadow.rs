//! Hole 30: in shadow a refusal is a fact, and the request goes on.

use http::Request;
use palisade_core::{GuardLayer, SecurityContext};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

#[tokio::test]
async fn a_refusal_in_shadow_becomes_a_fact() {
    for act in [Act::Refuse, Act::RefuseLater] {
        let log = log();
        let guards = (
            Scribe::new("a", Act::Admit, &log),
            Scribe::new("b", act, &log).shadow(),
        );
        let inner = tower::service_fn(async |request: Request<TestBody>| {
            let cx = SecurityContext::of(request.extensions()).unwrap();
            assert_eq!(cx.refusal(), None);
            cx.with_observations(|seen| {
                let [shadow] = seen.shadow_refusals() else {
                    panic!("{seen:?}");
                };
                assert_eq!((shadow.value.guard, shadow.value.code), ("b", "b"));
                assert_eq!(shadow.value.reason.as_deref(), Some("private"));
                assert_eq!(seen.refusals().count(), 0);
            });
            Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::from("in")))
        });
        let answer = GuardLayer(guards)
            .layer(inner)
            .oneshot(get("/"))
            .await
            .unwrap();
        assert_eq!(text(answer).await.1, "in");
        let events = taken(&log);
        assert!(
            !events.iter().any(|event| event.starts_with("b:close")),
            "no pass, no close"
        );
    }
}

#[tokio::test]
async fn a_refusal_in_finish_of_a_shadow_leaves_the_answer_alone() {
    let log = log();
    let guard = Scribe::new("b", Act::FinishRefuses, &log).shadow();
    let answer = GuardLayer(guard)
        .layer(says("hello"))
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(text(answer).await, (http::StatusCode::OK, "hello".into()));
    assert_eq!(
        taken(&log),
        ["b:admit", "b:finish 200", "b:close complete 5"]
    );
}
