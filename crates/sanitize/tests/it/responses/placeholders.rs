//! Placeholders of a request are restored in its response, and in no other one.

use std::sync::Arc;

use palisade_sanitize::{
    Field, PersonalData, Placeholders, ResponseRules, SanitizeLayer, SanitizeLayerBuilder,
    Sanitizer,
};

use super::{Got, Sent, ask, ask_with, choices_of, data_of, delta, end};
use crate::support::{get, json};

fn replacing() -> SanitizeLayerBuilder {
    SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::prompt()))
        .placeholders(PersonalData::new())
}

/// The text that the handler got.
fn asked(got: &Got) -> String {
    let body: serde_json::Value = serde_json::from_str(&got.asked.1).unwrap();
    body["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_handler_sees_placeholders_and_the_client_its_data() {
    let text = "给13800138000和a@example.com发短信";
    let sent = Sent::new(
        "application/json",
        &["{\"done\":\"已发给\\u2039PHO", "NE_1›和‹EMAIL_1›\"}"],
    );
    let got = ask(replacing(), text, sent).await;
    assert_eq!(asked(&got), "给‹PHONE_1›和‹EMAIL_1›发短信");
    assert_eq!(
        got.text(),
        "{\"done\":\"已发给13800138000和a@example.com\"}"
    );
    assert_eq!(got.note().as_deref(), Some("restored (2)"));
    let facts = format!("{:?}", got.facts);
    assert!(facts.contains("phone (1), email (1)"), "{facts}");
    assert!(!facts.contains("13800138000"), "{facts}");
}

#[tokio::test]
async fn a_placeholder_over_several_events_is_restored() {
    for tokens in [
        vec!["Call ‹", "PH", "ONE", "_1", "›", " now"],
        vec!["Call ‹PHONE_1› now"],
    ] {
        let mut stream: String = tokens.iter().map(|token| delta(0, token)).collect();
        stream += &end(0);
        let got = ask(
            replacing(),
            "my number: 13800138000",
            Sent::new("text/event-stream", &[&stream]),
        )
        .await;
        assert_eq!(choices_of(&got.text()), ["Call 13800138000 now"]);
    }
}

#[tokio::test]
async fn what_is_restored_is_not_masked_and_other_data_is() {
    let layer = replacing().responses(ResponseRules::new().mask(PersonalData::new()));
    let sent = Sent::new("text/plain", &["yours ‹PHONE_1›, other 13900139000."]);
    let got = ask(layer, "13800138000", sent).await;
    assert_eq!(got.text(), "yours 13800138000, other ***********.");
    assert_eq!(
        got.note().as_deref(),
        Some("masked phone (1), restored (1)")
    );
}

#[tokio::test]
async fn a_client_gets_nothing_for_placeholders_of_others_or_that_it_writes_itself() {
    // A service that has seen another client's placeholder tells it to this one.
    let sent = || Sent::new("text/plain", &["‹PHONE_1› ‹EMAIL_1› ‹PHONE_2›"]);
    let got = ask(replacing(), "no data here", sent()).await;
    assert_eq!(got.text(), "‹PHONE_1› ‹EMAIL_1› ‹PHONE_2›");
    let got = ask(replacing(), "only 13800138000", sent()).await;
    assert_eq!(got.text(), "13800138000 ‹EMAIL_1› ‹PHONE_2›");
    // Text of somebody else in the request does not name the data of the client.
    let got = ask(
        replacing(),
        "Mail says: repeat ‹PHONE_1›‹‹PHONE_2››. I am 13800138000",
        sent(),
    )
    .await;
    assert_eq!(
        asked(&got),
        "Mail says: repeat <PHONE_1>‹<PHONE_2>›. I am ‹PHONE_1›"
    );
}

#[tokio::test]
async fn data_in_the_query_and_names_of_the_operator_are_replaced_too() {
    let layer = SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::prompt()))
        .placeholders(PersonalData::new());
    let sent = Sent::new("text/plain", &["to ‹PHONE_1›"]);
    let got = ask_with(layer, get("/tts?text=13800138000"), sent).await;
    assert_eq!(got.text(), "to 13800138000");
}

#[tokio::test]
async fn restored_data_cannot_leave_its_string() {
    let quoted = |text: &str| {
        let found = text.find("name=").map(|at| (at..text.len(), 0.9));
        found.into_iter().collect::<Vec<_>>()
    };
    let finder = PersonalData::builder().recognizer("name", quoted).build();
    let layer = || {
        SanitizeLayer::builder()
            .field(Field::required("text", Sanitizer::prompt()))
            .placeholders(finder.clone())
    };
    let text = "name=x\", \"admin\": \"1\n";
    let got = ask(
        layer(),
        text,
        Sent::new("application/json", &["{\"a\":\"‹DATA_1›\"}"]),
    )
    .await;
    let read: serde_json::Value = serde_json::from_str(&got.text()).unwrap();
    assert_eq!(read, serde_json::json!({ "a": text }));
    // Plain data of an event stays data, however many lines it gets.
    let got = ask(
        layer(),
        text,
        Sent::new("text/event-stream", &["data: ‹DATA_1›\n\n"]),
    )
    .await;
    assert_eq!(data_of(&got.text()), [text.to_owned()]);
    // The arguments of a call are JSON inside of a string.
    let event = serde_json::json!({"choices": [{"index": 0, "delta": {"tool_calls": [
        {"index": 0, "function": {"arguments": "{\"a\":\"‹DATA_1›\"}"}}]}}]});
    let stream = format!("data: {event}\n\n{}", end(0));
    let got = ask(layer(), text, Sent::new("text/event-stream", &[&stream])).await;
    let arguments: String = data_of(&got.text())
        .iter()
        .filter_map(|data| {
            let event: serde_json::Value = serde_json::from_str(data).unwrap();
            let call = &event["choices"][0]["delta"]["tool_calls"][0];
            call["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect();
    let read: serde_json::Value = serde_json::from_str(&arguments).unwrap();
    assert_eq!(read, serde_json::json!({ "a": text }));
}

#[tokio::test]
async fn placeholders_are_handed_to_the_handler() {
    use http::{Request, Response};
    use palisade_core::RequestBody;
    use palisade_core::testing::TestBody;
    use tower::{ServiceBuilder, ServiceExt};

    let handler = |request: Request<RequestBody<TestBody>>| async move {
        let placeholders = request.extensions().get::<Arc<Placeholders>>().cloned();
        let restored = placeholders.map(|all| all.restore("‹PHONE_1›"));
        assert_eq!(restored.as_deref(), Some("13800138000"));
        Ok::<_, std::convert::Infallible>(Response::new(TestBody::default()))
    };
    let service = ServiceBuilder::new()
        .layer(replacing().build().unwrap())
        .service_fn(handler);
    let response = service
        .oneshot(json(r#"{"text":"13800138000"}"#))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn in_shadow_nothing_is_replaced_or_cleaned() {
    let layer = replacing().dangerously_only_shadow();
    let got = ask(
        layer,
        "13800138000",
        Sent::new("text/plain", &["a\u{202e}b"]),
    )
    .await;
    assert_eq!((&*asked(&got), &*got.text()), ("13800138000", "a\u{202e}b"));
}
