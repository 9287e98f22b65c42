//! Holes 7, 8, 10, 13, 24, 25 and 34: a sequence in one machine, resumable, closed exactly once.

use std::sync::Arc;

use palisade_core::{AnyGuard, Chain, GuardLayer, GuardList, Guards};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

type Three = Chain<Scribe, Chain<Scribe, Scribe>>;

fn three(acts: [Act; 3], log: &Log) -> Three {
    let [a, b, c] = acts;
    Chain(
        Scribe::new("a", a, log),
        Chain(Scribe::new("b", b, log), Scribe::new("c", c, log)),
    )
}

async fn run<G: Guards + Clone>(guards: G, log: &Log) -> (u16, Vec<String>) {
    let service = GuardLayer(guards).layer(says("hello"));
    let answer = service.oneshot(get("/")).await.unwrap();
    let (status, _) = text(answer).await;
    (status.as_u16(), taken(log))
}

/// Runs the same acts flattened, behind an `Arc`, with an optional part, in an erased list and stacked.
async fn check(acts: [Act; 3], status: u16, events: &[&str]) {
    let log = log();
    let expected = (
        status,
        events.iter().map(ToString::to_string).collect::<Vec<_>>(),
    );
    assert_eq!(run(three(acts, &log), &log).await, expected, "flattened");
    assert_eq!(
        run(Arc::new(three(acts, &log)), &log).await,
        expected,
        "behind an Arc"
    );
    let optional = Chain(None::<Scribe>, Some(three(acts, &log)));
    assert_eq!(run(optional, &log).await, expected, "optional");
    let Chain(a, Chain(b, c)) = three(acts, &log);
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
        .service(says("hello"));
    let answer = stacked.oneshot(get("/")).await.unwrap();
    assert_eq!(answer.status().as_u16(), status, "stacked");
    drop(answer);
    taken(&log);
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
    check([Act::Admit; 3], 200, &events).await;
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
    check([Act::AdmitLater; 3], 200, &events).await;
    check([Act::Admit, Act::AdmitLater, Act::Admit], 200, &events).await;
    check([Act::FinishLater; 3], 200, &events).await;
}

#[tokio::test]
async fn a_refusal_is_finished_and_closed_by_outer_guards_only() {
    for act in [Act::Refuse, Act::RefuseLater] {
        let log = log();
        let (status, events) = run(three([Act::Admit, act, Act::Admit], &log), &log).await;
        assert_eq!(status, 418);
        let expected = ["a:admit", "b:admit", "a:finish 418"];
        assert_eq!(events[..3], expected);
        assert_eq!(events.len(), 4);
        assert!(events[3].starts_with("a:close complete "));
    }
}

#[tokio::test]
async fn finish_may_replace_the_answer_and_outer_guards_see_the_new_head() {
    for act in [Act::FinishRefuses, Act::FinishRefusesLater] {
        let log = log();
        let (status, events) = run(three([Act::Admit, act, Act::Admit], &log), &log).await;
        assert_eq!(status, 418);
        let finishes = ["c:finish 200", "b:finish 200", "a:finish 418"];
        assert_eq!(events[3..6], finishes);
        // The pass of the guard that refused in `finish` is closed like every other.
        let closed: Vec<&str> = events[6..].iter().map(|event| &event[..7]).collect();
        assert_eq!(closed, ["c:close", "b:close", "a:close"]);
    }
}

#[tokio::test]
async fn a_panic_in_close_does_not_skip_the_other_guards() {
    let log = log();
    let (status, events) = run(
        three([Act::Admit, Act::PanicInClose, Act::Admit], &log),
        &log,
    )
    .await;
    assert_eq!(status, 200);
    let closed: Vec<&str> = events[6..].iter().map(|event| &event[..7]).collect();
    assert_eq!(closed, ["c:close", "b:close", "a:close"]);
}

#[tokio::test]
async fn a_panic_in_a_guard_closes_the_passes_that_were_given() {
    for (act, closed) in [
        (Act::PanicInAdmit, vec!["a:close panicked 0"]),
        (
            Act::PanicInFinish,
            vec![
                "c:close panicked 0",
                "b:close panicked 0",
                "a:close panicked 0",
            ],
        ),
    ] {
        let log = log();
        let guards = three([Act::Admit, act, Act::Admit], &log);
        let service = GuardLayer(guards).layer(says("hello"));
        let joined = tokio::spawn(service.oneshot(get("/"))).await;
        assert!(joined.unwrap_err().is_panic());
        let closes: Vec<String> = taken(&log)
            .into_iter()
            .filter(|e| e.contains("close"))
            .collect();
        assert_eq!(closes, closed);
    }
}

#[tokio::test]
async fn a_request_dropped_while_a_guard_asks_is_cancelled() {
    let log = log();
    let guards = three([Act::Admit, Act::Never, Act::Admit], &log);
    let service = GuardLayer(guards).layer(says("hello"));
    let mut future = Box::pin(service.oneshot(get("/")));
    assert!(futures_util::poll!(&mut future).is_pending());
    drop(future);
    assert_eq!(taken(&log), ["a:admit", "b:admit", "a:close cancelled 0"]);
}

#[tokio::test]
async fn a_guard_applied_twice_shares_the_context_of_the_request() {
    use palisade_core::{Guard, SecurityContext, Verdict, layer};

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
        .service(says(""));
    for _ in 0..2 {
        service.clone().oneshot(get("/")).await.unwrap();
    }
    assert_eq!(taken(&log), ["charged", "charged"], "once a request");
}
