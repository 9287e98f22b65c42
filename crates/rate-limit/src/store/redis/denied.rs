//! Denials, remembered until they end: a flood does not reach the server.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Answer, Bucket, Charge, Limit, Ruling, Standing, store::nanoseconds};

/// As many denied buckets are remembered; a newer one displaces the older one in its place. 128 KiB.
const PLACES: usize = 4096;

/// A fixed array, each bucket in one place of it.
pub(super) struct Denied(Box<[Mutex<Denial>]>);

/// So many units will not be there before that moment.
#[derive(Clone, Copy, Debug, Default)]
struct Denial {
    bucket: u64,
    need: u32,
    until: u64,
}

impl Default for Denied {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }
}

impl Denied {
    /// Answers for the server where it is known what it would say.
    pub(super) fn answer(&self, now: Duration, charges: &[Charge<'_>]) -> Option<Answer> {
        let now = nanoseconds(now);
        let standing = |charge: &Charge<'_>| self.standing(now, charge).unwrap_or_default();
        let answer = Answer::new(Ruling::Refused, charges.iter().map(standing));
        answer
            .standings
            .iter()
            .any(Standing::refused)
            .then_some(answer)
    }

    fn standing(&self, now: u64, charge: &Charge<'_>) -> Option<Standing> {
        let denial = *self.place(charge.limit, charge.bucket)?;
        if denial.bucket != name(charge.limit, charge.bucket)
            || denial.until <= now
            || denial.need > charge.need
        {
            return None;
        }
        let interval = charge.limit.gcra.emission();
        let wait = denial.until - now + interval * u64::from(charge.need - denial.need);
        let missing = u64::from(charge.limit.burst().saturating_sub(charge.need));
        Some(Standing {
            backlog: wait + interval * missing,
            wait,
        })
    }

    /// Remembers who refused. The time runs from the question and not from the reply: whoever comes a
    /// moment too early is asked about once more, and nobody is turned away too long.
    pub(super) fn remember(&self, now: Duration, charges: &[Charge<'_>], answer: &Answer) {
        let refused = charges
            .iter()
            .zip(&answer.standings)
            .filter(|(_, standing)| standing.refused());
        for (charge, standing) in refused {
            if let Some(mut place) = self.place(charge.limit, charge.bucket) {
                *place = Denial {
                    bucket: name(charge.limit, charge.bucket),
                    need: charge.need,
                    until: nanoseconds(now).saturating_add(standing.wait),
                };
            }
        }
    }

    /// Forgets a bucket that this node charged or gave back to meanwhile. What other nodes do since the
    /// question is not known here: what is remembered may end too early, and is asked for again then;
    /// and what another node gives back is of use here only when it ends.
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

fn name(limit: &Limit, bucket: Bucket) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // Half of a keyed hash is a keyed hash.
    let subject = bucket.own as u64;
    subject ^ u64::from(limit.salt)
}
