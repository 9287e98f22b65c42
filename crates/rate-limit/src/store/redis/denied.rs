//! Denials that are remembered: a flood does not reach the server.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Answer, Bucket, Charge, Limit, Ruling, Standing, store::nanoseconds};

/// As many denied buckets are remembered; a newer one displaces the older one in its place. 192 KiB.
const PLACES: usize = 4096;

/// A denial is trusted for so long. Then one request asks the server again: the bucket may have
/// been reset, or units given back by another node.
const TRUSTED: Duration = Duration::from_secs(2);

/// A fixed array, each bucket in one place of it.
pub(super) struct Denied(Box<[Mutex<Denial>]>);

/// So many units of a quota will not be there before that moment. Times in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Denial {
    bucket: u64,
    until: u64,
    ask_again: u64,
    /// Of the quota that refused: another one (raised, or of another tier) is not bound by this.
    interval: u64,
    burst: u32,
    need: u32,
}

/// What is remembered of a request's buckets.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // A box would cost an allocation for each refusal.
pub(super) enum Remembered {
    /// Nothing that would refuse it.
    Nothing,
    /// It would be refused, but this request is the one to ask the server again.
    Doubtful,
    Refused(Answer),
}

impl Default for Denied {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }
}

impl Denied {
    /// Answers for the server where it is known what it would say. `can_ask` tells whether the
    /// server can be asked at all: if not, denials are trusted until they end.
    pub(super) fn answer(
        &self,
        now: Duration,
        charges: &[Charge<'_>],
        can_ask: bool,
    ) -> Remembered {
        let now = nanoseconds(now);
        let mut doubtful = false;
        let standing = |charge: &Charge<'_>| {
            let Some(mut denial) = self.denial(now, charge) else {
                return Standing::default();
            };
            if can_ask && denial.ask_again <= now {
                // The others go on being refused meanwhile.
                denial.ask_again = now.saturating_add(nanoseconds(TRUSTED));
                doubtful = true;
                return Standing::default();
            }
            denial.standing(now, charge)
        };
        let answer = Answer::new(Ruling::Refused, charges.iter().map(standing));
        match answer.standings.iter().any(Standing::refused) {
            true => Remembered::Refused(answer),
            false if doubtful => Remembered::Doubtful,
            false => Remembered::Nothing,
        }
    }

    /// Finds the denial that holds for a charge.
    fn denial(&self, now: u64, charge: &Charge<'_>) -> Option<MutexGuard<'_, Denial>> {
        let denial = self.place(charge.limit, charge.bucket)?;
        let holds = denial.bucket == name(charge.limit, charge.bucket)
            && denial.until > now
            && denial.need <= charge.need
            && (denial.interval, denial.burst)
                == (charge.limit.gcra.emission(), charge.limit.burst());
        holds.then_some(denial)
    }

    /// Remembers who refused. The time runs from the question and not from the reply: a request that
    /// comes a moment too early is asked about once more, and none is refused too long.
    pub(super) fn remember(&self, now: Duration, charges: &[Charge<'_>], answer: &Answer) {
        let now = nanoseconds(now);
        let refused = charges
            .iter()
            .zip(&answer.standings)
            .filter(|(_, standing)| standing.refused());
        for (charge, standing) in refused {
            if let Some(mut place) = self.place(charge.limit, charge.bucket) {
                *place = Denial {
                    bucket: name(charge.limit, charge.bucket),
                    until: now.saturating_add(standing.wait),
                    ask_again: now.saturating_add(nanoseconds(TRUSTED)),
                    interval: charge.limit.gcra.emission(),
                    burst: charge.limit.burst(),
                    need: charge.need,
                };
            }
        }
    }

    /// Forgets a bucket that this node charged or gave back to meanwhile, or that was reset. What other
    /// nodes do is not known here, and found out when the server is asked again.
    pub(super) fn forget(&self, limit: &Limit, bucket: Bucket) {
        if let Some(mut place) = self.place(limit, bucket)
            && place.bucket == name(limit, bucket)
        {
            *place = Denial::default();
        }
    }

    fn place(&self, limit: &Limit, bucket: Bucket) -> Option<MutexGuard<'_, Denial>> {
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
    fn standing(&self, now: u64, charge: &Charge<'_>) -> Standing {
        let wait = self.until - now + self.interval * u64::from(charge.need - self.need);
        let missing = u64::from(self.burst.saturating_sub(charge.need));
        Standing {
            backlog: wait + self.interval * missing,
            wait,
        }
    }
}

fn name(limit: &Limit, bucket: Bucket) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // Half of a keyed hash is a keyed hash.
    let subject = bucket.own as u64;
    subject ^ u64::from(limit.salt)
}
