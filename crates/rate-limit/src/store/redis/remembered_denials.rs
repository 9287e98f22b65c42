//! Denials of the server that this node remembers, so that a flood of refused requests does not
//! reach it.
//!
//! A fixed array of 4,096 entries. A denial is used for two seconds; then one request calls the
//! server again. While the server cannot be reached, denials apply until they end.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    policy::Limit,
    store::{BucketKey, Charge, ChargeOutcome, LimitState, StoreDecision, nanoseconds},
};

/// The number of remembered buckets. A newer one replaces the older one in its entry. 192 KiB.
const PLACES: usize = 4096;

/// A denial is used for this long. Then one request calls the server again: the bucket may have
/// been reset, or another node may have made a refund.
const TRUSTED: Duration = Duration::from_secs(2);

/// A fixed array of denials, with one entry for each bucket.
pub(super) struct RememberedDenials(Box<[Mutex<Denial>]>);

/// A quota has fewer than these units until that time. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Denial {
    /// The hash of the bucket. A denial of another bucket in the same place is no answer.
    bucket: u64,
    /// When the units are there again.
    until: u64,
    /// After this moment one request asks the server, although the denial has not ended.
    ask_again: u64,
    /// Of the quota that refused: another one (raised, or of another tier) is not bound by this.
    interval: u64,
    /// The burst of the quota that refused.
    burst: u32,
    /// The units that were not there. A request that needs fewer may be granted.
    required: u32,
    /// Whether the units of the bucket have the price of the quota: only then is the wait for more units known.
    has_own_price: bool,
}

/// What is remembered about the buckets of a request.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // A box would cost an allocation for each refusal.
pub(super) enum DenialLookup {
    /// Nothing that refuses it.
    Nothing,
    /// It would be refused, but this request must call the server again.
    Doubtful,
    Refused(StoreDecision),
}

impl Default for RememberedDenials {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }
}

impl RememberedDenials {
    /// Decides instead of the server where its decision is known.
    ///
    /// `can_ask` tells whether the server can be called. If not, denials apply until they end. If it can, one
    /// request every two seconds is [doubtful](DenialLookup::Doubtful) and calls it; the others are refused
    /// meanwhile.
    pub(super) fn look_up(
        &self,
        now: Duration,
        charges: &[Charge<'_>],
        can_ask: bool,
    ) -> DenialLookup {
        let now = nanoseconds(now);
        let mut doubtful = false;
        let limit_state = |charge: &Charge<'_>| {
            let Some(mut denial) = self.denial(now, charge) else {
                return LimitState::default();
            };
            if can_ask && denial.ask_again <= now {
                // The others go on being refused meanwhile.
                denial.ask_again = now.saturating_add(nanoseconds(TRUSTED));
                doubtful = true;
                return LimitState::default();
            }
            denial.limit_state(now, charge)
        };
        let decision = StoreDecision::new(ChargeOutcome::Refused, charges.iter().map(limit_state));
        match decision.limit_states.iter().any(LimitState::is_refused) {
            true => DenialLookup::Refused(decision),
            false if doubtful => DenialLookup::Doubtful,
            false => DenialLookup::Nothing,
        }
    }

    /// Finds the denial that applies to a charge.
    fn denial(&self, now: u64, charge: &Charge<'_>) -> Option<MutexGuard<'_, Denial>> {
        let denial = self.lock_slot(charge.limit, charge.bucket)?;
        let holds = denial.bucket == name(charge.limit, charge.bucket)
            && denial.until > now
            && (denial.required == charge.required
                || denial.has_own_price && denial.required < charge.required)
            && (denial.interval, denial.burst)
                == (charge.limit.gcra.emission(), charge.limit.gcra.granted());
        holds.then_some(denial)
    }

    /// Remembers the buckets that refused.
    ///
    /// The time runs from the call, not from the reply. A request that comes slightly too early
    /// calls the server once more, and none is refused too long.
    pub(super) fn remember(&self, now: Duration, charges: &[Charge<'_>], decision: &StoreDecision) {
        let now = nanoseconds(now);
        let refused = charges
            .iter()
            .zip(&decision.limit_states)
            .filter(|(_, limit_state)| limit_state.is_refused());
        for (charge, limit_state) in refused {
            if let Some(mut slot) = self.lock_slot(charge.limit, charge.bucket) {
                *slot = Denial {
                    bucket: name(charge.limit, charge.bucket),
                    until: now.saturating_add(limit_state.wait),
                    ask_again: now.saturating_add(nanoseconds(TRUSTED)),
                    interval: charge.limit.gcra.emission(),
                    burst: charge.limit.gcra.granted(),
                    required: charge.required,
                    has_own_price: has_own_price(charge, limit_state),
                };
            }
        }
    }

    /// Removes a bucket that this node charged or refunded, or that was reset. Changes by other
    /// nodes are found when the server is called again.
    pub(super) fn forget(&self, limit: &Limit, bucket: BucketKey) {
        if let Some(mut slot) = self.lock_slot(limit, bucket)
            && slot.bucket == name(limit, bucket)
        {
            *slot = Denial::default();
        }
    }

    /// Returns the entry of a bucket.
    fn lock_slot(&self, limit: &Limit, bucket: BucketKey) -> Option<MutexGuard<'_, Denial>> {
        let index = usize::try_from(name(limit, bucket) % PLACES as u64).ok()?;
        Some(
            self.0
                .get(index)?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Denial {
    /// Returns the state of a charge under this denial. A request that requires more waits longer.
    fn limit_state(&self, now: u64, charge: &Charge<'_>) -> LimitState {
        let time_of = |units: u32| self.interval.saturating_mul(u64::from(units));
        let more = time_of(charge.required - self.required);
        let wait = (self.until - now).saturating_add(more);
        let missing = self.burst.saturating_sub(charge.required);
        LimitState {
            backlog: wait.saturating_add(time_of(missing)),
            wait,
        }
    }
}

/// Tells whether the wait of a refusal is that of units at the price of its limit.
fn has_own_price(charge: &Charge<'_>, refused: &LimitState) -> bool {
    let gcra = &charge.limit.gcra;
    let missing = gcra.granted().saturating_sub(charge.required);
    refused.backlog == refused.wait.saturating_add(gcra.time_of(missing))
}

/// Returns the name of a bucket in the array. Two buckets with one name replace each other, and never count
/// as each other: the quota is compared too.
fn name(limit: &Limit, bucket: BucketKey) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // Half of a keyed hash is a keyed hash.
    let subject = bucket.own as u64;
    subject ^ u64::from(limit.salt)
}
