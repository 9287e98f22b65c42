//! Buckets in Redis or Valkey: one call a request, on the server's clock, for all nodes together.
//!
//! The script `decide.lua` does the arithmetic that [`crate::gcra`] does in memory, in whole
//! microseconds. Everything around it is about the day on which the server is slow, away, full or
//! talks nonsense: a deadline, a breaker that stops asking, and for each policy a
//! [`FailureMode`](crate::FailureMode).

mod build;
mod denied;
mod link;
mod script;
mod tasks;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arrayvec::ArrayVec;
use hmac::{Hmac, Mac};
use palisade_core::Soon;
use sha2::Sha256;
use tokio::sync::mpsc;

pub use self::build::RedisStoreBuilder;
use self::{denied::Denied, link::Link, script::Call, tasks::Settlement};
use super::{
    Answer, Bucket, Charge, LimitStore, MOST_CHARGES, Ruling, Standing,
    memory::{MemoryStore, whole},
};
use crate::{FailureMode, Limit, PolicyError, Subject, gcra::Gcra};

/// Keeps buckets in Redis (6.2 or later) or Valkey, for several nodes together.
///
/// Keys look like `palisade:{2f6c…}:tts`: a keyed hash in place of an address or a user, and the
/// braces keep all limits of one subject in one slot. They expire when the bucket is full. Give the
/// server a database of its own and `maxmemory-policy noeviction`, lest buckets are thrown out.
///
/// A denial is remembered on the node until it ends, so that a flood does not reach the server. If
/// the server fails over and loses writes, clients start with full buckets. A cluster is not
/// supported, for policies of one layer may count different subjects, in one call.
///
/// Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

struct Shared {
    hash_key: Hmac<Sha256>,
    prefix: Box<str>,
    link: Arc<Link>,
    denied: Denied,
    local: MemoryStore,
    settlements: mpsc::Sender<Settlement>,
    /// Settlements that are on their way.
    unsettled: AtomicU64,
}

impl RedisStore {
    /// Starts to describe a connection. `url` is `redis://[user:password@]host:port/database` (or
    /// `rediss://`, with feature `redis-tls`). All nodes must have the same `hash_key`.
    pub fn builder(url: &str, hash_key: palisade_core::Secret) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url, hash_key)
    }

    /// Returns how many settlements are on their way to the server. They travel behind the requests.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        self.0.unsettled.load(Ordering::Acquire)
    }

    /// Tells whether the server is asked at the moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.link.line().is_some()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No address: it may hold a password.
        f.debug_struct("RedisStore")
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl LimitStore for RedisStore {
    fn bucket(&self, subject: &Subject<'_>) -> Bucket {
        let mut mac = self.0.hash_key.clone();
        subject.write(&mut |part| mac.update(part));
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let half = digest.first_chunk().copied().unwrap_or_default();
        Bucket::new(u128::from_be_bytes(half), self.0.local.coarse(subject))
    }

    fn take(&self, now: Duration, charges: &[Charge<'_>]) -> Soon<Answer> {
        if charges.len() > MOST_CHARGES {
            return Soon::Now(Answer::new(Ruling::Unavailable, []));
        }
        if let Some(answer) = self.0.denied.answer(now, charges) {
            return Soon::Now(answer);
        }
        let Some(line) = self.0.link.line() else {
            return Soon::Now(self.0.fall_back(now, charges));
        };
        let call = Call::take(&self.0.prefix, charges);
        let charges: ArrayVec<Owned, MOST_CHARGES> = charges.iter().map(Owned::from).collect();
        let shared = Arc::clone(&self.0);
        Soon::later(async move {
            let reply = shared.link.ask(line, &call).await;
            shared.answer(now, &charges, reply)
        })
    }

    fn add(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        // What is remembered of this bucket was true before.
        self.0.denied.forget(limit, bucket);
        let settlement = Settlement {
            limit: Arc::clone(limit),
            bucket,
            units,
        };
        self.0.unsettled.fetch_add(1, Ordering::AcqRel);
        if !self.is_up() || self.0.settlements.try_send(settlement).is_err() {
            self.0.unsettled.fetch_sub(1, Ordering::AcqRel);
            self.0.settle_here(now, limit, bucket, units);
        }
    }

    fn accepts(&self, limit: &Limit) -> Result<(), PolicyError> {
        script::accepts(limit)
    }

    fn explain(&self) -> String {
        let state = if self.is_up() { "up" } else { "away" };
        let deadline = self.0.link.deadline().as_millis();
        format!(
            "redis ({state}), deadline {deadline} ms; while it is away: {}",
            self.0.local.explain()
        )
    }
}

/// A charge that outlives the request's head.
#[derive(Clone, Debug)]
struct Owned {
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
    fn answer(
        &self,
        now: Duration,
        charges: &[Owned],
        reply: Result<Answer, link::Failure>,
    ) -> Answer {
        let charges: ArrayVec<Charge<'_>, MOST_CHARGES> =
            charges.iter().map(Owned::borrow).collect();
        match reply {
            Ok(answer) => {
                match answer.ruling {
                    Ruling::Refused => self.denied.remember(now, &charges, &answer),
                    // A denial of a dearer request may be remembered; it now has longer to wait.
                    _ => charges
                        .iter()
                        .for_each(|charge| self.denied.forget(charge.limit, charge.bucket)),
                }
                answer
            }
            Err(_) => self.fall_back(now, &charges),
        }
    }

    /// Decides without the server, each policy by its own mode.
    fn fall_back(&self, now: Duration, charges: &[Charge<'_>]) -> Answer {
        let closed = |charge: &Charge<'_>| charge.limit.failure == FailureMode::FailClosed;
        if charges.iter().any(closed) {
            return Answer::new(Ruling::Unavailable, []).degraded();
        }
        let counted: ArrayVec<Charge<'_>, MOST_CHARGES> = charges
            .iter()
            .filter(|charge| is_local(charge.limit))
            .copied()
            .collect();
        let local = self.local.decide(now, &counted, part);
        let mut standings = local.standings.iter().copied();
        let all = charges.iter().map(|charge| match is_local(charge.limit) {
            true => standings.next().unwrap_or_default(),
            false => Standing::default(),
        });
        Answer::new(local.ruling, all).degraded()
    }

    /// Counts a settlement on this node, where the fallback will find it.
    fn settle_here(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        if is_local(limit) {
            self.local.adjust(now, limit, bucket, units, part);
        }
    }
}

fn is_local(limit: &Limit) -> bool {
    matches!(limit.failure, FailureMode::LocalFallback { .. })
}

fn part(limit: &Limit) -> &Gcra {
    match limit.failure {
        FailureMode::LocalFallback { .. } => &limit.local,
        _ => whole(limit),
    }
}
