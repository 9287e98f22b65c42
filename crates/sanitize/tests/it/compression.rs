//! Compressed bodies: decompressed within limits, and handed on as what they are then.

use std::io::Write;

use http::Request;
use palisade_core::Fact;
use palisade_core::testing::TestBody;
use palisade_sanitize::{ContentCoding, Field, SanitizeLayer, SanitizeLayerBuilder, Sanitizer};

use crate::support::{Outcome, ask, json, post, speech};

const CLEAN: &str = r#"{"text":"今天天气很好"}"#;
const UNCLEAN: &str = "{\"text\":\"a\u{202e}b\"}";

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(plain: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(plain, 3).unwrap()
}

/// Brotli without compression: the header, stored blocks of at most 64 KiB, and an empty last block.
fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0, 1); // a window of 16 bits
    for block in plain.chunks(1 << 16) {
        bits.push(0, 1); // not the last
        bits.push(0, 2); // the length has four nibbles
        bits.push(block.len() as u32 - 1, 16);
        bits.push(1, 1); // stored
        bits.align();
        bits.bytes.extend_from_slice(block);
    }
    bits.push(0b11, 2); // the last, empty
    bits.align();
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    last: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.last |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.last as u8);
            self.last >>= 8;
            self.count -= 8;
        }
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.push(0, 8 - self.count);
        }
    }
}

fn compress(coding: ContentCoding, plain: &[u8]) -> Vec<u8> {
    match coding {
        ContentCoding::Brotli => brotli(plain),
        ContentCoding::Gzip => gzip(plain),
        ContentCoding::Zstd => zstandard(plain),
        other => panic!("{other}"),
    }
}

fn encoded(coding: &str, body: Vec<u8>) -> Request<TestBody> {
    let mut request = json(body);
    let headers = request.headers_mut();
    headers.insert("content-encoding", coding.parse().unwrap());
    headers.insert("content-digest", "sha-256=:AAAA:".parse().unwrap());
    request
}

fn accepting() -> SanitizeLayerBuilder {
    speech().accept_compressed(ContentCoding::ALL)
}

async fn send(coding: ContentCoding, body: Vec<u8>) -> Outcome {
    ask(accepting(), encoded(coding.name(), body)).await
}

/// The body is plain, and its head agrees.
#[track_caller]
fn is_plain(outcome: &Outcome, text: &str) {
    assert_eq!(outcome.passed().text(), text);
    assert_eq!(outcome.headers["x-content-length"], text.len().to_string());
    for gone in [
        "x-content-encoding",
        "x-content-digest",
        "x-transfer-encoding",
    ] {
        assert!(!outcome.headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn compressed_text_is_cleaned_and_handed_on_plain() {
    for coding in ContentCoding::ALL {
        is_plain(
            &send(coding, compress(coding, CLEAN.as_bytes())).await,
            CLEAN,
        );
        let cleaned = send(coding, compress(coding, UNCLEAN.as_bytes())).await;
        is_plain(&cleaned, r#"{"text":"ab"}"#);
        let lengths = format!(
            "{coding}: {} to {} bytes",
            compress(coding, UNCLEAN.as_bytes()).len(),
            UNCLEAN.len()
        );
        let noted = Fact::Noted {
            key: "body_decompressed",
            value: lengths.into(),
        };
        assert!(cleaned.facts.contains(&noted), "{:?}", cleaned.facts);
        let refused = send(coding, compress(coding, br#"{"text":1}"#)).await;
        refused.is_refused(422, "field_not_text");
    }
    let outcome = ask(accepting(), encoded("X-GZip", gzip(CLEAN.as_bytes()))).await;
    is_plain(&outcome, CLEAN);
}

/// Made by another program, with its compression.
#[tokio::test]
async fn brotli_of_another_encoder_is_read() {
    let hex = "0b0e807b2274657874223a22e4bb8ae5a4a9e5a4a9e6b094e5be88e5a5bd227d03";
    let body = data_encoding(hex);
    is_plain(&send(ContentCoding::Brotli, body).await, CLEAN);
}

fn data_encoding(hex: &str) -> Vec<u8> {
    let digits = hex
        .as_bytes()
        .chunks(2)
        .map(|two| std::str::from_utf8(two).unwrap());
    digits
        .map(|two| u8::from_str_radix(two, 16).unwrap())
        .collect()
}

#[tokio::test]
async fn other_encodings_are_refused_and_the_accepted_ones_are_named() {
    let only_gzip = || speech().accept_compressed([ContentCoding::Gzip, ContentCoding::Zstd]);
    for name in [
        "br",
        "deflate",
        "gzip, gzip",
        "identity, gzip",
        "gzip, zstd",
        "",
    ] {
        let outcome = ask(only_gzip(), encoded(name, gzip(CLEAN.as_bytes()))).await;
        outcome.is_refused(415, "content_encoding_unsupported");
        assert_eq!(outcome.headers["accept-encoding"], "gzip, zstd", "{name}");
    }
    let outcome = ask(speech(), encoded("gzip", gzip(CLEAN.as_bytes()))).await;
    outcome.is_refused(415, "content_encoding_unsupported");
    assert_eq!(outcome.headers["accept-encoding"], "identity");
    let mut twice = encoded("gzip", gzip(&gzip(CLEAN.as_bytes())));
    let gzip_again = "gzip".parse().unwrap();
    twice.headers_mut().append("content-encoding", gzip_again);
    ask(accepting(), twice)
        .await
        .is_refused(415, "content_encoding_unsupported");
    // Declared once and compressed twice: what is inside is no text.
    let inner = send(ContentCoding::Gzip, gzip(&gzip(CLEAN.as_bytes()))).await;
    inner.is_refused(400, "json_malformed");
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_corrupt_is_refused() {
    for coding in ContentCoding::ALL {
        let whole = compress(coding, CLEAN.as_bytes());
        for length in 1..whole.len() {
            send(coding, whole[..length].to_vec())
                .await
                .is_refused(400, "body_undecodable");
        }
        send(coding, CLEAN.as_bytes().to_vec())
            .await
            .is_refused(400, "body_undecodable");
        let other = ContentCoding::ALL
            .into_iter()
            .find(|other| *other != coding)
            .unwrap();
        let wrong = send(coding, compress(other, CLEAN.as_bytes())).await;
        assert_eq!(wrong.status, 400, "{coding} {other}");
    }
    // The check sum of the text.
    let mut body = gzip(CLEAN.as_bytes());
    let at = body.len() - 8;
    body[at] ^= 1;
    send(ContentCoding::Gzip, body)
        .await
        .is_refused(400, "body_undecodable");
}

#[tokio::test]
async fn bytes_behind_the_end_are_refused() {
    for coding in ContentCoding::ALL {
        let whole = compress(coding, CLEAN.as_bytes());
        for behind in [vec![0], b"garbage".to_vec(), whole.clone()] {
            let body = [whole.clone(), behind].concat();
            send(coding, body).await.is_refused(400, "body_undecodable");
        }
    }
}

#[test]
fn a_small_body_that_becomes_a_large_one_is_refused_before_it_is_large() {
    let bomb = vec![b'a'; 16 << 20];
    let brotli = "cbffff3ff825c2e2b14020f7fe2fffff3ff04b00c4611180eefd07"; // 10 MiB of the letter a
    let bodies = [
        (ContentCoding::Brotli, data_encoding(brotli)),
        (ContentCoding::Gzip, gzip(&bomb)),
        (ContentCoding::Zstd, zstandard(&bomb)),
    ];
    for (coding, body) in bodies {
        let layer = || {
            let field = Field::required("/text", Sanitizer::prompt());
            let layer = SanitizeLayer::builder().field(field).max_body(1 << 20);
            layer
                .accept_compressed(ContentCoding::ALL)
                .max_compression_ratio(usize::MAX)
                .build()
                .unwrap()
        };
        let request = encoded(coding.name(), body);
        let (layer, mut status) = (layer(), None);
        let measured = allocation_counter::measure(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let outcome = runtime.block_on(crate::support::ask_built(layer, request));
            status = Some(outcome.status);
        });
        assert_eq!(status.unwrap(), 413, "{coding}");
        assert!(
            measured.bytes_max < 8 << 20,
            "{coding}: {} bytes",
            measured.bytes_max
        );
    }
}

#[tokio::test]
async fn the_ratio_is_limited_above_a_small_size() {
    let text = |length: usize| format!("{{\"text\":\"{}\"}}", "a".repeat(length));
    for coding in [ContentCoding::Gzip, ContentCoding::Zstd] {
        let ask_with = |length: usize, ratio: usize| {
            let field = Field::required("/text", Sanitizer::builder().build().unwrap());
            let layer = SanitizeLayer::builder()
                .field(field)
                .accept_compressed([coding]);
            ask(
                layer.max_compression_ratio(ratio),
                encoded(coding.name(), compress(coding, text(length).as_bytes())),
            )
        };
        is_plain(&ask_with(4000, 2).await, &text(4000));
        ask_with(40_000, 100)
            .await
            .is_refused(413, "payload_too_large");
        is_plain(&ask_with(40_000, 10_000).await, &text(40_000));
    }
}

#[tokio::test]
async fn in_shadow_a_compressed_body_is_passed_on_as_it_came() {
    let body = gzip(UNCLEAN.as_bytes());
    let layer = accepting().dangerously_only_shadow();
    let outcome = ask(layer, encoded("gzip", body.clone())).await;
    assert_eq!(outcome.passed().body, body);
    assert_eq!(outcome.headers["x-content-encoding"], "gzip");
    assert_eq!(outcome.headers["x-content-digest"], "sha-256=:AAAA:");
}

#[tokio::test]
async fn forms_and_multipart_bodies_are_decompressed_too() {
    let send = |content_type: &str, plain: &str, kind| {
        let mut request = post(content_type, gzip(plain.as_bytes()));
        let headers = request.headers_mut();
        headers.insert("content-encoding", "gzip".parse().unwrap());
        let field = Field::required("text", Sanitizer::speech());
        let layer = SanitizeLayer::builder().field(field).body(kind);
        ask(layer.accept_compressed([ContentCoding::Gzip]), request)
    };
    let form = "application/x-www-form-urlencoded";
    is_plain(
        &send(form, "text=a%E2%80%AEb", palisade_sanitize::BodyKind::Form).await,
        "text=ab",
    );
    let part = "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\n--x--\r\n";
    let outcome = send(
        "multipart/form-data; boundary=x",
        part,
        palisade_sanitize::BodyKind::Multipart,
    )
    .await;
    is_plain(&outcome, part);
}
