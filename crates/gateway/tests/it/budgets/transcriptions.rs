//! Budgets of sound that is written down.

use super::{charged, document};
use crate::{
    client::{Running, start_file, status},
    upstream::{Upstream, answering_by},
};

const BUDGETS: &str = "[[budgets]]\nname = 'sound'\nunit = 'audio_seconds'\namount = 60\nwindow = 'month'\n\
    [[transcriptions]]\npath = '/t'\n";

/// A server whose response is what the request names.
async fn listener() -> Upstream {
    answering_by(|request, _| {
        let (media_type, body) = match request {
            _ if request.contains("=text") => ("text/plain", "hello"),
            _ if request.contains("=verbose_json") => {
                ("application/json", r#"{"text":"hello","duration":2.5}"#)
            }
            _ if request.contains("=long") => ("application/json", r#"{"text":"hello","duration":70}"#),
            _ if request.contains("=stream") => (
                "text/event-stream",
                "data: {\"type\":\"transcript.text.delta\",\"delta\":\"hello\"}\n\n\
                 data: {\"type\":\"transcript.text.done\",\"usage\":{\"type\":\"duration\",\"seconds\":3}}\n\n",
            ),
            _ => ("application/json", r#"{"text":"hello","usage":{"type":"duration","seconds":9}}"#),
        };
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{body}")
    })
    .await
}

async fn gateway(upstream: &Upstream, budgets: &str) -> Running {
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[audit]\nfile = 'audit.jsonl'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\n{budgets}",
        upstream.address
    );
    start_file(tempfile::tempdir().unwrap(), &file).await
}

/// A form with a sound of so many bytes, as a client of OpenAI sends it.
fn form(target: &str, fields: &[(&str, &str)], sound: usize) -> String {
    let field = |(name, value): &(&str, &str)| {
        format!("--xy\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: String = fields.iter().map(field).collect();
    let sound = "s".repeat(sound);
    let body = format!(
        "{fields}--xy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\
         Content-Type: audio/mpeg\r\n\r\n{sound}\r\n--xy--\r\n"
    );
    format!(
        "POST {target} HTTP/1.1\r\nHOSTContent-Type: multipart/form-data; boundary=xy\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn format_of(format: &str) -> String {
    form(
        "/t",
        &[("model", "m"), ("response_format", &format!("={format}"))],
        10_000,
    )
}

async fn charged_for(request: &str) -> u64 {
    let upstream = listener().await;
    let gateway = gateway(&upstream, BUDGETS).await;
    let response = gateway.send(request).await;
    assert!(matches!(status(&response), 200 | 400), "{response}");
    let folder = gateway.stop().await;
    charged(folder.path(), "sound")
}

#[tokio::test]
async fn sound_costs_what_the_response_tells_and_its_bytes_where_it_tells_nothing() {
    assert_eq!(charged_for(&format_of("json")).await, 9000);
    assert_eq!(charged_for(&format_of("verbose_json")).await, 2500);
    assert_eq!(charged_for(&format_of("stream")).await, 3000);
    assert_eq!(
        charged_for(&format_of("long")).await,
        70_000,
        "above the reserve"
    );
    let bytes = format_of("text").split_once("\r\n\r\n").unwrap().1.len() as u64;
    assert_eq!(
        charged_for(&format_of("text")).await,
        bytes,
        "a millisecond for each byte"
    );
    let address = r#"{"url":"http://sound.example/a"}"#;
    let named = format!(
        "POST /t HTTP/1.1\r\nHOSTContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{address}",
        address.len()
    );
    assert_eq!(charged_for(&named).await, 0, "it is refused");
}

#[tokio::test]
async fn sound_that_does_not_fit_is_402_and_the_server_is_not_asked() {
    let mut upstream = listener().await;
    let gateway = gateway(&upstream, BUDGETS).await;
    let refused = gateway.send(&form("/t", &[("model", "m")], 61_000)).await;
    assert_eq!(status(&refused), 402, "{refused}");
    assert_eq!(
        document(&refused)["violated-budgets"][0]["unit"],
        "audio_seconds"
    );
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn sound_has_the_models_and_the_price_of_the_file() {
    let money = "[[budgets]]\nname = 'money'\nunit = 'money'\namount = '1'\nwindow = 'month'\n\
        [[transcriptions]]\npath = '/t'\nprice_per_minute = '0.006'\n[[transcriptions]]\npath = '/unpriced'\n\
        [[model_rules]]\nmodels = ['m']\n";
    let upstream = listener().await;
    let gateway = gateway(&upstream, money).await;
    for (target, fields, expected) in [
        ("/t", &[("model", "m")][..], 200),
        ("/t?model=m", &[], 200),
        ("/t", &[("model", "large")], 403),
        ("/t", &[], 403),
        ("/t?model=large", &[("model", "m")], 400),
        ("/unpriced", &[("model", "m")], 403),
        ("/other", &[("model", "m")], 403),
    ] {
        let response = gateway.send(&form(target, fields, 1000)).await;
        assert_eq!(
            status(&response),
            expected,
            "{target} {fields:?}: {response}"
        );
    }
    let folder = gateway.stop().await;
    // Nine seconds each, in millionths.
    assert_eq!(charged(folder.path(), "money"), 2 * 900);
}
