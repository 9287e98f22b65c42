//! Lifting refusals: an operator makes the buckets of a client or user full again.

use std::net::IpAddr;

use palisade_core::Soon;

use super::{RateLimitLayer, Slot};
use crate::{StoreProblem, Subject, policy::Kind};

impl RateLimitLayer {
    /// Makes all buckets of a subject full again: whom this layer refuses is admitted at once.
    ///
    /// With a shared store, other nodes that remember a refusal ask the store again within two seconds.
    ///
    /// # Errors
    ///
    /// If a shared store cannot be reached. On this node the subject is then admitted nevertheless.
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
    pub fn reset(&self, subject: &Subject<'_>) -> Soon<Result<(), StoreProblem>> {
        self.reset_each(|_| Some(*subject))
    }

    /// Makes all buckets of a client address full again, or of the network that each policy counts
    /// the address with.
    ///
    /// # Errors
    ///
    /// As for [`reset`](Self::reset).
    #[must_use = "with a shared store nothing happens there until this is awaited"]
    pub fn reset_client(&self, ip: IpAddr) -> Soon<Result<(), StoreProblem>> {
        self.reset_each(|slot| match slot.key.0 {
            Kind::Client(_) if slot.limit.is_network => slot.key.network_around(ip),
            Kind::Client(clients) => Some(Subject::network(ip, clients.v4, clients.v6)),
            _ => None,
        })
    }

    fn reset_each<'a>(
        &self,
        subject: impl Fn(&Slot) -> Option<Subject<'a>>,
    ) -> Soon<Result<(), StoreProblem>> {
        let now = self.0.clock.monotonic();
        let mut later = Vec::new();
        let mut outcome = Ok(());
        for slot in &self.0.limits {
            let Some(subject) = subject(slot) else {
                continue;
            };
            let bucket = self.0.store.bucket(&subject);
            match self.0.store.reset(now, &slot.limit, bucket) {
                Soon::Now(done) => outcome = outcome.and(done),
                Soon::Later(waiting) => later.push(waiting),
            }
        }
        if later.is_empty() {
            return Soon::Now(outcome);
        }
        Soon::later(async move {
            for waiting in later {
                outcome = outcome.and(waiting.await);
            }
            outcome
        })
    }
}
