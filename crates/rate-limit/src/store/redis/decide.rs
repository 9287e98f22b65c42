//! What this node decides by itself: before it asks the server, with the reply, and without one.

use std::{borrow::Borrow, num::NonZeroU32, sync::Arc, sync::atomic::Ordering, time::Duration};

use arrayvec::ArrayVec;

use super::{
    Shared,
    connection::{Connection, Delivery},
    denied::Remembered,
    errors,
    lane::{Lane, Sent, Undelivered},
    measure::Lost,
    script::Call,
};
use crate::{
    Answer, Bucket, Charge, FailureMode, Limit, Ruling, Standing, StoreProblem, gcra::Gcra,
    store::MOST_CHARGES, store::memory::whole,
};

/// So many buckets are settled by one batch: requests on the same connection wait behind it.
const BATCH: usize = 64;

/// What is known of a request before the server is asked.
#[allow(clippy::large_enum_variant)] // A box would cost an allocation for each refusal.
pub(super) enum Known {
    Nothing,
    /// It is remembered as refused, but it is time to ask the server again.
    Doubtful,
    Refused(Answer),
}

/// A charge that outlives the request's head.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    limit: Arc<Limit>,
    bucket: Bucket,
    need: u32,
    take: u32,
}

impl From<&Charge<'_>> for Owned {
    fn from(charge: &Charge<'_>) -> Self {
        let Charge {
            limit,
            bucket,
            need,
            take,
        } = *charge;
        Self {
            limit: Arc::clone(limit),
            bucket,
            need,
            take,
        }
    }
}

impl Owned {
    fn borrow(&self) -> Charge<'_> {
        Charge {
            limit: &self.limit,
            bucket: self.bucket,
            need: self.need,
            take: self.take,
        }
    }
}

impl Shared {
    /// Finds out whether the request is refused by what this node knows.
    pub(super) fn known(&self, now: Duration, charges: &[Charge<'_>]) -> Known {
        let can_ask = self.link.is_up() && !self.losses.in_doubt(now);
        match self.denied.answer(now, charges, can_ask) {
            Remembered::Refused(answer) => return Known::Refused(answer),
            Remembered::Doubtful if !self.has_pending_penalty(charges) => return Known::Doubtful,
            Remembered::Doubtful | Remembered::Nothing => {}
        }
        match self.refused_here(now, charges) {
            Some(answer) => {
                self.denied.remember(now, charges, &answer);
                Known::Refused(answer)
            }
            None => Known::Nothing,
        }
    }

    fn has_pending_penalty(&self, charges: &[Charge<'_>]) -> bool {
        let pending = |charge: &Charge<'_>| self.penalties.is_pending(charge.limit, charge.bucket);
        charges
            .iter()
            .any(|charge| charge.limit.penalty && pending(charge))
    }

    /// Looks at what this node charged and the server may not know yet: penalties; and settled
    /// charges, if any were lost.
    fn refused_here(&self, now: Duration, charges: &[Charge<'_>]) -> Option<Answer> {
        let in_doubt = self.losses.in_doubt(now);
        let counts = |limit: &Limit| limit.penalty || in_doubt && limit.settled_by.is_some();
        let looks: ArrayVec<Charge<'_>, MOST_CHARGES> = charges
            .iter()
            .filter(|charge| counts(charge.limit))
            .map(|charge| Charge { take: 0, ..*charge })
            .collect();
        if looks.is_empty() {
            return None;
        }
        let here = self.charged_here.decide(now, &looks, whole);
        let refused = here.ruling == Ruling::Refused;
        refused.then(|| spread(&here, charges, counts))
    }

    /// Turns the reply into an answer. `doubted` tells that this request was remembered as refused.
    pub(super) fn answer(
        &self,
        now: Duration,
        charges: &[Owned],
        reply: Result<Answer, StoreProblem>,
        doubted: bool,
    ) -> Answer {
        let charges: ArrayVec<Charge<'_>, MOST_CHARGES> =
            charges.iter().map(Owned::borrow).collect();
        let Ok(answer) = reply else {
            // A refusal that cannot be confirmed now still holds.
            return match self.denied.answer(now, &charges, false) {
                Remembered::Refused(answer) => answer,
                _ => self.fall_back(now, &charges),
            };
        };
        if answer.ruling == Ruling::Refused {
            self.denied.remember(now, &charges, &answer);
            return answer;
        }
        for charge in &charges {
            // A denial of a dearer request may be remembered; it now has longer to wait.
            self.denied.forget(charge.limit, charge.bucket);
            if doubted
                && charge.limit.penalty
                && !self.penalties.is_pending(charge.limit, charge.bucket)
            {
                // The server has all penalties and admits: the bucket was reset.
                self.charge_here(now, charge.limit, charge.bucket, i64::MIN);
            }
        }
        answer
    }

    /// Decides without the server, each policy by its own mode.
    pub(super) fn fall_back(&self, now: Duration, charges: &[Charge<'_>]) -> Answer {
        let closed = |charge: &Charge<'_>| self.mode(charge.limit) == FailureMode::FailClosed;
        if charges.iter().any(closed) {
            return Answer::new(Ruling::Unavailable, []).degraded();
        }
        let counts = |limit: &Limit| self.is_local(limit);
        let counted: ArrayVec<Charge<'_>, MOST_CHARGES> = charges
            .iter()
            .filter(|charge| counts(charge.limit))
            .copied()
            .collect();
        let local = self.local.decide(now, &counted, |limit| self.part(limit));
        spread(&local, charges, counts).degraded()
    }

    /// Counts a settlement on this node, where the fallback will find it.
    pub(super) fn settle_here(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: Bucket,
        units: i64,
    ) {
        if self.is_local(limit) {
            let part = self.part(limit);
            self.local.adjust(now, limit, bucket, units, part.borrow());
        }
    }

    /// Counts a charge on this node, whatever the server knows of it.
    pub(super) fn charge_here(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: Bucket,
        units: i64,
    ) {
        self.charged_here
            .adjust(now, limit, bucket, units, &limit.gcra);
    }

    /// Forgets everything that this node knows of a bucket.
    pub(super) fn forget(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket) {
        self.lane(limit).forget(limit, bucket);
        self.charge_here(now, limit, bucket, i64::MIN);
        self.local.adjust(now, limit, bucket, i64::MIN, &limit.gcra);
        self.denied.forget(limit, bucket);
    }

    pub(super) fn lane(&self, limit: &Limit) -> &Arc<Lane> {
        match limit.penalty {
            true => &self.penalties,
            false => &self.settlements,
        }
    }

    /// Notes a settlement for which there was no room. What was to be given back stays charged, and
    /// a charge holds on this node at least.
    pub(super) fn lost(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        if units > 0 {
            if !limit.penalty {
                self.charge_here(now, limit, bucket, units);
            }
            self.losses.doubt_until(now, limit.gcra.ceiling());
        }
        self.losses.count(kind(limit, units > 0), 1);
    }

    /// Sends a batch of settlements. Returns whether all arrived.
    pub(super) async fn deliver(&self, lane: &Lane, connection: Connection) -> bool {
        let batch = lane.take(BATCH);
        let call =
            |sent: &Sent| Call::settle(&self.prefix, &sent.limit, sent.name.bucket(), sent.amount);
        let calls: Vec<Call> = batch.iter().map(call).collect();
        let deliveries = self.link.deliver(connection, &calls).await;
        let mut arrived = true;
        for (sent, delivery) in batch.iter().zip(deliveries) {
            arrived &= delivery == Delivery::Done;
            let Undelivered { charges, refunds } = lane.finish(&sent.name, delivery);
            self.losses.count(kind(&sent.limit, true), charges.into());
            self.losses.count(Lost::Refund, refunds.into());
        }
        arrived
    }

    /// Registers this node and learns how many there are.
    pub(super) async fn count_nodes(&self) {
        let Some(connection) = self.link.connection() else {
            return;
        };
        match self.link.nodes(connection, &self.prefix, &self.node).await {
            Ok(nodes) => self.nodes.store(nodes.max(1), Ordering::Relaxed),
            // A server that is away is told of elsewhere, and the last count holds.
            Err(problem) if errors::is_telling(problem) => self.losses.uncounted_nodes(problem),
            Err(_) => {}
        }
    }

    /// What a limit does while the server is away.
    fn mode(&self, limit: &Limit) -> FailureMode {
        limit.failure.unwrap_or(self.failure)
    }

    fn is_local(&self, limit: &Limit) -> bool {
        matches!(self.mode(limit), FailureMode::LocalFallback { .. })
    }

    /// Returns this node's part of a limit.
    fn part<'a>(&self, limit: &'a Limit) -> Part<'a> {
        let share = match self.mode(limit) {
            FailureMode::LocalFallback { share } => share.or(self.share),
            _ => Some(NonZeroU32::MIN),
        };
        let nodes = || NonZeroU32::new(self.nodes.load(Ordering::Relaxed));
        let share = share.or_else(nodes).unwrap_or(NonZeroU32::MIN);
        Part::of(&limit.gcra, share)
    }
}

/// The arithmetic of one node's part.
enum Part<'a> {
    Cut(Gcra),
    Whole(&'a Gcra),
}

impl<'a> Part<'a> {
    /// Cuts a limit. If a part is so small that it cannot be counted, it is made twice as large.
    fn of(gcra: &'a Gcra, share: NonZeroU32) -> Self {
        let halved = |share: &NonZeroU32| NonZeroU32::new(share.get() / 2);
        let mut shares = std::iter::successors(Some(share), halved);
        let cut = shares.find_map(|share| match share {
            NonZeroU32::MIN => None,
            share => gcra.shared_among(share),
        });
        cut.map_or(Self::Whole(gcra), Self::Cut)
    }
}

impl Borrow<Gcra> for Part<'_> {
    fn borrow(&self) -> &Gcra {
        match self {
            Self::Cut(gcra) => gcra,
            Self::Whole(gcra) => gcra,
        }
    }
}

/// Puts the standings of those charges that were counted beside those that were not.
fn spread(answer: &Answer, charges: &[Charge<'_>], counted: impl Fn(&Limit) -> bool) -> Answer {
    let mut standings = answer.standings.iter().copied();
    let all = charges.iter().map(|charge| match counted(charge.limit) {
        true => standings.next().unwrap_or_default(),
        false => Standing::default(),
    });
    Answer::new(answer.ruling, all)
}

const fn kind(limit: &Limit, charge: bool) -> Lost {
    match (charge, limit.penalty) {
        (false, _) => Lost::Refund,
        (true, true) => Lost::Penalty,
        (true, false) => Lost::Charge,
    }
}
