//! Sound in every format that is offered.

use crate::support::{LETTER, RATE, TestRequest, TestResponse, TestServer};

async fn ask(server: &TestServer, format: &str, more: &str) -> TestResponse {
    let ask = TestRequest::speak("今天天气").and(&format!("format={format}{more}"));
    server.with_key(ask).await
}

fn pcm(response: &TestResponse) -> Vec<i32> {
    let pairs = response.body.chunks_exact(2);
    pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]).into())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pcm_says_in_its_type_what_it_is() {
    let server = TestServer::start().await;
    let response = ask(&server, "pcm", "").await;
    let kind = "audio/pcm; rate=16000; channels=1; encoding=s16le";
    assert_eq!(response.header("content-type"), kind);
    assert_eq!(response.header("x-audio-seconds"), "0.400");
    assert_eq!(pcm(&response).len(), 4 * LETTER);
}

#[tokio::test(flavor = "multi_thread")]
async fn flac_holds_the_samples_of_pcm_whole_or_streamed() {
    let server = TestServer::start().await;
    let expected = pcm(&ask(&server, "pcm", "").await);
    for (more, count) in [("", Some(expected.len() as u64)), ("&stream=true", None)] {
        let response = ask(&server, "flac", more).await;
        assert_eq!(response.header("content-type"), "audio/flac");
        let mut reader = claxon::FlacReader::new(&response.body[..]).unwrap();
        assert_eq!(reader.streaminfo().samples, count);
        assert_eq!(reader.streaminfo().sample_rate, RATE);
        let decoded: Vec<i32> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(decoded, expected);
        assert!(response.body.len() < 2 * expected.len());
    }
}

#[cfg(feature = "opus")]
#[tokio::test(flavor = "multi_thread")]
async fn opus_is_small_and_of_the_same_length_whole_or_streamed() {
    let server = TestServer::start().await;
    let whole = ask(&server, "opus", "").await;
    assert_eq!(whole.header("content-type"), "audio/ogg; codecs=opus");
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert!(whole.body.starts_with(b"OggS") && whole.body.len() < LETTER * 8 / 3);
    // The last page says how many samples of 48 kHz there are, with those to be skipped at the start.
    let last = whole
        .body
        .windows(4)
        .rposition(|bytes| bytes == b"OggS")
        .unwrap();
    let position = whole.body[last + 6..last + 14].try_into().unwrap();
    assert_eq!(u64::from_le_bytes(position), 4 * LETTER as u64 * 3 + 312);
    let streamed = ask(&server, "opus", "&stream=true").await;
    assert_eq!(streamed.body, whole.body);
}

#[cfg(feature = "mp3")]
#[tokio::test(flavor = "multi_thread")]
async fn mp3_is_small_and_a_whole_file_says_where_the_sound_begins_and_ends() {
    let server = TestServer::start().await;
    let whole = ask(&server, "mp3", "").await;
    assert_eq!(whole.header("content-type"), "audio/mpeg");
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert_eq!(whole.header("x-audio-seconds"), "0.400");
    assert!(whole.body.windows(4).any(|bytes| bytes == b"Info"));
    // 64,000 bits a second, a few frames at both ends, and the one that says so.
    assert!(whole.body.len() < 3_200 + 6 * 288, "{}", whole.body.len());
    let streamed = ask(&server, "mp3", "&stream=true").await;
    assert_eq!(streamed.header("content-type"), "audio/mpeg");
    assert!(whole.body.ends_with(&streamed.body) && whole.body.len() > streamed.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_there_is_not_is_refused_with_those_that_there_are() {
    let server = TestServer::start().await;
    let offer = server.with_key(TestRequest::get("/voices")).await.json();
    let refused = ask(&server, "aac", "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (422, "format_unavailable")
    );
    assert_eq!(refused.json()["field"], "format");
    assert_eq!(refused.json()["formats"], offer["voices"][0]["formats"]);
}
