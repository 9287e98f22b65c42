//! The pauses between tries: random, longer with each failure, and at least what the server asked for.

use std::time::Duration;

/// The longest pause that grows by itself.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// The longest pause that a server can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// The state between two tries.
#[derive(Debug)]
pub(super) struct Backoff {
    /// The pause after the first failure.
    first: Duration,
    /// The pause after the next failure: each is twice as long, up to five minutes.
    next: Duration,
}

impl Backoff {
    /// Begins with this pause.
    pub(super) fn new(first: Duration) -> Self {
        let first = first.min(LONGEST);
        Self { first, next: first }
    }

    /// A try succeeded.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Returns the pause after a failure: from half of the current one up to all of it, so that many senders do not try
    /// at the same moment.
    pub(super) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let half = self.next / 2;
        let pause = half.saturating_add(half.mul_f64(random()));
        self.next = self.next.saturating_mul(2).min(LONGEST);
        pause.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

/// Returns a number from 0 to 1. Without random bytes 1, the longest pause.
fn random() -> f64 {
    let mut bytes = [0; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u16::from_ne_bytes(bytes)) / f64::from(u16::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_five_minutes_and_are_random() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let mut most = Duration::from_secs(1);
        let mut pauses = Vec::new();
        for _ in 0..20 {
            let pause = backoff.pause(None);
            assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
            most = (most * 2).min(LONGEST);
            pauses.push(pause);
        }
        let last: Vec<_> = pauses.iter().skip(10).collect();
        assert!(last.iter().any(|pause| *pause != last[0]), "{last:?}");
        backoff.reset();
        assert!(backoff.pause(None) <= Duration::from_secs(1));
    }

    #[test]
    fn a_server_can_ask_for_an_hour_at_most() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(backoff.pause(asked(120)), Duration::from_secs(120));
        assert_eq!(backoff.pause(asked(1_000_000)), LONGEST_ASKED);
        assert!(backoff.pause(asked(0)) >= Duration::from_secs(1));
    }
}
