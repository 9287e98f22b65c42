//! Buckets in this process' memory: governor's arithmetic over dashmap's shards, of a size that never changes.
//!
//! Governor's own keyed limiter grows with every key that is ever seen and decides one key of one
//! quota at a time. Here a request locks the shards of all its buckets (in ascending order, so that
//! no two requests wait for each other; buckets of one subject share a shard, so that it is nearly
//! always one lock), lets governor judge each, and writes only if all agreed.

mod overflow;
mod session;
mod sweep;
mod table;
mod watch;

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use arrayvec::ArrayVec;
use palisade_core::Soon;

use self::{overflow::Overflow, session::Session, table::Table, watch::Watch};
use super::{
    Answer, Bucket, Charge, LimitNames, LimitStore, MOST_CHARGES, Ruling, Standing, nanoseconds,
};
use crate::{Limit, Subject, gcra::Gcra};

/// Enough for a busy public server: about six megabytes.
const DEFAULT_CAPACITY: usize = 65_536;

/// Keeps buckets in memory, in a table that is as large on the first day as on the last.
///
/// A bucket that is full again equals no bucket, so those make room for new ones. When all that
/// were looked at are in use, a new client is charged to a bucket that it shares with its neighbours
/// (IPv4 /24, IPv6 /48, or the owner): it is neither turned away nor let off, and nobody can push
/// his own penalty out of the table. A look, as penalties take one, reads the shared bucket too.
///
/// One network cannot fill the table: of a table that is more than half full, an IPv4 /24, an IPv6
/// /48 or an owner holds at most a sixteenth, an IPv4 /16 or an IPv6 /32 a quarter. Its further
/// clients share a bucket; those of other networks have their own.
///
/// When new clients begin to share, one line is logged and the gauge `palisade_limit_sharing{reason}`
/// is set; when nobody shared for a minute, they are told that it is over. The counter
/// `palisade_limit_shared_charges_total{reason}` counts the charges (`reason` is `table_full` or
/// `network_share`). The metrics need the feature `metrics`.
#[derive(Debug)]
pub struct MemoryStore {
    hasher: RandomState,
    table: Table,
    overflow: Overflow,
    names: LimitNames,
    watch: Watch,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl MemoryStore {
    /// Makes room for at least so many buckets: one for each subject and limit. Beside them it
    /// takes some 560 kB for the buckets that newcomers share and for counters of networks.
    #[must_use]
    pub fn with_capacity(buckets: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            table: Table::new(buckets),
            overflow: Overflow::default(),
            names: LimitNames::default(),
            watch: Watch::default(),
        }
    }

    /// Returns how many buckets fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Returns how many buckets are kept, those included that are full again and still stand there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Tells whether nobody was counted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the buckets may take, on the first day as on the last.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory() + self.overflow.memory()
    }

    fn hash(&self, subject: &Subject<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        subject.write(&mut |part| hasher.write(part));
        hasher.finish()
    }

    /// Names the bucket of a subject whose own hash is known, and those that it shares.
    pub(crate) fn bucket_of(&self, own: u128, subject: &Subject<'_>) -> Bucket {
        let hash = |wider: Option<Subject<'_>>| self.hash(&wider.unwrap_or(*subject));
        Bucket {
            own,
            coarse: hash(subject.coarser()),
            region: hash(subject.region()),
        }
    }

    /// Decides. `pick` chooses the arithmetic of a limit: the whole, or this node's part.
    pub(crate) fn decide<'a, G: Borrow<Gcra>>(
        &self,
        now: Duration,
        charges: &[Charge<'a>],
        pick: impl Fn(&'a Limit) -> G,
    ) -> Answer {
        if charges.len() > MOST_CHARGES {
            return Answer::new(Ruling::Unavailable, []);
        }
        let now = nanoseconds(now);
        let picked: ArrayVec<G, MOST_CHARGES> = charges.iter().map(|c| pick(c.limit)).collect();
        let gcras: ArrayVec<&Gcra, MOST_CHARGES> = picked.iter().map(Borrow::borrow).collect();
        let mut session = Session::new(self, now, charges);
        let all = session.find(charges, &gcras);
        let weighed = charges.iter().zip(&all).zip(&gcras);
        let standings: ArrayVec<Standing, MOST_CHARGES> = weighed
            .map(|((charge, found), gcra)| weigh(gcra, charge, found.backlog))
            .collect();
        let refused = standings.iter().any(Standing::refused);
        if refused {
            session.leave(charges, &all);
        } else {
            session.commit(charges, &all, &standings, &gcras);
        }
        self.watch.note(now, session.end());
        Answer {
            ruling: if refused {
                Ruling::Refused
            } else {
                Ruling::Admitted
            },
            standings,
            degraded: false,
        }
    }

    /// Charges without asking, or gives back, by the given arithmetic.
    pub(crate) fn adjust(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: Bucket,
        units: i64,
        gcra: &Gcra,
    ) {
        let now = nanoseconds(now);
        let charges = [Charge::new(limit, bucket, u32::from(units > 0))];
        let mut session = Session::new(self, now, &charges);
        let all = session.find(&charges, &[gcra]);
        for (charge, found) in charges.iter().zip(&all) {
            session.set(charge, found, |backlog| gcra.add(backlog, units));
        }
        self.watch.note(now, session.end());
    }
}

impl LimitStore for MemoryStore {
    fn bucket(&self, subject: &Subject<'_>) -> Bucket {
        self.bucket_of(u128::from(self.hash(subject)), subject)
    }

    fn take(&self, now: Duration, charges: &[Charge<'_>]) -> Soon<Answer> {
        Soon::Now(self.decide(now, charges, whole))
    }

    fn add(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        self.adjust(now, limit, bucket, units, &limit.gcra);
    }

    fn names(&self) -> Option<&LimitNames> {
        Some(&self.names)
    }

    fn explain(&self) -> String {
        let (buckets, bytes) = (self.capacity(), self.memory());
        format!("memory: {buckets} buckets, {bytes} bytes, fixed")
    }
}

pub(crate) fn whole(limit: &Limit) -> &Gcra {
    &limit.gcra
}

fn weigh(gcra: &Gcra, charge: &Charge<'_>, backlog: u64) -> Standing {
    // A part of a limit may hold less than one request costs; that request then takes the whole part.
    let (need, take) = (charge.need.min(gcra.burst()), charge.take.min(gcra.burst()));
    match gcra.weigh(backlog, need, take) {
        Ok(backlog) => Standing { backlog, wait: 0 },
        Err(wait) => Standing { backlog, wait },
    }
}
