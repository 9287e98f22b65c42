use std::time::Duration;

use super::*;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn watch() -> FrameWatch {
    let limits = Limits::default().control_frames(10, 1).resets(3, 1);
    let mut watch = FrameWatch::new(&limits, false);
    assert_eq!(
        watch.receive(&mut [b'P'; PREFACE], RequestCounts::default()),
        PREFACE
    );
    watch
}

/// Requests that were served to the end.
fn served(completed: u32) -> RequestCounts {
    RequestCounts {
        begun: completed,
        completed,
        ..RequestCounts::default()
    }
}

/// Four requests that began, and some that are not finished.
fn under_way(count: u32) -> RequestCounts {
    RequestCounts {
        begun: 4,
        under_way: count,
        ..RequestCounts::default()
    }
}

fn receive(watch: &mut FrameWatch, bytes: &[u8]) {
    receive_with(watch, bytes, RequestCounts::default());
}

fn receive_with(watch: &mut FrameWatch, bytes: &[u8], requests: RequestCounts) {
    let mut bytes = bytes.to_vec();
    assert_eq!(watch.receive(&mut bytes, requests), bytes.len());
}

/// Passes bytes through in pieces, as the socket does.
fn pass(watch: &mut FrameWatch, bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for part in bytes.chunks(piece) {
        let mut part = part.to_vec();
        while let Some(missing) = watch.missing().filter(|_| !part.is_empty()) {
            let rest = part.split_off(missing.min(part.len()));
            out.extend(watch.receive_missing(&part).into_iter().flatten());
            part = rest;
        }
        let count = watch.receive(&mut part, RequestCounts::default());
        out.extend_from_slice(&part[..count]);
    }
    out
}

#[tokio::test(start_paused = true)]
async fn control_frames_have_a_budget_that_refills() {
    let mut watch = watch();
    let ping = frame(PING, 0, 0, &[0; 8]);
    for _ in 0..10 {
        receive(&mut watch, &ping);
    }
    assert_eq!(watch.flood(), None);
    tokio::time::advance(Duration::from_secs(1)).await;
    receive(&mut watch, &ping);
    assert_eq!(watch.flood(), None, "one a second");
    receive(&mut watch, &ping);
    assert_eq!(watch.flood(), Some(Flood::ControlFrames));
}

#[tokio::test(start_paused = true)]
async fn requests_and_responses_earn_window_updates() {
    let mut watch = watch();
    let update = frame(8, 0, 1, &[0, 0, 0, 1]);
    for _ in 0..1000 {
        receive(&mut watch, &frame(HEADERS, 5, 1, b"xx"));
        receive(&mut watch, &update);
        receive(&mut watch, &update);
        assert_eq!(watch.send(&frame(DATA, 0, 1, b"abc")), 3);
        receive(&mut watch, &update);
        receive(&mut watch, &update);
    }
    assert_eq!(watch.flood(), None);
}

#[tokio::test(start_paused = true)]
async fn resets_of_both_sides_count_and_whole_responses_earn_them() {
    let mut watch = watch();
    let reset = frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]);
    for completed in 1..100 {
        assert_eq!(
            watch.receive(&mut reset.clone(), served(completed)),
            reset.len()
        );
    }
    assert_eq!(watch.flood(), None, "as many responses as resets");
    for _ in 0..2 {
        watch.send(&reset);
    }
    assert_eq!(watch.flood(), None);
    assert_eq!(watch.receive(&mut reset.clone(), served(99)), reset.len());
    assert_eq!(watch.flood(), Some(Flood::Resets));
}

#[tokio::test(start_paused = true)]
async fn heads_that_are_too_large_cost_as_much_as_resets_and_earn_none() {
    let mut watch = watch();
    for refused in 1..=3 {
        let counts = RequestCounts {
            refused,
            ..served(refused)
        };
        watch.receive(&mut [], counts);
        assert_eq!(watch.flood(), None);
    }
    let counts = RequestCounts {
        refused: 4,
        ..served(4)
    };
    watch.receive(&mut [], counts);
    assert_eq!(watch.flood(), Some(Flood::Resets));
}

#[tokio::test(start_paused = true)]
async fn responses_that_h2_sends_itself_cost_as_much_as_resets() {
    let mut watch = watch();
    let (informational, whole) = (0x4, 0x5);
    for stream in (1..=9).step_by(2) {
        receive_with(&mut watch, &frame(HEADERS, 5, stream, b"xx"), served(5));
        watch.send(&frame(HEADERS, informational, stream, b"xx"));
        watch.send(&frame(HEADERS, whole, stream, b"xx"));
    }
    watch.receive(&mut [], served(5));
    assert_eq!(watch.flood(), None, "hyper had all of them");
    for stream in (11..=17).step_by(2) {
        receive_with(&mut watch, &frame(HEADERS, 5, stream, b"xx"), served(5));
        watch.send(&frame(HEADERS, whole, stream, b"xx"));
    }
    watch.receive(&mut [], served(5));
    assert_eq!(watch.flood(), Some(Flood::Resets), "hyper had none of four");
}

#[tokio::test(start_paused = true)]
async fn a_trusted_proxy_has_no_budget() {
    let mut watch = FrameWatch::new(&Limits::default(), true);
    receive(&mut watch, &[b'P'; PREFACE]);
    for _ in 0..100_000 {
        receive(&mut watch, &frame(RST_STREAM, 0, 1, &[0; 4]));
    }
    assert_eq!(watch.flood(), None);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_of_pings_that_were_never_sent_are_hidden_however_they_are_cut() {
    let ack = frame(PING, ACK, 0, &[7; 8]);
    let hidden = frame(UNASSIGNED, ACK, 0, &[7; 8]);
    let sent = [
        frame(4, 0, 0, &[]),
        ack.clone(),
        ack.clone(),
        frame(DATA, 1, 1, b"x"),
    ]
    .concat();
    let expected = [frame(4, 0, 0, &[]), ack, hidden, frame(DATA, 1, 1, b"x")].concat();
    for piece in 1..sent.len() {
        let mut watch = watch();
        watch.send(&frame(PING, 0, 0, &[7; 8]));
        assert_eq!(
            pass(&mut watch, &sent, piece),
            expected,
            "pieces of {piece}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_goaway_names_the_last_stream_and_never_cuts_a_frame() {
    let mut watch = watch();
    receive(&mut watch, &frame(HEADERS, 5, 0x8000_0007, b"xx"));
    watch.send(&frame(DATA, 0, 1, b"abc")[..10]);
    assert_eq!(watch.goaway(11), None);
    watch.send(b"bc");
    let expected = frame(GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 11]);
    assert_eq!(watch.goaway(11), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_cut_off_is_given_back() {
    let mut watch = watch();
    let mut start = [0, 0, 8, PING];
    assert_eq!(watch.receive(&mut start, RequestCounts::default()), 0);
    assert_eq!(watch.take_held(), start);
    assert_eq!(watch.missing(), None);
}

#[tokio::test(start_paused = true)]
async fn responses_that_are_over_and_not_sent_are_found() {
    let mut watch = watch();
    for stream in [1, 3, 5] {
        receive(&mut watch, &frame(HEADERS, 5, stream, b"xx"));
        watch.send(&frame(HEADERS, 4, stream, b"xx"));
    }
    watch.send(&frame(DATA, END_STREAM, 1, b"whole"));
    receive_with(&mut watch, &frame(RST_STREAM, 0, 3, &[0; 4]), served(3));
    tokio::time::advance(Duration::from_secs(29)).await;
    receive_with(&mut watch, &frame(HEADERS, 5, 7, b"xx"), served(3));
    assert_eq!(watch.flood(), None);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(watch.receive(&mut [], under_way(1)), 0);
    assert_eq!(watch.flood(), None, "its request may be in progress still");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(watch.receive(&mut [], under_way(0)), 0);
    assert_eq!(watch.flood(), Some(Flood::UnreadResponses));
}
