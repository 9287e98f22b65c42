//! Canaries: what must appear nowhere but where it belongs.

use std::fs;

use http::Method;

use crate::support::{TestRequest, TestServer, encode, send_plain};

const SPOKEN: &str = "金丝雀在唱歌";
const REFUSED: &str = "canary-that-is-refused";

#[tokio::test(flavor = "multi_thread")]
async fn key_cookie_and_text_are_in_no_record_and_no_figure() {
    let server = TestServer::start().await;
    let session = server
        .with_key(TestRequest::new(Method::POST, "/session"))
        .await;
    let (cookie, csrf) = (
        session.cookie(),
        session.json()["csrf"].as_str().unwrap().to_owned(),
    );
    server.with_key(TestRequest::speak(SPOKEN)).await;
    server
        .with_key(TestRequest::speak(&format!("坏{SPOKEN}")))
        .await;
    server
        .with_key(TestRequest::get(&format!(
            "/tts?text={REFUSED}&emotion={REFUSED}&{REFUSED}=1"
        )))
        .await;
    server
        .with_key(TestRequest::json(
            "/tts",
            format!("{{\"text\":\"{REFUSED}\",\"{REFUSED}\":1}}"),
        ))
        .await;
    server
        .with_key(TestRequest::json(
            "/tts",
            format!("{{\"ssml\":\"<{REFUSED}?>{SPOKEN}\"}}"),
        ))
        .await;
    server
        .with_key(TestRequest::json(
            "/v1/audio/speech",
            format!(
                "{{\"model\":\"{REFUSED}\",\"voice\":\"{REFUSED}\",\"input\":\"{SPOKEN}\",\"instructions\":\"{REFUSED}\"}}"
            ),
        ))
        .await;
    server
        .client
        .send(TestRequest::speak("好").header("x-api-key", REFUSED))
        .await;
    server
        .client
        .send(TestRequest::speak("好").header("cookie", &cookie))
        .await;
    server
        .client
        .send(
            TestRequest::get("/session")
                .header("cookie", &cookie)
                .header("x-csrf-token", &csrf),
        )
        .await;

    let figures = send_plain(server.metrics, TestRequest::get("/metrics")).await;
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    assert!(figures.contains("palisade_requests_total"), "{figures}");
    let (key, data) = (server.key.clone(), server.data().clone());
    let keys_file = fs::read_to_string(data.join("keys.toml")).unwrap();
    let trail = server.finish().await;
    assert_eq!(trail.count(), 10);
    let secret = key.rsplit('_').nth(1).unwrap();
    let token = cookie.split_once('=').unwrap().1;
    for canary in [
        secret,
        token,
        &csrf,
        SPOKEN,
        REFUSED,
        &encode(SPOKEN),
        "%E9%87%91",
        "金丝雀",
    ] {
        for (place, text) in [
            ("trail", &trail.text),
            ("figures", &figures),
            ("keys", &keys_file),
        ] {
            assert!(!text.contains(canary), "{canary} is in {place}:\n{text}");
        }
    }
}
