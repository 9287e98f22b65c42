//! A request whose head never ends: does the service close the connection? Only with `--slow`.
//!
//! Decides `slow-headers`. One connection, which runs beside all other probes, so that the check
//! does not take longer than the time of `--slow`.
//!
//! A service should close after a time limit for the whole head, not for each byte: so a byte is
//! sent now and then.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep_until, timeout},
};

use crate::check::{
    client::{Client, Stream},
    outcome::Outcomes,
    rules::transport::SLOW_HEADERS,
    target::Target,
};

/// How many bytes are sent until the end of the time, one after the other.
const STEPS: u32 = 12;

/// Keeps one connection open for `time`, and sends a byte of a header now and then.
///
/// Without a time the rule is skipped. If no connection can be opened, nothing is decided.
pub(super) async fn probe(
    client: &Client,
    target: &Target,
    time: Option<Duration>,
    outcomes: &mut Outcomes,
) {
    let Some(time) = time else {
        outcomes.record_skipped(&SLOW_HEADERS, "only with --slow");
        return;
    };
    match client.open(target).await {
        Ok(stream) => {
            let open = stays_open(stream, target, time).await;
            let seconds = time.as_secs();
            let seen =
                open.then(|| format!("still open after {seconds} s without a complete head"));
            outcomes.record_decision(&SLOW_HEADERS, seen);
        }
        Err(problem) => outcomes.record_skipped(&SLOW_HEADERS, problem),
    }
}

/// A response is a refusal, whatever it says: the request was not complete.
///
/// Returns true only if every byte could be sent and nothing came back. A reset and a closed
/// connection both end it with false.
async fn stays_open(mut stream: Box<dyn Stream>, target: &Target, time: Duration) -> bool {
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Slow: ", target.authority());
    if stream.write_all(head.as_bytes()).await.is_err() {
        return false;
    }
    let start = Instant::now();
    for step in 1..=STEPS {
        let next = start + time * step / STEPS;
        let mut byte = [0; 1];
        let left = next.saturating_duration_since(Instant::now());
        if timeout(left, stream.read(&mut byte)).await.is_ok() {
            return false;
        }
        sleep_until(next).await;
        let sent = stream.write_all(b"a").await;
        if sent.is_err() || stream.flush().await.is_err() {
            return false;
        }
    }
    true
}
