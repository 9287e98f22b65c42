//! Bounded polling, for tests that wait for another program.
//!
//! A test waits for an event wherever there is one: a line of output, a channel, a
//! [`Notify`](https://docs.rs/tokio/latest/tokio/sync/struct.Notify.html). Some programs tell nothing when they are
//! ready. Such a test asks again and again, with the pauses of this module, and fails after [`LONGEST_WAIT`].

use std::{iter, thread, time::Duration};

/// The sum of all pauses. Far longer than any program needs, so that a slow machine fails no test.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The first pause. Each one after it is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause. A test takes at most this much longer than what it waits for.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);

/// Returns the pauses between two questions: 1 ms, 2 ms, 4 ms and so on to 32 ms. They end after a minute in all.
///
/// For asynchronous tests, which sleep with their runtime:
///
/// ```
/// use palisade_internal::polling;
///
/// # let is_ready = async || true;
/// # let sleep = async |_: std::time::Duration| ();
/// # let test = async {
/// for pause in polling::pauses() {
///     if is_ready().await {
///         return;
///     }
///     sleep(pause).await;
/// }
/// panic!("the program is not ready");
/// # };
/// ```
pub fn pauses() -> impl Iterator<Item = Duration> {
    let next = |pause: &Duration| Some((*pause * 2).min(LONGEST_PAUSE));
    let pauses = iter::successors(Some(FIRST_PAUSE), next);
    pauses.scan(Duration::ZERO, |waited, pause| {
        *waited += pause;
        (*waited <= LONGEST_WAIT).then_some(pause)
    })
}

/// Asks until a condition holds. Blocks the thread. Returns false if it does not hold after [`LONGEST_WAIT`].
///
/// ```
/// use palisade_internal::polling;
///
/// let folder = std::env::temp_dir();
/// assert!(polling::holds_in_time(|| folder.exists()), "no folder");
/// ```
#[must_use]
pub fn holds_in_time(mut condition: impl FnMut() -> bool) -> bool {
    for pause in pauses() {
        if condition() {
            return true;
        }
        thread::sleep(pause);
    }
    condition()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_end_after_a_minute() {
        let all: Vec<Duration> = pauses().collect();
        assert_eq!(all[..3], [1, 2, 4].map(Duration::from_millis));
        assert!(all.iter().all(|pause| *pause <= LONGEST_PAUSE));
        let sum: Duration = all.iter().sum();
        assert!(sum <= LONGEST_WAIT && sum > LONGEST_WAIT - LONGEST_PAUSE);
    }

    #[test]
    fn a_condition_is_asked_until_it_holds_and_not_longer() {
        let mut asked = 0;
        let third = || {
            asked += 1;
            asked == 3
        };
        assert!(holds_in_time(third));
        assert_eq!(asked, 3);
    }
}
