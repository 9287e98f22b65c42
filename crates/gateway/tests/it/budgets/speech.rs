//! Budgets of characters and of sound, before a server that turns text into sound.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{charged, document};
use crate::{
    client::{Running, start_file, status},
    upstream::{Upstream, answering_by},
};

/// Two seconds of a WAV file with 8192 bytes a second. All bytes are ASCII, so it is a text.
fn sound() -> String {
    let header =
        "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\0\x10\0\0\0\x20\0\0\x02\0\x10\0data\0\0\0\0";
    format!("{header}{}", "\0".repeat(16_384))
}

/// A server whose path says how it responds.
async fn speaker() -> Upstream {
    answering_by(|request, _| {
        let (status, more) = match request {
            _ if request.to_ascii_lowercase().contains("\r\nrange:") => ("206 Partial Content", "Content-Range: bytes 0-0/99\r\n"),
            _ if request.contains("busy") => ("429 Too Many Requests", ""),
            _ => ("200 OK", ""),
        };
        let sound = sound();
        // Of a sound that breaks off, more is announced than comes.
        let length = sound.len() + if request.contains("breaks") { 1 } else { 0 };
        format!("HTTP/1.1 {status}\r\nContent-Type: audio/wav\r\n{more}Content-Length: {length}\r\n\r\n{sound}")
    })
    .await
}

const BUDGETS: &str = "[[budgets]]\nname = 'characters'\nunit = 'characters'\namount = 20\nwindow = 'month'\n\
    [[budgets]]\nname = 'sound'\nunit = 'audio_seconds'\namount = 3600\nwindow = 'month'\n\
    [[speech]]\npath = '/tts'\n[metering]\nfree_paths = ['/feedback']\n";

async fn gateway(upstream: &Upstream, budgets: &str) -> Running {
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[audit]\nfile = 'audit.jsonl'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\n{budgets}",
        upstream.address
    );
    start_file(tempfile::tempdir().unwrap(), &file).await
}

fn json(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHOSTContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A `GET` whose text is in its body.
fn read_with_body(path: &str) -> String {
    json(path, r#"{"text":"hello"}"#).replacen("POST", "GET", 1)
}

/// Returns the characters and the milliseconds of sound that one request is charged with.
async fn charged_for(request: &str) -> (u64, u64) {
    let upstream = speaker().await;
    let gateway = gateway(&upstream, BUDGETS).await;
    gateway.send(request).await;
    let folder = gateway.stop().await;
    (
        charged(folder.path(), "characters"),
        charged(folder.path(), "sound"),
    )
}

#[tokio::test]
async fn the_sound_that_passed_is_charged_and_what_is_not_known_is_the_reserve() {
    let get = |query: &str| format!("GET /tts?{query} HTTP/1.1\r\nHOST\r\n");
    assert_eq!(charged_for(&get("text=hello")).await, (5, 2000));
    assert_eq!(
        charged_for(&json("/tts", r#"{"text":"你好"}"#)).await,
        (2, 2000)
    );
    // A part of a file costs the server as much as the whole.
    let part = "GET /tts?text=hello HTTP/1.1\r\nHOSTRange: bytes=0-0\r\n\r\n";
    assert_eq!(charged_for(part).await, (5, 5000));
    assert_eq!(charged_for(&get("text=hello&breaks")).await, (5, 5000));
    assert_eq!(
        charged_for("HEAD /tts?text=hello HTTP/1.1\r\nHOST\r\n").await,
        (5, 5000)
    );
    assert_eq!(
        charged_for(&get("text=hello&busy")).await,
        (0, 0),
        "nothing was spoken"
    );
    assert_eq!(charged_for(&get("voice=a")).await, (0, 0), "it is refused");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_pays_the_reserve() {
    let upstream = speaker().await;
    let gateway = gateway(&upstream, BUDGETS).await;
    let mut stream = gateway.connect().await;
    let request = gateway.fill("GET /tts?text=hello&breaks HTTP/1.1\r\nHOST\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    drop(stream);
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "characters"), 5);
    assert_eq!(charged(folder.path(), "sound"), 5000);
    let trail = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(trail.contains("\"audio_ms\":5000"), "{trail}");
    assert!(
        trail.contains("\"key\":\"budget_estimated\",\"value\":\"cut\""),
        "{trail}"
    );
}

#[tokio::test]
async fn a_text_that_does_not_fit_is_402_and_the_server_is_not_asked() {
    let mut upstream = speaker().await;
    let gateway = gateway(&upstream, BUDGETS).await;
    let spoken = gateway
        .send("GET /tts?text=hello HTTP/1.1\r\nHOST\r\n")
        .await;
    assert_eq!(status(&spoken), 200, "{spoken}");
    upstream.request().await;
    let refused = gateway
        .send(&json("/tts", r#"{"text":"sixteen letters."}"#))
        .await;
    assert_eq!(status(&refused), 402, "{refused}");
    let violated: Value = document(&refused)["violated-budgets"][0].clone();
    assert_eq!(violated["unit"], "characters");
    assert_eq!(
        (&violated["left"], &violated["needed"]),
        (&"15".into(), &"16".into())
    );
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn a_text_on_another_path_is_not_free() {
    let upstream = speaker().await;
    let gateway = gateway(&upstream, BUDGETS).await;
    for (request, expected) in [
        ("GET /TTS?text=hello HTTP/1.1\r\nHOST\r\n".to_owned(), 403),
        ("GET /tts/?text=hello HTTP/1.1\r\nHOST\r\n".to_owned(), 403),
        ("GET /other?TEXT=hello HTTP/1.1\r\nHOST\r\n".to_owned(), 403),
        (json("/other", r#"{"text":"hello"}"#), 403),
        (read_with_body("/TTS"), 403),
        (read_with_body("/tts/"), 403),
        (read_with_body("/v1/chat/completions"), 403),
        (read_with_body("/feedback"), 200),
        (read_with_body("/tts"), 200),
        (json("/feedback", r#"{"text":"hello"}"#), 200),
        ("GET /voices HTTP/1.1\r\nHOST\r\n".to_owned(), 200),
    ] {
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), expected, "{request}: {response}");
    }
}

#[tokio::test]
async fn a_budget_of_money_counts_characters_by_their_price() {
    let money = "[[budgets]]\nname = 'money'\nunit = 'money'\namount = '1'\nwindow = 'month'\n\
        [[speech]]\npath = '/tts'\nprice = '15.00'\n[[speech]]\npath = '/free'\n";
    let upstream = speaker().await;
    let gateway = gateway(&upstream, money).await;
    let spoken = gateway
        .send("GET /tts?text=hello HTTP/1.1\r\nHOST\r\n")
        .await;
    assert_eq!(status(&spoken), 200, "{spoken}");
    let unpriced = gateway
        .send("GET /free?text=hello HTTP/1.1\r\nHOST\r\n")
        .await;
    assert_eq!(status(&unpriced), 403, "{unpriced}");
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "money"), 75, "millionths");
}

#[tokio::test]
async fn a_second_model_of_a_sound_is_refused_where_names_of_models_decide() {
    let rule = "[[model_rules]]\nmodels = ['exact']\n[[speech]]\npath = '/tts'\n[[transcriptions]]\npath = '/t'\n\
        [[budgets]]\nname = 'sound'\nunit = 'audio_seconds'\namount = 3600\nwindow = 'month'\n";
    let upstream = speaker().await;
    let gateway = gateway(&upstream, rule).await;
    let get = |query: &str| format!("GET /tts?model=exact&text=a{query} HTTP/1.1\r\nHOST\r\n");
    let post = |target: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nHOSTContent-Type: audio/mpeg\r\nContent-Length: 3\r\n\r\nabc"
        )
    };
    for (request, expected) in [
        (get(""), 200),
        (get("&models=other"), 400),
        (get("&route=fallback"), 400),
        (
            json("/tts", r#"{"model":"exact","text":"a","models":["other"]}"#),
            400,
        ),
        (
            json("/tts", r#"{"model":"exact","text":"a","models":null}"#),
            200,
        ),
        (json("/tts", r#"{"model":"other","text":"a"}"#), 403),
        (post("/t?model=exact"), 200),
        (post("/t?model=exact&fallbacks[]=other"), 400),
    ] {
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), expected, "{request}: {response}");
    }
}

#[tokio::test]
async fn a_length_that_is_not_known_is_refused_where_seconds_are_counted() {
    let of_characters = "[[budgets]]\nname = 'characters'\nunit = 'characters'\namount = 20\nwindow = 'month'\n\
        [[speech]]\npath = '/tts'\n";
    let long = json("/tts", r#"{"text":"hello","duration":600}"#);
    let several = json("/tts", r#"{"text":"hello","n":5}"#);
    for (budgets, long_is, several_is) in [(BUDGETS, 400, 402), (of_characters, 200, 402)] {
        let upstream = speaker().await;
        let gateway = gateway(&upstream, budgets).await;
        let response = gateway.send(&long).await;
        assert_eq!(status(&response), long_is, "{response}");
        let response = gateway.send(&several).await;
        assert_eq!(
            status(&response),
            several_is,
            "25 characters do not fit: {response}"
        );
    }
}
