//! One scenario: replicas, requests, and what is counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use palisade::{
    core::ManualClock,
    rate_limit::{Charge, ChargeOutcome, Key, LeasedStore, Limit, LimitStore, Policy, Subject},
};

use crate::server::{Link, Server, random};

/// What the limit grants in a second, for each replica. Its burst is one second.
pub(crate) const RATE: u32 = 50;
const SECONDS: u32 = 5;
const SECOND: u64 = 1_000_000_000;

/// The adversary's rounds, and the time between their begins.
const ROUNDS: u64 = 3;
const ROUND: u64 = 4 * SECOND;
/// How long the adversary lets leases lie: until shortly before they end, so that the bucket is full again.
const PAUSE: u64 = SECOND * 95 / 100;

/// Which requests come, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Load {
    /// Who knows the algorithm: each replica takes a lease, keeps it until it has nearly ended, and spends it in the
    /// same moment as all others and the bucket, which is full again.
    Adversary,
    /// Steadily, in percent of what the limit grants, each at a random replica.
    Steady(u32),
}

/// How many replicas, whether they have leases, and whether calls are lost and clocks are wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) replicas: u32,
    pub(crate) load: Load,
    pub(crate) lease: Option<u32>,
    pub(crate) faults: bool,
}

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) admitted: u64,
    /// Calls of the store.
    pub(crate) calls: u64,
    /// The most units over what the limit grants, of all spans of time.
    pub(crate) over: u64,
}

/// A replica with its own clock.
struct Replica {
    store: Arc<dyn LimitStore>,
    leases: Option<LeasedStore>,
    clock: ManualClock,
    /// Nanoseconds that its clock goes wrong in a second.
    drift: u64,
    seen: AtomicU64,
}

impl Scenario {
    /// The stated bound on `over`.
    pub(crate) fn bound(&self) -> u64 {
        u64::from(self.replicas) * u64::from(self.lease.unwrap_or(0))
    }

    /// Sends all requests.
    pub(crate) fn run(&self) -> Counted {
        let limit = self.limit();
        let (server, replicas) = self.fleet();
        let requests = self.requests();
        let mut counted = Counted {
            requests: requests.len() as u64,
            admitted: 0,
            calls: 0,
            over: 0,
        };
        let mut excess = Excess::default();
        for (number, (now, replica)) in (1_u64..).zip(requests) {
            server.now.store(self.server_time(now), Relaxed);
            if number.is_multiple_of((counted.requests / 20).max(1)) {
                replicas
                    .iter()
                    .for_each(|replica| replica.return_ended(now));
            }
            let Some(replica) = replicas.get(replica) else {
                continue;
            };
            if replica.admits(now, &limit) {
                counted.admitted += 1;
                excess.add(now, limit.interval());
            }
        }
        counted.calls = server.calls.load(Relaxed);
        counted.over = excess.most.saturating_sub(self.rate());
        counted
    }

    /// What the limit grants in a second.
    fn rate(&self) -> u64 {
        u64::from(RATE * self.replicas)
    }

    /// The requests: when, and at which replica.
    fn requests(&self) -> Vec<(u64, usize)> {
        match self.load {
            Load::Adversary => self.adversary(),
            Load::Steady(percent) => self.steady(percent.into()),
        }
    }

    fn steady(&self, percent: u64) -> Vec<(u64, usize)> {
        let dice = AtomicU64::new(0x9E37_79B9_7F4A_7C15);
        let requests = self.rate() * percent * u64::from(SECONDS) / 100;
        let step = SECOND * 100 / (self.rate() * percent);
        let replica = || usize::try_from(random(&dice) % u64::from(self.replicas)).unwrap_or(0);
        (1..=requests)
            .map(|number| (number * step, replica()))
            .collect()
    }

    /// Of each round: two requests at each replica, of which the second takes a lease. Later, in one moment, each spends
    /// its lease, and one of them what the bucket has.
    fn adversary(&self) -> Vec<(u64, usize)> {
        let replicas = 0..self.replicas as usize;
        let held = self.lease.unwrap_or(0).saturating_sub(1) as usize;
        let bucket = usize::try_from(self.rate() + self.rate() / 10 + 2).unwrap_or(0);
        let round = |number: u64| {
            let begin = (number + 1) * ROUND;
            let all = |at: u64, each: usize| {
                let of_replica = move |replica| std::iter::repeat_n((at, replica), each);
                replicas.clone().flat_map(of_replica)
            };
            let end = begin + PAUSE;
            let rest = std::iter::repeat_n((end, 0), bucket);
            let spent = all(end, held).chain(rest);
            all(begin, 2).chain(spent).collect::<Vec<_>>()
        };
        (0..ROUNDS).flat_map(round).collect()
    }

    fn limit(&self) -> Arc<Limit> {
        let rate = format!("{}/second", RATE * self.replicas);
        let policy = Policy::named("shared")
            .rate(&rate)
            .expect("it is valid")
            .key(Key::everyone());
        let policy = match self.lease {
            Some(lease) => policy.lease(lease),
            None => policy,
        };
        Arc::new(policy.limits().expect("they are valid").remove(0))
    }

    fn fleet(&self) -> (Arc<Server>, Vec<Replica>) {
        let server = Arc::new(Server::new());
        let replica = |number: u32| {
            let number = u64::from(number);
            let link = Link {
                server: Arc::clone(&server),
                lost: if self.faults { 20 } else { 0 },
                random: AtomicU64::new(0xD1B5_4A32_D192_ED03 ^ (number + 1) << 20),
            };
            // Clocks are up to an hour apart, and up to a millisecond in a second too fast.
            let apart = if self.faults {
                number * 3_600 / u64::from(self.replicas)
            } else {
                0
            };
            let clock = ManualClock::new(Duration::from_secs(1_800_000_000 + apart));
            let drift = if self.faults { number % 1_000_000 } else { 0 };
            Replica::new(link, self.lease.is_some(), clock, drift)
        };
        let replicas = (0..self.replicas).map(replica).collect();
        (server, replicas)
    }

    /// The clock of the server. With faults it is set back by half a second once.
    fn server_time(&self, now: u64) -> u64 {
        let is_set_back = self.faults && now > 2 * SECOND;
        now + SECOND - if is_set_back { SECOND / 2 } else { 0 }
    }
}

impl Replica {
    fn new(link: Link, leased: bool, clock: ManualClock, drift: u64) -> Self {
        let mut replica = Self {
            store: Arc::new(link),
            leases: None,
            clock,
            drift,
            seen: AtomicU64::new(0),
        };
        if leased {
            let leases = LeasedStore::builder(Arc::clone(&replica.store));
            let leases = leases
                .clock(replica.clock.shared())
                .build()
                .expect("it is valid");
            replica.store = Arc::new(leases.clone());
            replica.leases = Some(leases);
        }
        replica
    }

    /// Moves its clock to a moment, and returns its time.
    fn time_at(&self, now: u64) -> Duration {
        let own = now + now / SECOND * self.drift;
        let passed = own.saturating_sub(self.seen.swap(own, Relaxed));
        self.clock.advance(Duration::from_nanos(passed));
        self.clock.shared().monotonic()
    }

    fn return_ended(&self, now: u64) {
        self.time_at(now);
        if let Some(leases) = &self.leases {
            leases.return_ended();
        }
    }

    fn admits(&self, now: u64, limit: &Arc<Limit>) -> bool {
        let time = self.time_at(now);
        let charge = Charge::new(limit, self.store.bucket_key(&Subject::Everyone), 1);
        let decision = self.store.charge(time, &[charge]).get().now_or_never();
        decision.is_some_and(|decision| decision.outcome() == ChargeOutcome::Admitted)
    }
}

/// Finds the span of time in which most was admitted beyond the rate: a bucket that leaks at the rate.
#[derive(Debug, Default)]
struct Excess {
    level: u64,
    at: u64,
    interval: u64,
    most: u64,
}

impl Excess {
    /// Adds a request that was admitted.
    fn add(&mut self, now: u64, interval: Duration) {
        self.interval = u64::try_from(interval.as_nanos())
            .unwrap_or(u64::MAX)
            .max(1);
        self.level = self.level.saturating_sub(now - self.at) + self.interval;
        self.at = now;
        self.most = self.most.max(self.level / self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_replicas_with_losses_and_wrong_clocks_stay_within_the_bound() {
        for load in [Load::Steady(90), Load::Adversary] {
            for (lease, faults) in [
                (None, false),
                (Some(12), false),
                (None, true),
                (Some(12), true),
            ] {
                let scenario = Scenario {
                    replicas: 10,
                    load,
                    lease,
                    faults,
                };
                let counted = scenario.run();
                assert!(
                    counted.over <= scenario.bound(),
                    "{scenario:?}: {counted:?}"
                );
                assert!(counted.admitted > 0);
            }
        }
    }

    /// The request that takes a lease uses one of its units, so no replica ever holds the whole lease.
    #[test]
    fn an_adversary_gets_all_leases_but_for_one_unit_each() {
        for (replicas, lease) in [(1, 12), (10, 12), (10, 5), (3, 2)] {
            let scenario = Scenario {
                replicas,
                load: Load::Adversary,
                lease: Some(lease),
                faults: false,
            };
            let expected = u64::from(replicas * (lease - 1));
            assert_eq!(scenario.run().over, expected, "{scenario:?}");
        }
    }

    #[test]
    fn leases_save_calls_of_the_store() {
        let calls = |lease| {
            Scenario {
                replicas: 10,
                load: Load::Steady(90),
                lease,
                faults: false,
            }
            .run()
            .calls
        };
        assert!(3 * calls(Some(12)) < 2 * calls(None));
    }
}
