//! Every kind of flood, all frames at once and one after the other.
//!
//! A flood ends its own connection. Meanwhile another client is served, the server sends little,
//! writes few lines to the log, and needs no more memory the tenth time than the first time.

use http::Request;
use http_body_util::Full;
use palisade_transport::server::Limits;

use crate::{
    frames::{
        CONTINUATION, DATA, END, END_HEADERS, HEAD, HEADERS, Method, PING, PRIORITY, Raw, SETTINGS,
        frame, goodbye, head, kinds, reset, window_update,
    },
    log_lines::LogLines,
    support::{Running, bind, http2, start, text, within},
};

/// Frames that a connection may send before it counts as a flood. Nothing is refilled.
const BUDGET: u32 = 100;
/// Pieces of a flood: far more than any budget.
const PIECES: u32 = 2_000;
/// Pieces that are written at once.
const BATCH: usize = 250;

/// One kind of flood.
struct Kind {
    name: &'static str,
    /// What is sent once, before the flood.
    first: Vec<u8>,
    /// The piece with this number, counted from 0.
    piece: fn(u32) -> Vec<u8>,
    /// Whether other frames may stand between the pieces. Not inside of a head.
    has_gaps: bool,
}

/// The number of the stream that a client opens with a piece.
fn stream(piece: u32) -> u32 {
    2 * piece + 1
}

/// A head with `content-length: 1`, whose stream stays open.
fn promised() -> Vec<u8> {
    [&head(Method::Post, "/wait")[..], &[0x0f, 13, 1, b'1']].concat()
}

/// A field of 100 bytes that no table keeps.
fn field() -> Vec<u8> {
    [&[0x10, 1, b'x', 100][..], &[b'y'; 100]].concat()
}

/// A request whose head has so many fields of 133 bytes each, as HTTP/2 counts them.
fn oversized(piece: u32, fields: usize) -> Vec<u8> {
    let list = [HEAD.to_vec(), field().repeat(fields)].concat();
    frame(HEADERS, END_HEADERS | END, stream(piece), &list)
}

/// Control frames, of which each costs the server a little work.
fn control_frames() -> [Kind; 7] {
    let kind = |name, piece| Kind {
        name,
        first: Vec::new(),
        piece,
        has_gaps: true,
    };
    [
        kind("PING", |_| frame(PING, 0, 0, &[0; 8])),
        kind("replies to no PING", |_| frame(PING, END, 0, &[7; 8])),
        kind("SETTINGS", |_| frame(SETTINGS, 0, 0, &[])),
        kind("PRIORITY", |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        kind("WINDOW_UPDATE", |_| window_update(0, 1)),
        kind("unknown", |_| frame(0xbe, 0, 0, &[1; 16])),
        Kind {
            first: frame(HEADERS, END_HEADERS, 1, &head(Method::Post, "/length")),
            ..kind("empty DATA", |_| frame(DATA, 0, 1, &[]))
        },
    ]
}

/// Requests that are given up, and heads without an end.
fn requests() -> [Kind; 7] {
    let kind = |name, piece| Kind {
        name,
        first: Vec::new(),
        piece,
        has_gaps: true,
    };
    let in_a_head = |name, piece| Kind {
        first: frame(HEADERS, END, 1, HEAD),
        has_gaps: false,
        ..kind(name, piece)
    };
    [
        kind("rapid resets", |piece| {
            let wait = head(Method::Get, "/wait");
            let request = frame(HEADERS, END_HEADERS | END, stream(piece), &wait);
            [request, reset(stream(piece))].concat()
        }),
        kind("provoked resets", |piece| {
            let request = frame(HEADERS, END_HEADERS, stream(piece), &promised());
            [request, frame(DATA, END, stream(piece), b"xx")].concat()
        }),
        kind("streams over the limit", |piece| {
            let wait = head(Method::Get, "/wait");
            frame(HEADERS, END_HEADERS | END, stream(piece), &wait)
        }),
        kind("header lists over the limit", |piece| oversized(piece, 80)),
        // h2 itself refuses those of twice the limit.
        kind("header lists far over the limit", |piece| {
            oversized(piece, 150)
        }),
        in_a_head("CONTINUATION", |_| frame(CONTINUATION, 0, 1, &field())),
        in_a_head("empty CONTINUATION", |_| frame(CONTINUATION, 0, 1, &[])),
    ]
}

fn flooded() -> Running {
    let limits = Limits::default()
        .control_frames(BUDGET, 0)
        .resets(BUDGET, 0)
        .header_bytes(8 * 1024);
    start(bind().http2_in_clear().limits(limits))
}

impl Kind {
    /// Sends large batches, and waits for nothing. Returns the frames that the server sent until it closed.
    async fn at_once(&self, running: &Running) -> usize {
        let mut raw = Raw::open(running).await;
        raw.send(&self.first).await;
        for first in (0..PIECES).step_by(BATCH) {
            let numbers = (first..).take(BATCH);
            let batch: Vec<u8> = numbers.flat_map(|number| (self.piece)(number)).collect();
            if !raw.send(&batch).await {
                break;
            }
        }
        self.check_end(&mut raw).await;
        kinds(&raw.received).len()
    }

    /// Sends a piece, and the next one when the server has looked at it.
    async fn one_by_one(&self, running: &Running) {
        let mut raw = Raw::open(running).await;
        raw.send(&self.first).await;
        let mut sent = 0;
        while raw.send(&(self.piece)(sent)).await && goodbye(&raw.received).is_none() {
            if self.has_gaps && !raw.gets_a_reply().await {
                break;
            }
            sent += 1;
            assert!(sent < PIECES, "{}: it is never closed", self.name);
            tokio::task::yield_now().await;
        }
        self.check_end(&mut raw).await;
    }

    /// Waits for the end of the connection, whose reason is an error of the client. The GOAWAY is
    /// lost if the client was still sending when the server closed.
    async fn check_end(&self, raw: &mut Raw) {
        let reason = raw.ended().await;
        assert_ne!(reason, Some(0), "{}: it ends without a reason", self.name);
    }
}

/// Sends every flood in both ways, and asks as another client after each.
async fn flood_with_all(running: &Running) {
    let mut other = http2(running.connect().await).await;
    for kind in control_frames().iter().chain(&requests()) {
        let frames = kind.at_once(running).await;
        let most = 4 * BUDGET as usize;
        assert!(
            frames <= most,
            "{}: the server sent {frames} frames",
            kind.name
        );
        kind.one_by_one(running).await;
        let request = Request::get("http://a/").body(Full::default()).unwrap();
        let response = within(other.send_request(request)).await.unwrap();
        assert_eq!(text(response).await, "hello", "beside {}", kind.name);
    }
}

#[tokio::test]
async fn every_kind_of_flood_ends_its_connection_and_no_other_at_once_and_paced() {
    let lines = LogLines::default();
    let _logging = lines.count();
    let running = flooded();
    flood_with_all(&running).await;
    let lines = lines.so_far();
    assert!((1..=10).contains(&lines), "{lines} lines");
}

/// In a process of its own: others would use its memory.
#[cfg(target_os = "linux")]
#[test]
fn floods_that_go_on_need_no_more_memory() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "flood_kinds::floods_without_an_end"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "started by another test, in a process of its own"]
async fn floods_without_an_end() {
    let running = flooded();
    // Buffers of client and server have their size after two rounds.
    flood_with_all(&running).await;
    flood_with_all(&running).await;
    let first = resident_kib();
    for _ in 0..3 {
        flood_with_all(&running).await;
    }
    let grown = resident_kib().saturating_sub(first);
    assert!(grown < 8 * 1024, "{grown} KiB more than {first} KiB");
}

/// The memory of this process.
#[cfg(target_os = "linux")]
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("Linux writes it")
}
