//! Floods of HTTP/2 frames, at once and paced, in batches and alone.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use palisade_transport::{
    TrustedProxies,
    server::{ConnectionEventKind, Limits},
};

use crate::{
    frames::{
        DATA, END, ENHANCE_YOUR_CALM, HEAD, HEADERS, Method, PING, PRIORITY, Raw, SETTINGS, frame,
        head, no_window, opening, reset, window_update,
    },
    log_lines::LogLines,
    support::{RecordedEvents, Running, bind, eventually, hasty, http2, start, text, within},
};

const ACK: u8 = END;

/// Frames that cost work and carry nothing.
fn control_frames() -> [(&'static str, Vec<u8>); 7] {
    [
        ("PING", frame(PING, 0, 0, &[0; 8])),
        ("PING that answers nothing", frame(PING, ACK, 0, &[7; 8])),
        ("SETTINGS", frame(SETTINGS, 0, 0, &[])),
        ("PRIORITY", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        ("WINDOW_UPDATE", window_update(0, 1)),
        ("empty DATA", frame(DATA, 0, 1, &[])),
        ("unknown", frame(0xbe, 0, 0, &[1; 16])),
    ]
}

/// Without a budget, so that only the deadlines end a connection. The time for heads is also that for
/// answers to the server's own pings, which these clients leave out.
fn hasty_without_budget() -> Limits {
    hasty()
        .control_frames(u32::MAX, u32::MAX)
        .header_timeout(Duration::from_secs(3600))
}

/// Sends these frames, then batches of one frame every few milliseconds, until the server closes.
async fn batches_until_closed(running: &Running, first: &[u8], of: &[u8], batch: usize) {
    let mut raw = Raw::open(running).await;
    raw.send(first).await;
    let batch = of.repeat(batch);
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    within(async {
        while raw.send(&batch).await {
            beat.tick().await;
        }
    })
    .await;
}

/// PING, SETTINGS and WINDOW_UPDATE, in batches of 1, 60 and 100.
fn batches() -> impl Iterator<Item = (Vec<u8>, usize)> {
    let kinds = [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[]),
        window_update(0, 1),
    ];
    kinds
        .into_iter()
        .flat_map(|kind| [1, 60, 100].map(|batch| (kind.clone(), batch)))
}

#[tokio::test]
async fn batches_of_control_frames_keep_no_idle_connection_open() {
    let running = start(bind().http2_in_clear().limits(hasty_without_budget()));
    let first = frame(HEADERS, 5, 1, HEAD);
    let all = batches().map(|(kind, batch)| {
        let (running, first) = (&running, &first);
        async move { batches_until_closed(running, first, &kind, batch).await }
    });
    futures_util::future::join_all(all).await;
    eventually("the places are free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn batches_of_control_frames_keep_no_unread_response_alive() {
    let running = start(bind().http2_in_clear().limits(hasty_without_budget()));
    let first = [no_window(), frame(HEADERS, 5, 1, HEAD)].concat();
    let all = batches().map(|(kind, batch)| {
        let (running, first) = (&running, &first);
        async move { batches_until_closed(running, first, &kind, batch).await }
    });
    futures_util::future::join_all(all).await;
    eventually("the places are free", || running.stats.open() == 0).await;
    assert_eq!(running.stats.count(ConnectionEventKind::ResponseTimeout), 9);
}

#[tokio::test]
async fn floods_of_control_frames_end_their_connection_and_no_other_and_write_few_lines() {
    let lines = LogLines::default();
    let _logging = lines.count();
    let recorded = RecordedEvents::default();
    let running = start(recorded.observe(bind().http2_in_clear()));
    let mut other = http2(running.connect().await).await;
    let kind = ConnectionEventKind::ControlFrameFlood;
    let mut flooded = 0;
    for (name, flood) in control_frames() {
        let mut raw = Raw::open(&running).await;
        // A request that stays open, for the frames that need a stream.
        raw.send(&frame(HEADERS, 4, 1, &head(Method::Post, "/length")))
            .await;
        let sent = [&flood.repeat(2_000)[..], &frame(DATA, END, 1, &[])].concat();
        raw.send(&sent).await;
        assert_eq!(raw.ended().await, Some(ENHANCE_YOUR_CALM), "{name}");
        // h2 may be first to refuse empty DATA.
        let by_h2 = running.stats.count(ConnectionEventKind::ProtocolError);
        assert!(by_h2 == 0 || name == "empty DATA" || flooded >= 6, "{name}");
        flooded += 1;
        assert_eq!(running.stats.count(kind) + by_h2, flooded, "{name}");

        let request = Request::get("http://a/").body(Full::default()).unwrap();
        let response = within(other.send_request(request)).await.unwrap();
        assert_eq!(text(response).await, "hello", "beside {name}");
    }
    assert_eq!(
        recorded.counts(kind),
        [1],
        "the others are counted for the next report"
    );
    let lines = lines.so_far();
    assert!((1..=10).contains(&lines), "{lines} lines");
}

/// Each stream has reached its handler before it is reset, so that h2 counts none of them.
#[tokio::test]
async fn resets_one_after_the_other_end_the_connection() {
    let limits = Limits::default().resets(20, 0);
    let running = start(bind().http2_in_clear().limits(limits));
    let mut raw = Raw::open(&running).await;
    let mut done = 0;
    for stream in (1..20_000).step_by(2) {
        raw.send(&frame(HEADERS, 5, stream, &head(Method::Get, "/wait")))
            .await;
        if !raw.gets_a_reply().await || !raw.send(&reset(stream)).await {
            break;
        }
        done += 1;
    }
    assert!((20..=22).contains(&done), "{done} resets");
    assert_eq!(raw.ended().await, Some(ENHANCE_YOUR_CALM));
    eventually("it is counted", || {
        running.stats.count(ConnectionEventKind::ResetFlood) == 1
    })
    .await;
}

#[tokio::test]
async fn a_client_that_cancels_half_of_its_requests_is_not_cut() {
    let limits = Limits::default().resets(5, 0);
    let running = start(bind().http2_in_clear().limits(limits));
    let mut raw = Raw::open(&running).await;
    for stream in (1..400).step_by(4) {
        raw.send(&frame(HEADERS, 5, stream, HEAD)).await;
        assert!(raw.response_ends(stream).await);
        raw.send(&frame(HEADERS, 5, stream + 2, &head(Method::Get, "/wait")))
            .await;
        raw.send(&reset(stream + 2)).await;
        assert!(raw.gets_a_reply().await, "after stream {stream}");
    }
}

#[tokio::test]
async fn connections_of_a_trusted_proxy_have_no_budget() {
    let limits = Limits::default().resets(5, 0).control_frames(5, 0);
    let server = bind().http2_in_clear().limits(limits);
    let running = start(server.trusted_proxies(TrustedProxies::loopback()));
    let mut raw = Raw::open(&running).await;
    for stream in (1..200).step_by(2) {
        raw.send(&frame(HEADERS, 5, stream, &head(Method::Get, "/wait")))
            .await;
        raw.send(&reset(stream)).await;
        assert!(raw.gets_a_reply().await, "after stream {stream}");
    }
}

/// A client that reads a long response sends two updates for each frame of it, at any speed.
#[tokio::test]
async fn window_updates_for_a_long_response_are_no_flood() {
    let limits = Limits::default().control_frames(20, 0);
    let running = start(bind().http2_in_clear().limits(limits));
    let mut raw = Raw::open(&running).await;
    raw.send(&frame(HEADERS, 5, 1, &head(Method::Get, "/large")))
        .await;
    for _ in 0..200 {
        assert!(
            raw.read_until(|(kind, _, stream)| (*kind, *stream) == (DATA, 1))
                .await
        );
        raw.forget();
        let updates = [window_update(0, 16 * 1024), window_update(1, 16 * 1024)].concat();
        assert!(raw.send(&updates).await);
    }
    assert!(raw.gets_a_reply().await);
}

#[tokio::test]
async fn frames_that_come_byte_by_byte_are_served() {
    let running = start(bind().http2_in_clear());
    let mut raw = Raw::open(&running).await;
    let sent = [
        opening().split_off(24),
        frame(PING, ACK, 0, &[7; 8]),
        frame(HEADERS, 5, 1, HEAD),
    ];
    for byte in sent.concat() {
        assert!(raw.send(&[byte]).await);
        tokio::task::yield_now().await;
    }
    assert!(raw.response_ends(1).await);
}
