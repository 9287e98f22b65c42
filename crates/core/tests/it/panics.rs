//! Guards and renderers that panic: the other guards run, and the client gets 500.

use std::sync::Arc;

use palisade_core::{
    AnyGuard, Guard, GuardLayer, GuardList, GuardService, Guards, SecurityContext, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::{
    sequence::{run, three},
    support::*,
};

#[tokio::test]
async fn a_panic_in_close_does_not_skip_the_other_guards() {
    let log = log();
    let (status, events) = run(
        three(
            [Behavior::Admit, Behavior::PanicInClose, Behavior::Admit],
            &log,
        ),
        &log,
    )
    .await;
    assert_eq!(status, 200);
    let closed: Vec<&str> = events[6..].iter().map(|event| &event[..7]).collect();
    assert_eq!(closed, ["c:close", "b:close", "a:close"]);
}

#[tokio::test]
async fn a_panic_in_a_guard_closes_the_passes_that_were_given() {
    for (behavior, closed) in [
        (Behavior::PanicInAdmit, vec!["a:close panicked 0"]),
        (
            Behavior::PanicInFinish,
            vec![
                "c:close panicked 0",
                "b:close panicked 0",
                "a:close panicked 0",
            ],
        ),
    ] {
        let log = log();
        let guards = three([Behavior::Admit, behavior, Behavior::Admit], &log);
        let service = GuardLayer(guards).layer(responds_with("hello"));
        let joined = tokio::spawn(service.oneshot(get("/"))).await;
        assert!(joined.unwrap_err().is_panic());
        let closes: Vec<String> = take_events(&log)
            .into_iter()
            .filter(|e| e.contains("close"))
            .collect();
        assert_eq!(closes, closed);
    }
}

/// What a sequence of three came to where panics are caught: status, body and events.
async fn run_catching(guards: impl Guards + Clone, log: &Log) -> (u16, String, Vec<String>) {
    let service = GuardService::new(guards, responds_with("hello")).catch_panics();
    let (status, body) = text(service.oneshot(get("/")).await.unwrap()).await;
    (status.as_u16(), body, take_events(log))
}

#[tokio::test]
async fn a_guard_that_panics_in_admit_gets_500_where_panics_are_caught() {
    for behavior in [Behavior::PanicInAdmit, Behavior::PanicInAdmitLater] {
        let log = log();
        let guards = three([Behavior::Admit, behavior, Behavior::Admit], &log);
        let (status, body, events) = run_catching(guards, &log).await;
        assert_eq!(status, 500);
        assert!(body.contains("internal_error"), "{body}");
        assert!(!body.contains("admit"), "the text of the panic: {body}");
        let closed = format!("a:close panicked {}", body.len());
        let expected = ["a:admit", "b:admit", "a:finish 500", &closed];
        assert_eq!(events, expected, "{behavior:?}");
    }
}

#[tokio::test]
async fn a_guard_that_panics_in_finish_replaces_the_response_and_is_not_called_again() {
    for behavior in [Behavior::PanicInFinish, Behavior::PanicInFinishLater] {
        let log = log();
        let guards = three([Behavior::Admit, behavior, Behavior::Admit], &log);
        let (status, body, events) = run_catching(guards, &log).await;
        assert_eq!(status, 500);
        assert!(!body.contains("hello"), "{body}");
        let finishes = ["c:finish 200", "b:finish 200", "a:finish 500"];
        assert_eq!(events[3..6], finishes, "{behavior:?}");
        let closes = ["c", "b", "a"].map(|name| format!("{name}:close panicked {}", body.len()));
        assert_eq!(events[6..], closes, "{behavior:?}");
    }
}

#[tokio::test]
async fn guards_in_a_list_that_panic_get_500_too() {
    for behavior in [Behavior::PanicInAdmit, Behavior::PanicInFinish] {
        let log = log();
        let list = [
            LoggingGuard::new("a", Behavior::Admit, &log),
            LoggingGuard::new("b", behavior, &log),
        ];
        let list: GuardList = list.into_iter().map(AnyGuard::new).collect();
        assert_eq!(run_catching(list, &log).await.0, 500, "{behavior:?}");
    }
}

#[derive(Debug)]
struct PanickingRenderer;

impl palisade_core::Renderer for PanickingRenderer {
    fn render(&self, _: palisade_core::Rejection) -> http::Response<bytes::Bytes> {
        panic!("render")
    }
}

#[tokio::test]
async fn a_renderer_that_panics_is_replaced_by_the_default_one() {
    let log = log();
    let render = palisade_core::RenderLayer::new(PanickingRenderer);
    let guards = (
        render,
        three([Behavior::Admit, Behavior::Refuse, Behavior::Admit], &log),
    );
    let (status, body, events) = run_catching(guards, &log).await;
    assert_eq!(status, 500);
    assert!(body.contains("internal_error"), "{body}");
    assert_eq!(events[2], "a:finish 500");
    assert!(events[3].starts_with("a:close panicked"), "{events:?}");
}

#[tokio::test]
async fn a_panic_of_a_guard_is_recorded_with_its_source() {
    let log = log();
    let (observer, records) = Recorder::new();
    let guards = (
        observer,
        LoggingGuard::new("b", Behavior::PanicInAdmit, &log),
    );
    run_catching(guards, &log).await;
    assert_eq!(
        take_events(&records),
        ["guard internal_error, refused before the handler: true"]
    );
}

/// Writes the refusals of each request down when it is over.
#[derive(Clone, Debug)]
struct Recorder(Log);

impl Recorder {
    fn new() -> (Self, Log) {
        let log = log();
        (Self(Arc::clone(&log)), log)
    }
}

impl Guard for Recorder {
    type Pass = ();

    fn name(&self) -> &'static str {
        "recorder"
    }

    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }

    fn close(&self, cx: &SecurityContext, (): (), _: palisade_core::Outcome) {
        let early = cx.refused_before_handler();
        let mut log = self.0.lock().unwrap();
        cx.with_observations(|observed| {
            for it in observed.refusals() {
                log.push(format!(
                    "{} {}, refused before the handler: {early}",
                    it.guard, it.code
                ));
            }
        });
    }
}
