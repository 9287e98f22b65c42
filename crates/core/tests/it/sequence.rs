//! A sequence of guards in one service: resumable, and each guard closed exactly once.

use std::sync::Arc;

use palisade_core::{
    AnyGuard, Guard, GuardLayer, GuardList, Guards, Mode, SecurityContext, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

type Three = (LoggingGuard, LoggingGuard, LoggingGuard);

pub(crate) fn three(behaviors: [Behavior; 3], log: &Log) -> Three {
    let [a, b, c] = behaviors;
    (
        LoggingGuard::new("a", a, log),
        LoggingGuard::new("b", b, log),
        LoggingGuard::new("c", c, log),
    )
}

pub(crate) async fn run<G: Guards + Clone>(guards: G, log: &Log) -> (u16, Vec<String>) {
    let service = GuardLayer(guards).layer(responds_with("hello"));
    let response = service.oneshot(get("/")).await.unwrap();
    let (status, _) = text(response).await;
    (status.as_u16(), take_events(log))
}

/// Runs the same behaviors flattened, behind an `Arc`, with an optional part, in an erased list and stacked.
async fn check(behaviors: [Behavior; 3], status: u16, events: &[&str]) {
    let log = log();
    let expected = (
        status,
        events.iter().map(ToString::to_string).collect::<Vec<_>>(),
    );
    assert_eq!(
        run(three(behaviors, &log), &log).await,
        expected,
        "flattened"
    );
    assert_eq!(
        run(Arc::new(three(behaviors, &log)), &log).await,
        expected,
        "behind an Arc"
    );
    let optional = (None::<LoggingGuard>, Some(three(behaviors, &log)));
    assert_eq!(run(optional, &log).await, expected, "optional");
    let (a, b, c) = three(behaviors, &log);
    let nested = (a.clone(), (b.clone(), (c.clone(),)));
    assert_eq!(run(nested, &log).await, expected, "nested");
    let list: GuardList = [&a, &b, &c]
        .into_iter()
        .cloned()
        .map(AnyGuard::new)
        .collect();
    assert_eq!(run(list, &log).await, expected, "in a list");
    let stacked = tower::ServiceBuilder::new()
        .layer(a)
        .layer(b)
        .layer(c)
        .service(responds_with("hello"));
    let response = stacked.oneshot(get("/")).await.unwrap();
    assert_eq!(response.status().as_u16(), status, "stacked");
    drop(response);
    take_events(&log);
}

#[tokio::test]
async fn guards_admit_inwards_and_finish_and_close_outwards() {
    let events = [
        "a:admit",
        "b:admit",
        "c:admit",
        "c:finish 200",
        "b:finish 200",
        "a:finish 200",
        "c:close complete 5",
        "b:close complete 5",
        "a:close complete 5",
    ];
    check([Behavior::Admit; 3], 200, &events).await;
}

#[test]
fn a_sequence_lists_the_guards_that_are_there_in_their_order() {
    let log = log();
    let guard = |name| LoggingGuard::new(name, Behavior::Admit, &log);
    let list: GuardList = [
        AnyGuard::new(guard("c")),
        AnyGuard::new(guard("d").shadow()),
    ]
    .into_iter()
    .collect();
    let guards = (
        guard("a"),
        None::<LoggingGuard>,
        (guard("b"), list),
        Arc::new(guard("e")),
    );
    assert_eq!(guards.guard_names(), ["a", "b", "c", "d", "e"]);
    let shadows = guards.list_guards().into_iter();
    let shadows: Vec<_> = shadows.filter(|it| it.mode == Mode::Shadow).collect();
    assert_eq!(shadows.len(), 1);
    assert_eq!(shadows[0].name, "d");
}

#[tokio::test]
async fn twenty_guards_in_one_tuple_run_in_their_order() {
    let log = log();
    let mut names = (b'a'..=b't').map(|letter| &*char::from(letter).to_string().leak());
    let mut next = || LoggingGuard::new(names.next().unwrap(), Behavior::AdmitLater, &log);
    let guards = (
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
    );
    let order: String = guards.guard_names().concat();
    assert_eq!(order, "abcdefghijklmnopqrst");
    let (status, events) = run(guards, &log).await;
    assert_eq!(status, 200);
    let of = |what: &str| -> String {
        let named = events.iter().filter(|event| event.contains(what));
        named.map(|event| &event[..1]).collect()
    };
    assert_eq!(of(":admit"), order);
    let outwards: String = order.chars().rev().collect();
    assert_eq!((of(":finish"), of(":close")), (outwards.clone(), outwards));
}

#[tokio::test]
async fn a_later_verdict_suspends_the_sequence_and_resumes_it() {
    let events = [
        "a:admit",
        "b:admit",
        "c:admit",
        "c:finish 200",
        "b:finish 200",
        "a:finish 200",
        "c:close complete 5",
        "b:close complete 5",
        "a:close complete 5",
    ];
    check([Behavior::AdmitLater; 3], 200, &events).await;
    check(
        [Behavior::Admit, Behavior::AdmitLater, Behavior::Admit],
        200,
        &events,
    )
    .await;
    check([Behavior::FinishLater; 3], 200, &events).await;
}

#[tokio::test]
async fn a_refusal_is_finished_and_closed_by_outer_guards_only() {
    for behavior in [Behavior::Refuse, Behavior::RefuseLater] {
        let log = log();
        let (status, events) = run(
            three([Behavior::Admit, behavior, Behavior::Admit], &log),
            &log,
        )
        .await;
        assert_eq!(status, 418);
        let expected = ["a:admit", "b:admit", "a:finish 418"];
        assert_eq!(events[..3], expected);
        assert_eq!(events.len(), 4);
        assert!(events[3].starts_with("a:close complete "));
    }
}

#[tokio::test]
async fn finish_may_replace_the_response_and_outer_guards_see_the_new_head() {
    for behavior in [Behavior::FinishRefuses, Behavior::FinishRefusesLater] {
        let log = log();
        let (status, events) = run(
            three([Behavior::Admit, behavior, Behavior::Admit], &log),
            &log,
        )
        .await;
        assert_eq!(status, 418);
        let finishes = ["c:finish 200", "b:finish 200", "a:finish 418"];
        assert_eq!(events[3..6], finishes);
        // The pass of the guard that refused in `finish` is closed like every other.
        let closed: Vec<&str> = events[6..].iter().map(|event| &event[..7]).collect();
        assert_eq!(closed, ["c:close", "b:close", "a:close"]);
    }
}

#[tokio::test]
async fn a_request_dropped_while_a_guard_decides_is_cancelled() {
    let log = log();
    let guards = three([Behavior::Admit, Behavior::Never, Behavior::Admit], &log);
    let service = GuardLayer(guards).layer(responds_with("hello"));
    let mut future = Box::pin(service.oneshot(get("/")));
    assert!(futures_util::poll!(&mut future).is_pending());
    drop(future);
    assert_eq!(
        take_events(&log),
        ["a:admit", "b:admit", "a:close cancelled 0"]
    );
}

#[tokio::test]
async fn a_guard_applied_twice_shares_the_context_of_the_request() {
    use palisade_core::layer;

    #[derive(Clone, Debug)]
    struct Once(Log);
    layer!(Once);
    impl Guard for Once {
        type Pass = ();
        fn name(&self) -> &'static str {
            "once"
        }
        fn admit(&self, cx: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
            if cx.first_visit(Arc::as_ptr(&self.0).addr()) {
                self.0.lock().unwrap().push("charged".into());
            }
            Verdict::Admit(())
        }
    }

    let log = log();
    let once = Once(Arc::clone(&log));
    let service = tower::ServiceBuilder::new()
        .layer(once.clone())
        .layer(once)
        .service(responds_with(""));
    for _ in 0..2 {
        service.clone().oneshot(get("/")).await.unwrap();
    }
    assert_eq!(take_events(&log), ["charged", "charged"], "once a request");
}

#[tokio::test]
async fn a_future_polled_after_its_end_returns_500_and_never_waits_for_a_waker() {
    let log = log();
    let guards = three([Behavior::AdmitLater; 3], &log);
    let mut service = GuardLayer(guards).layer(responds_with("hello"));
    let mut future = std::pin::pin!(tower::Service::call(&mut service, get("/")));
    assert_eq!(future.as_mut().await.unwrap().status(), 200);
    let again = futures_util::poll!(future.as_mut());
    let std::task::Poll::Ready(Ok(again)) = again else {
        panic!("it waits, and no one will wake it");
    };
    assert_eq!(
        text(again).await,
        (http::StatusCode::INTERNAL_SERVER_ERROR, String::new())
    );
    assert!(futures_util::poll!(future).is_ready());
}
