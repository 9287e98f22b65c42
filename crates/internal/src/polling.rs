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
/// [`holds_in_time`] and [`value_in_time`] make them.
fn pauses() -> impl Iterator<Item = Duration> {
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

/// Asks until there is a value, without blocking the thread. Returns `None` if there is none after [`LONGEST_WAIT`].
///
/// `sleep` is that of the runtime, such as `tokio::time::sleep`.
///
/// ```
/// use palisade_internal::polling;
///
/// # let sleep = async |_: std::time::Duration| ();
/// # let port_of_program = async || Some(8080);
/// # let test = async {
/// let port = polling::value_in_time(sleep, async || port_of_program().await).await;
/// assert_eq!(port, Some(8080), "the program is not ready");
/// # };
/// ```
pub async fn value_in_time<T>(
    sleep: impl AsyncFn(Duration),
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    for pause in pauses() {
        if let Some(value) = ask().await {
            return Some(value);
        }
        sleep(pause).await;
    }
    ask().await
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        task::{Context, Poll, Waker},
    };

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

    #[test]
    fn a_value_is_asked_for_until_it_is_there_or_the_pauses_end() {
        let slept = Cell::new(Duration::ZERO);
        let sleep = async |pause| slept.set(slept.get() + pause);
        let mut asked = 0;
        let third = async || {
            asked += 1;
            (asked == 3).then_some(asked)
        };
        assert_eq!(at_once(value_in_time(sleep, third)), Some(3));
        assert_eq!(slept.take(), Duration::from_millis(1 + 2));
        let never = value_in_time(sleep, async || None::<()>);
        assert_eq!(at_once(never), None);
        assert_eq!(slept.get(), pauses().sum::<Duration>());
    }

    /// Runs a future that never waits.
    fn at_once<T>(future: impl Future<Output = T>) -> T {
        let mut cx = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut cx) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }
}
