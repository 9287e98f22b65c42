//! Names of models and voices: listed, found, and replaced by aliases.

use http::StatusCode;
use serde_json::{Value, json};

use super::{SPEECH, check, send, speech};
use crate::support::{CONFIG, TestRequest, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_and_found() {
    let server = TestServer::start().await;
    let list = send(&server, TestRequest::get("/v1/models")).await.json();
    assert_eq!(
        (&list["object"], &list["data"][0]["id"]),
        (&json!("list"), &json!("sambert-hifigan"))
    );
    let one = send(&server, TestRequest::get("/v1/models/sambert-hifigan")).await;
    assert_eq!(one.json(), list["data"][0]);
    let none = send(&server, TestRequest::get("/v1/models/gpt-9")).await;
    check(
        &none,
        404,
        "invalid_request_error",
        "model_not_found",
        &json!("model"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_are_listed_in_both_common_shapes() {
    let config = format!("{CONFIG}[tts.aliases]\nalloy = \"test\"\n");
    let server = TestServer::start_as(&config).await;
    let list = |query| send(&server, TestRequest::get(query));
    let objects = json!([{ "id": "test", "name": "test" }, { "id": "alloy", "name": "alloy" }]);
    for query in ["/v1/audio/voices", "/v1/audio/voices?shape=objects"] {
        assert_eq!(list(query).await.json(), json!({ "voices": objects }));
    }
    let names = list("/v1/audio/voices?shape=names").await.json();
    assert_eq!(names, json!({ "voices": ["test", "alloy"] }));
    let wrong = list("/v1/audio/voices?shape=x").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let guest = server
        .client
        .send(TestRequest::get("/v1/audio/voices"))
        .await;
    assert_eq!(guest.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_aliases_every_name_is_taken_and_the_voice_that_speaks_is_named() {
    let server = TestServer::start().await;
    let body = |more: Value| TestRequest::json(SPEECH, more.to_string());
    for more in [
        json!({ "input": "好" }),
        json!({ "input": "好", "model": "", "voice": "" }),
        json!({ "input": "好", "model": "sambert-hifigan", "voice": "test" }),
    ] {
        let response = send(&server, body(more)).await;
        assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
        assert!(!response.headers.contains_key("x-voice"));
    }
    let other = json!({ "input": "好", "model": "tts-1", "voice": "nova" });
    assert_eq!(send(&server, body(other)).await.header("x-voice"), "test");
    // The server's own route has its own voices.
    let own = TestRequest::json("/tts", r#"{"text":"好","voice":"nova"}"#);
    assert_eq!(server.with_key(own).await.code(), "voice_unknown");
    let trail = server.finish().await;
    assert!(
        trail.requests[3]
            .to_string()
            .contains(r#"{"key":"voice","value":"test"}"#),
        "{}",
        trail.text
    );
    assert!(!trail.requests[1].to_string().contains(r#""key":"voice""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asterisk_is_every_model_and_every_voice() {
    let config = format!("{CONFIG}[tts.aliases]\n\"*\" = [\"sambert-hifigan\", \"test\"]\n");
    let server = TestServer::start_as(&config).await;
    let any = json!({ "model": "tts-1-hd", "voice": "nova" });
    assert_eq!(send(&server, speech(&any)).await.status, StatusCode::OK);
    let model = send(&server, TestRequest::get("/v1/models/tts-1-hd")).await;
    assert_eq!(model.status, StatusCode::OK);
    let models = send(&server, TestRequest::get("/v1/models")).await.json();
    assert_eq!(models["data"].as_array().unwrap().len(), 1);
}
