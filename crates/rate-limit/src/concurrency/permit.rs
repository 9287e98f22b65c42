//! The permit of one request: counted in this process, and claimed in a shared store.

use std::{num::NonZeroU32, sync::Arc};

use arrayvec::ArrayVec;
use palisade_core::{Fact, Rejection, SecurityContext};

use super::ConcurrencyState;
use crate::{
    policy::FailureMode,
    store::permits::{PermitClaim, SharedPermits},
};

/// A subject and the limit of its concurrent requests.
#[derive(Clone, Copy)]
pub(super) struct SubjectLimit {
    /// The hash of the subject in this process.
    pub(super) here: u64,
    /// The hash of the subject in a shared store.
    pub(super) shared: u128,
    /// The most requests of the subject at the same time.
    pub(super) limit: NonZeroU32,
}

/// The permit of a client, and one of its network. It is dropped when the response is complete or
/// the request fails.
#[allow(unnameable_types)] // Only the layer uses it.
pub struct Permit {
    /// Where the permits are returned to.
    of: Arc<ConcurrencyState>,
    /// The subjects of the permits: the client, and its network of IPv6 if that is counted too.
    subjects: ArrayVec<SubjectLimit, 2>,
    /// Whether it is in the gauge.
    is_counted: bool,
    /// The store, and the permits there. `None`: this process counts alone.
    claim: Option<(Arc<dyn SharedPermits>, Arc<PermitClaim>)>,
}

impl Permit {
    /// Acquires all permits in this process or none: dropping `self` releases what was acquired.
    pub(super) fn acquire(
        of: &Arc<ConcurrencyState>,
        subjects: ArrayVec<SubjectLimit, 2>,
    ) -> Option<Self> {
        let mut permit = Self {
            of: Arc::clone(of),
            subjects: ArrayVec::new(),
            is_counted: false,
            claim: None,
        };
        for subject in subjects {
            if !of.counters.try_acquire(subject.here, subject.limit) {
                return None;
            }
            permit.subjects.push(subject);
        }
        of.gauge(1.0);
        permit.is_counted = true;
        Some(permit)
    }

    /// Acquires the permits in the shared store too. Without the server the failure mode decides.
    ///
    /// # Errors
    ///
    /// 429 if a limit is reached, 503 if the server cannot be reached and the limit fails closed.
    pub(super) async fn acquire_shared(
        mut self,
        shared: Arc<dyn SharedPermits>,
        cx: SecurityContext,
    ) -> Result<Self, Box<Rejection>> {
        let subjects = self.subjects.iter().map(|it| (it.shared, it.limit));
        let claim = shared.claim(&self.of.name, self.of.expiry, subjects.collect());
        // From here on the drop of the permit releases the claim, also when the client leaves.
        self.claim = Some((Arc::clone(&shared), Arc::clone(&claim)));
        match shared.acquire(&claim).get().await {
            Ok(true) => {}
            Ok(false) => {
                // Nothing is claimed.
                self.claim = None;
                return Err(Box::new(self.of.refusal.clone()));
            }
            Err(_) => self.decide_alone(&*shared, &cx)?,
        }
        shared.hold(&claim);
        Ok(self)
    }

    /// Decides without the server, by the failure mode. The claim is sent when the server is back.
    ///
    /// # Errors
    ///
    /// 429 if this node's part of a limit is used, 503 if the limit fails closed.
    fn decide_alone(
        &self,
        shared: &dyn SharedPermits,
        cx: &SecurityContext,
    ) -> Result<(), Box<Rejection>> {
        cx.record(Fact::Degraded {
            guard: "concurrency",
            what: "the store of the permits cannot be reached",
        });
        let share = match self.of.failure.unwrap_or_else(|| shared.failure_mode()) {
            FailureMode::FailClosed => return Err(Box::new(self.of.unavailable.clone())),
            FailureMode::FailOpen => NonZeroU32::MIN,
            FailureMode::LocalFallback { share } => share.unwrap_or_else(|| shared.nodes()),
        };
        let fits = |subject: &SubjectLimit| {
            let part = subject.limit.get().div_ceil(share.get());
            self.of.counters.taken(subject.here) <= part
        };
        match self.subjects.iter().all(fits) {
            true => Ok(()),
            false => Err(Box::new(self.of.refusal.clone())),
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit")
            .field("subjects", &self.subjects.len())
            .field("is_shared", &self.claim.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_counted {
            self.of.gauge(-1.0);
        }
        for subject in &self.subjects {
            self.of.counters.release(subject.here);
        }
        if let Some((shared, claim)) = &self.claim {
            shared.release(claim);
        }
    }
}
