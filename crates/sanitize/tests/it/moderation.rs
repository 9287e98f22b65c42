//! A moderator is asked after the free rules, within a deadline, and its verdict is recorded without text.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use palisade_core::{Fact, MaybeReady};
use palisade_sanitize::{
    Field, Moderation, ModerationRequest, ModerationVerdict, Moderator, ModeratorUnavailable,
    PersonalData, SanitizeLayer, SanitizeLayerBuilder, Sanitizer,
};

use crate::support::{Outcome, ask, ask_built, get, json};

type Reply = MaybeReady<Result<ModerationVerdict, ModeratorUnavailable>>;

/// A moderator that replies by a function and keeps what it was asked.
#[derive(Clone)]
struct Recorded<F> {
    asked: Arc<Mutex<Vec<(String, String)>>>,
    reply: F,
}

impl<F: Fn() -> Reply + Send + Sync + 'static> Moderator for Recorded<F> {
    fn name(&self) -> &'static str {
        "model"
    }

    fn moderate(&self, request: ModerationRequest) -> Reply {
        assert!(!format!("{request:?}").contains("hello"));
        let texts = request.texts().iter();
        let texts = texts.map(|text| (text.field().to_owned(), text.text().to_owned()));
        self.asked.lock().unwrap().extend(texts);
        (self.reply)()
    }
}

/// Asks the layer with a moderator, and returns what it was asked.
async fn moderated(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    change: impl FnOnce(Moderation) -> Moderation,
    layer: SanitizeLayerBuilder,
    body: &'static str,
) -> (Outcome, Vec<(String, String)>) {
    let asked = Arc::default();
    let moderator = Recorded {
        asked: Arc::clone(&asked),
        reply,
    };
    let moderation = change(Moderation::new(moderator));
    let outcome = ask(layer.moderation(moderation), json(body)).await;
    let asked = asked.lock().unwrap().clone();
    (outcome, asked)
}

fn layer() -> SanitizeLayerBuilder {
    SanitizeLayer::builder().field(Field::required("/text", Sanitizer::prompt()))
}

fn as_it_is(moderation: Moderation) -> Moderation {
    moderation
}

fn notes(outcome: &Outcome) -> Vec<String> {
    let notes = outcome.facts.iter().filter_map(|fact| match fact {
        Fact::Noted { key, value } if key.starts_with("moderation") => {
            Some(format!("{key} {value}"))
        }
        _ => None,
    });
    notes.collect()
}

fn allow() -> Reply {
    MaybeReady::Ready(Ok(ModerationVerdict::allow()))
}

fn refuse() -> Reply {
    MaybeReady::pending(async { Ok(ModerationVerdict::refuse("violence").with_score(0.97)) })
}

fn fail() -> Reply {
    MaybeReady::Ready(Err(ModeratorUnavailable::new("connection")))
}

#[tokio::test]
async fn a_moderator_sees_the_clean_text_and_its_verdict_is_recorded() {
    let body = r#"{"text":"he\u200bllo 13800138000"}"#;
    let layer = layer().placeholders(PersonalData::new());
    let (outcome, asked) = moderated(allow, as_it_is, layer, body).await;
    let clean = "hello ‹PHONE_1›";
    assert_eq!(outcome.passed().json()["text"], clean);
    assert_eq!(asked, [("/text".to_owned(), clean.to_owned())]);
    assert_eq!(notes(&outcome), ["moderation model: allowed"]);
}

#[tokio::test]
async fn a_refusal_of_the_moderator_is_422_and_tells_the_client_no_reason() {
    let (outcome, _) = moderated(refuse, as_it_is, layer(), r#"{"text":"hello"}"#).await;
    outcome.is_refused(422, "moderation_refused");
    assert!(!outcome.text().contains("violence") && !outcome.text().contains("0.97"));
    let expected = "moderation model: refused, violence, 0.97";
    assert_eq!(notes(&outcome), [expected]);
}

#[tokio::test]
async fn a_flag_lets_the_request_pass_and_records_no_text() {
    let flag = || MaybeReady::Ready(Ok(ModerationVerdict::flag("you wrote: hello")));
    let (outcome, _) = moderated(flag, as_it_is, layer(), r#"{"text":"hello"}"#).await;
    outcome.passed();
    assert_eq!(
        notes(&outcome),
        ["moderation_flagged model: flagged, other"]
    );
}

#[tokio::test]
async fn what_the_free_rules_refuse_never_reaches_the_moderator() {
    let short = || {
        let sanitizer = Sanitizer::builder().max_chars(3).build().unwrap();
        SanitizeLayer::builder().field(Field::required("/text", sanitizer))
    };
    let (outcome, asked) = moderated(allow, as_it_is, short(), r#"{"text":"hello"}"#).await;
    outcome.is_refused(422, "text_too_long");
    assert_eq!((asked.len(), notes(&outcome).len()), (0, 0));
    // Nor does a request without a text.
    let optional = SanitizeLayer::builder().field(Field::optional("/text", Sanitizer::prompt()));
    let (outcome, asked) = moderated(refuse, as_it_is, optional, r#"{"text":""}"#).await;
    outcome.passed();
    assert_eq!(asked.len(), 0);
}

#[tokio::test]
async fn a_moderator_that_fails_refuses_the_request_unless_the_loud_name_says_otherwise() {
    let body = r#"{"text":"hello"}"#;
    let (outcome, _) = moderated(fail, as_it_is, layer(), body).await;
    outcome.is_refused(503, "moderation_unavailable");
    assert_eq!(outcome.headers["retry-after"], "1");
    assert_eq!(
        notes(&outcome),
        ["moderation model: unavailable, connection"]
    );

    let open = Moderation::dangerously_fail_open;
    let (outcome, _) = moderated(fail, open, layer(), body).await;
    outcome.passed();
    let degraded = Fact::Degraded {
        guard: "sanitize",
        what: "moderation_unavailable",
    };
    assert!(outcome.facts.contains(&degraded), "{:?}", outcome.facts);
    // A verdict counts in both modes.
    let (outcome, _) = moderated(refuse, open, layer(), body).await;
    outcome.is_refused(422, "moderation_refused");
}

#[tokio::test(start_paused = true)]
async fn a_moderator_that_hangs_is_left_at_the_deadline() {
    let hang = || MaybeReady::pending(pending());
    let before = tokio::time::Instant::now();
    let (outcome, _) = moderated(hang, as_it_is, layer(), r#"{"text":"hello"}"#).await;
    outcome.is_refused(503, "moderation_unavailable");
    assert_eq!(notes(&outcome), ["moderation model: unavailable, deadline"]);
    assert_eq!(before.elapsed().as_secs(), 2);

    let shorter = |moderation: Moderation| moderation.deadline(Duration::from_secs(1));
    let before = tokio::time::Instant::now();
    moderated(hang, shorter, layer(), r#"{"text":"hello"}"#).await;
    assert_eq!(before.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_the_bound_are_moderated_at_the_same_time() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let moderator = Recorded {
        asked: Arc::default(),
        reply: move || {
            counted.fetch_add(1, Ordering::Relaxed);
            MaybeReady::pending(pending())
        },
    };
    let moderation = Moderation::new(moderator).max_concurrent(2);
    let layer = layer().moderation(moderation).build().unwrap();
    let requests = (0..5).map(|_| ask_built(layer.clone(), json(r#"{"text":"hello"}"#)));
    for outcome in futures_util::future::join_all(requests).await {
        outcome.is_refused(503, "moderation_unavailable");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    // The places are free again.
    ask_built(layer, json(r#"{"text":"hello"}"#)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn in_shadow_a_verdict_is_only_recorded() {
    let body = r#"{"text":"hel\u200blo"}"#;
    for reply in [refuse as fn() -> Reply, fail] {
        let shadow = Moderation::dangerously_only_shadow;
        let (outcome, _) = moderated(reply, shadow, layer(), body).await;
        assert_eq!(outcome.passed().json()["text"], "hello");
        assert_eq!(outcome.would_refuse.len(), 1);

        let whole = layer().dangerously_only_shadow();
        let (outcome, asked) = moderated(reply, as_it_is, whole, body).await;
        assert_eq!(outcome.passed().json()["text"], "hel\u{200b}lo");
        assert_eq!(asked.len(), 1);
        assert_eq!(outcome.would_refuse.len(), 1);
    }
}

#[tokio::test]
async fn texts_of_a_query_are_moderated_too() {
    let moderator = Recorded {
        asked: Arc::default(),
        reply: refuse,
    };
    let asked = Arc::clone(&moderator.asked);
    let layer = SanitizeLayer::builder().field(Field::required("text", Sanitizer::prompt()));
    let layer = layer.moderation(Moderation::shared(Arc::new(moderator)));
    ask(layer, get("/tts?text=hello"))
        .await
        .is_refused(422, "moderation_refused");
    assert_eq!(*asked.lock().unwrap(), [("text".into(), "hello".into())]);
}
