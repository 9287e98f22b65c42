//! Resets buckets: an operator makes the buckets of a client or principal full again.

use std::net::IpAddr;

use palisade_core::MaybeReady;

use super::{ConfiguredLimit, RateLimitLayer};
use crate::{
    policy::{KeyKind, Subject},
    store::StoreProblem,
};

impl RateLimitLayer {
    /// Makes all buckets of a subject full again. A subject that this layer refuses is then
    /// admitted at once.
    ///
    /// With a shared store, other nodes that remember a refusal call the store again within two
    /// seconds.
    ///
    /// # Errors
    ///
    /// [`StoreProblem`] if a shared store cannot be reached. On this node the subject is admitted
    /// nevertheless.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer, Subject};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let layer = RateLimitLayer::by_principal().policy(Policy::named("all").rate("60/minute")?).build()?;
    /// let anna = Subject::Named { kind: "api_key", id: "anna", group: None };
    /// layer.reset(&anna).get().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use = "with a shared store nothing happens there until this is awaited"]
    pub fn reset(&self, subject: &Subject<'_>) -> MaybeReady<Result<(), StoreProblem>> {
        self.reset_each(|_| Some(*subject))
    }

    /// Makes all buckets of a client address full again, or of the network that each policy counts
    /// the address with.
    ///
    /// # Errors
    ///
    /// As for [`reset`](Self::reset).
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let layer = RateLimitLayer::by_client().policy(Policy::named("all").rate("60/minute")?).build()?;
    /// layer.reset_client("203.0.113.7".parse()?).get().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use = "with a shared store nothing happens there until this is awaited"]
    pub fn reset_client(&self, ip: IpAddr) -> MaybeReady<Result<(), StoreProblem>> {
        self.reset_each(|configured| configured.subject_of_client(ip))
    }

    /// Resets the bucket of a subject for each limit. The first error is returned after all were
    /// tried.
    ///
    /// # Errors
    ///
    /// The shared store did not confirm a reset.
    fn reset_each<'a>(
        &self,
        subject: impl Fn(&ConfiguredLimit) -> Option<Subject<'a>>,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        let now = self.0.clock.monotonic();
        let mut later = Vec::new();
        let mut outcome = Ok(());
        for configured in self.limits_with_shadow() {
            let Some(subject) = subject(configured) else {
                continue;
            };
            let bucket = self.0.store.bucket_key(&subject);
            match self.0.store.reset(now, &configured.limit, bucket) {
                MaybeReady::Ready(done) => outcome = outcome.and(done),
                MaybeReady::Pending(waiting) => later.push(waiting),
            }
        }
        if later.is_empty() {
            return MaybeReady::Ready(outcome);
        }
        MaybeReady::pending(async move {
            for waiting in later {
                outcome = outcome.and(waiting.await);
            }
            outcome
        })
    }
}

impl ConfiguredLimit {
    /// Returns with which network this limit counts a client address. `None` if it counts no
    /// addresses, or no networks around an IPv4 address.
    pub(super) fn subject_of_client(&self, ip: IpAddr) -> Option<Subject<'static>> {
        match self.key.0 {
            KeyKind::Client(_) if self.limit.is_network => self.key.network_around(ip),
            KeyKind::Client(clients) => Some(Subject::network(ip, clients.v4, clients.v6)),
            _ => None,
        }
    }
}
