//! Delay: requests that would be refused wait for a bounded time.

use std::time::Duration;

use super::{Limit, Policy};
use crate::error::RateLimitBuildError;

/// The longest delay. Clients and proxies give up after about as long.
const LONGEST: Duration = Duration::from_secs(60);

/// How long requests wait, and how many of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Delay {
    /// How long a request waits at most. At most 60 seconds.
    pub(crate) longest: Duration,
    /// How many requests of the limit wait at the same time. The next one is refused at once.
    pub(crate) requests: u32,
}

impl Policy {
    /// Lets requests wait that would be refused, at most this long and so many at the same time. Default: what does not
    /// fit is refused at once.
    ///
    /// For clients that do not retry. A request is charged when it comes, and waits until its units are back; so
    /// requests go on in their order, one each [interval](Limit::interval). Per client, as many can wait as come back
    /// in the longest time: with `5/second` and two seconds, ten. If all places of the policy are taken, or it would
    /// take longer, the request is refused with 429. A request that is cancelled while it waits gives its units and its
    /// place back. In shadow nothing waits.
    ///
    /// Waiting requests take memory and connections: keep their number small. It counts for each process. Not with
    /// [`lease`](Self::lease), and not for penalties. It needs a runtime of `tokio` with a timer.
    ///
    /// What cannot be is an error of `build`: no request, longer than 60 seconds, or shorter than the interval of every
    /// rate of the policy.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// // Five at once, then one each 200 ms; ten more of a client wait, and 500 of all clients.
    /// let policy = Policy::named("search").rate("5/second")?.delay(Duration::from_secs(2), 500);
    /// let layer = RateLimitLayer::by_client().policy(policy).build()?;
    /// assert!(layer.explain().contains("at most 500 wait for 2 s"));
    ///
    /// let too_short = Policy::named("slow").rate("100/day")?.delay(Duration::from_secs(2), 500);
    /// assert!(too_short.limits().is_err(), "a unit comes back every 864 s");
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[cfg(feature = "delay")]
    #[cfg_attr(docsrs, doc(cfg(feature = "delay")))]
    pub fn delay(mut self, longest: Duration, requests: u32) -> Self {
        self.delay = Some(Delay { longest, requests });
        self
    }

    /// Checks the delay of a policy with these limits.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::InvalidDelay`].
    pub(super) fn check_delay(&self, limits: &[Limit]) -> Result<(), RateLimitBuildError> {
        let Some(Delay { longest, requests }) = self.delay else {
            return Ok(());
        };
        let reason = if self.penalty {
            "a penalty refuses at once; remove the delay"
        } else if self.lease.is_some() {
            "units that are taken ahead cannot be waited for; remove the lease or the delay"
        } else if requests == 0 {
            "no request may wait; allow one or more, or remove the delay"
        } else if longest > LONGEST {
            "it is longer than 60 seconds; use less"
        } else if limits.iter().all(|limit| limit.interval() > longest) {
            "no unit comes back in this time; use a longer one, or remove the delay"
        } else {
            return Ok(());
        };
        let policy = self.name.clone();
        Err(RateLimitBuildError::InvalidDelay { policy, reason })
    }
}
