//! The server decides as memory does: the same sequence of random steps over both.
//!
//! The server's clock cannot be moved, so its state is: to let an hour pass, every bucket is rewritten as
//! of an hour ago. Rates are slow (a unit takes hours), so that the time of the test itself does not count.

use std::{sync::Arc, time::Duration};

use palisade_rate_limit::{
    Charge, ChargeOutcome, Limit, LimitStore, RedisStore, StoreDecision, Subject,
};
use proptest::prelude::*;

use super::server::Server;
use crate::support::{policy, small_store};

/// The time that the steps themselves may take.
const SLACK: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum Step {
    Add {
        client: u8,
        limit: usize,
        units: i64,
    },
    Look {
        client: u8,
        quota: usize,
    },
    Pass {
        minutes: u64,
    },
    Take {
        client: u8,
        quota: usize,
        units: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2_u8, 0..4_usize, -6..12_i64).prop_map(|(client, limit, units)| Step::Add {
            client,
            limit,
            units
        }),
        (0..2_u8, 0..2_usize).prop_map(|(client, quota)| Step::Look { client, quota }),
        (0..30_u64).prop_map(|hours| Step::Pass {
            minutes: hours * 60 + 30
        }),
        (0..2_u8, 0..2_usize, 0..4_u32).prop_map(|(client, quota, units)| Step::Take {
            client,
            quota,
            units
        }),
    ]
}

/// Two limits under two quotas each: the second quota has ten times the units in the same time.
fn limits() -> [Arc<Limit>; 4] {
    let limit = |name: &str, rate: &str, burst: u32, debt: u32| {
        let policy = policy(name, rate).burst(burst).settled_by("x").debt(debt);
        Arc::new(policy.limits().unwrap().remove(0))
    };
    [
        limit("one", "4 per 8 hours", 4, 3),
        limit("two", "9 per 63 hours", 5, 0),
        limit("one", "40 per 8 hours", 40, 30),
        limit("two", "90 per 63 hours", 50, 0),
    ]
}

/// The two limits under one quota.
fn quota(limits: &[Arc<Limit>; 4], quota: usize) -> [&Arc<Limit>; 2] {
    [&limits[2 * quota], &limits[2 * quota + 1]]
}

fn subject(number: u8) -> Subject<'static> {
    Subject::network([203, 0, 113, number].into(), 32, 64)
}

#[test]
fn the_server_decides_as_memory_does() {
    let Some((runtime, server, redis)) = super::start_blocking() else {
        return;
    };
    let mut runner = super::cases(96);
    let outcome = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        runtime.block_on(compare(&server, &redis, &steps))
    });
    outcome.unwrap();
}

async fn compare(server: &Server, redis: &RedisStore, steps: &[Step]) -> Result<(), TestCaseError> {
    let _: () = server.command(&["FLUSHALL"]).await;
    let (memory, limits) = (small_store(100), limits());
    let mut now = next_life();
    for step in steps {
        match *step {
            Step::Add {
                client,
                limit,
                units,
            } => {
                let limit = &limits[limit];
                memory.adjust(now, limit, memory.bucket_key(&subject(client)), units);
                redis.adjust(now, limit, redis.bucket_key(&subject(client)), units);
                super::settled(redis).await;
            }
            Step::Look { client, quota: of } => {
                let ask = |store: &dyn LimitStore| {
                    quota(&limits, of)
                        .map(|limit| Charge::check_only(limit, store.bucket_key(&subject(client))))
                };
                same(
                    &memory.charge(now, &ask(&*memory)).get().await,
                    &redis.charge(now, &ask(redis)).get().await,
                )?;
            }
            Step::Pass { minutes } => {
                now += Duration::from_secs(minutes * 60);
                pass(server, i64::try_from(minutes).unwrap() * 60_000_000).await;
            }
            Step::Take {
                client,
                quota: of,
                units,
            } => {
                let ask = |store: &dyn LimitStore| {
                    quota(&limits, of)
                        .map(|limit| Charge::new(limit, store.bucket_key(&subject(client)), units))
                };
                same(
                    &memory.charge(now, &ask(&*memory)).get().await,
                    &redis.charge(now, &ask(redis)).get().await,
                )?;
            }
        }
    }
    Ok(())
}

/// A moment after everything that an earlier case left on the node: denials end within days.
fn next_life() -> Duration {
    static LIVES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    Duration::from_secs(LIVES.fetch_add(1, std::sync::atomic::Ordering::SeqCst) * 10_000_000)
}

fn same(memory: &StoreDecision, redis: &StoreDecision) -> Result<(), TestCaseError> {
    prop_assert_eq!(memory.outcome(), redis.outcome());
    let is_admitted = memory.outcome() == ChargeOutcome::Admitted;
    for (memory, redis) in memory.limit_states().iter().zip(redis.limit_states()) {
        // A remembered denial knows only of those that refused, and how long.
        if memory.is_refused() && redis.is_refused() {
            let same = memory.retry_after().abs_diff(redis.retry_after()) < SLACK;
            prop_assert!(same, "{:?} {:?}", memory, redis);
        }
        if is_admitted {
            let same = memory.time_until_full().abs_diff(redis.time_until_full());
            // Ten times as much at the other price.
            prop_assert!(same < 10 * SLACK, "{:?} {:?}", memory, redis);
        }
    }
    Ok(())
}

/// Lets time pass for the buckets, or sets their clock back if negative: that of the server cannot be moved.
pub(super) async fn pass(server: &Server, microseconds: i64) {
    let keys: Vec<String> = server.command(&["KEYS", "*}:*"]).await;
    for key in keys {
        let script = "local at = redis.call('GET', KEYS[1]) \
             local moment, price = string.match(at or '', '^(%d+) (%d+)$') \
             local ttl = redis.call('PTTL', KEYS[1]) - ARGV[1] / 1000 \
             if moment and ttl > 0 then redis.call('SET', KEYS[1], string.format('%.0f %s', moment - ARGV[1], price), 'PX', math.ceil(ttl)) \
             else redis.call('DEL', KEYS[1]) end return 1";
        let _: i64 = server
            .command(&["EVAL", script, "1", &key, &microseconds.to_string()])
            .await;
    }
}
