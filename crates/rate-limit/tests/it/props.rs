//! Both stores against the plainest model there is: a list of the moments at which units were granted.
//!
//! A request of `cost` units is in order if, for every moment `s` at which something was granted, all that was
//! granted since then (this request included) is no more than the burst and what came back since `s`.

use std::{sync::Arc, time::Duration};

use palisade_core::MaybeReady;
use palisade_rate_limit::{
    Charge, ChargeOutcome, Limit, LimitState, LimitStore, StoreDecision, Subject,
};
use proptest::prelude::*;

use crate::support::{policy, small_store};

/// What the naive one knows of one bucket.
#[derive(Default)]
struct Naive(Vec<(u128, u32)>);

impl Naive {
    fn agrees(&self, limit: &Limit, now: u128, cost: u32) -> bool {
        let interval = limit.interval().as_nanos();
        let since = |start: u128| {
            self.0
                .iter()
                .filter(|(at, _)| *at >= start)
                .map(|(_, units)| u128::from(*units))
                .sum::<u128>()
        };
        let fits = |start: u128| {
            (since(start) + u128::from(cost)) * interval
                <= u128::from(limit.burst()) * interval + (now - start)
        };
        fits(now) && self.0.iter().all(|(at, _)| fits(*at))
    }

    fn granted(&self, from: u128, to: u128) -> u128 {
        self.0
            .iter()
            .filter(|(at, _)| (from..=to).contains(at))
            .map(|(_, units)| u128::from(*units))
            .sum()
    }
}

fn now(decision: MaybeReady<StoreDecision>) -> StoreDecision {
    match decision {
        MaybeReady::Ready(decision) => decision,
        MaybeReady::Pending(_) => panic!("memory needs no time"),
    }
}

fn limits(rates: &[(u32, u32, u32)]) -> Vec<Arc<Limit>> {
    let limit = |(n, (amount, window, burst)): (usize, &(u32, u32, u32))| {
        let policy =
            policy(&format!("p{n}"), &format!("{amount} per {window} seconds")).burst(*burst);
        Arc::new(policy.limits().unwrap().remove(0))
    };
    rates.iter().enumerate().map(limit).collect()
}

/// Amount, window in seconds, burst.
fn rates() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    prop::collection::vec((1..50_u32, 1..100_u32, 1..20_u32), 1..4)
}

/// Pause in milliseconds, subject, cost.
fn steps() -> impl Strategy<Value = Vec<(u64, u8, u32)>> {
    prop::collection::vec((0..4000_u64, 0..3_u8, 1..4_u32), 1..120)
}

fn subject(number: u8) -> Subject<'static> {
    Subject::network([203, 0, 113, number].into(), 32, 64)
}

proptest! {
    #[test]
    fn memory_grants_exactly_what_the_naive_model_grants(rates in rates(), steps in steps()) {
        let (store, limits) = (small_store(100), limits(&rates));
        let mut naive: Vec<Vec<Naive>> = limits.iter().map(|_| (0..3).map(|_| Naive::default()).collect()).collect();
        let mut clock = Duration::ZERO;
        for (pause, client, cost) in steps {
            clock += Duration::from_millis(pause);
            let cost = cost.min(limits.iter().map(|limit| limit.burst()).min().unwrap());
            let bucket = store.bucket_key(&subject(client));
            let charges: Vec<_> = limits.iter().map(|limit| Charge::new(limit, bucket, cost)).collect();
            let decision = now(store.charge(clock, &charges));
            let at = clock.as_nanos();
            let client = usize::from(client);
            let expected: Vec<bool> = limits.iter().zip(&naive).map(|(limit, naive)| naive[client].agrees(limit, at, cost)).collect();
            let refused: Vec<bool> = decision.limit_states().iter().map(LimitState::is_refused).collect();
            prop_assert_eq!(&refused, &expected.iter().map(|agrees| !agrees).collect::<Vec<_>>());
            prop_assert_eq!(decision.outcome() == ChargeOutcome::Admitted, expected.iter().all(|agrees| *agrees));
            if decision.outcome() == ChargeOutcome::Admitted {
                naive.iter_mut().for_each(|naive| naive[client].0.push((at, cost)));
            } else {
                // Not a nanosecond earlier, and exactly then.
                let early = now(store.charge(clock + decision.retry_after() - Duration::from_nanos(1), &charges));
                prop_assert_eq!(early.outcome(), ChargeOutcome::Refused);
                for ((limit, naive), limit_state) in limits.iter().zip(&naive).zip(decision.limit_states()) {
                    let then = at + decision.retry_after().as_nanos();
                    prop_assert!(!limit_state.is_refused() || naive[client].agrees(limit, then, cost));
                }
            }
        }
    }

    #[test]
    fn no_span_of_time_holds_more_than_the_burst_and_what_came_back(rates in rates(), steps in steps()) {
        let (store, limits) = (small_store(100), limits(&rates[..1]));
        let (limit, mut clock, mut granted) = (&limits[0], Duration::ZERO, Naive::default());
        for (pause, _, cost) in steps {
            clock += Duration::from_millis(pause);
            let cost = cost.min(limit.burst());
            let charge = Charge::new(limit, store.bucket_key(&subject(0)), cost);
            if now(store.charge(clock, &[charge])).outcome() == ChargeOutcome::Admitted {
                granted.0.push((clock.as_nanos(), cost));
            }
        }
        for (from, _) in &granted.0 {
            for (to, _) in granted.0.iter().filter(|(to, _)| to >= from) {
                let most = u128::from(limit.burst()) + (to - from) / limit.interval().as_nanos();
                prop_assert!(granted.granted(*from, *to) <= most);
            }
        }
    }

    #[test]
    fn a_client_that_obeys_retry_after_is_admitted(rates in rates(), tries in 1..200_usize) {
        let (store, limits) = (small_store(100), limits(&rates));
        let mut clock = Duration::ZERO;
        let bucket = store.bucket_key(&subject(0));
        let charges: Vec<_> = limits.iter().map(|limit| Charge::new(limit, bucket, 1)).collect();
        for _ in 0..tries {
            let decision = now(store.charge(clock, &charges));
            if decision.outcome() == ChargeOutcome::Refused {
                clock += decision.retry_after();
                prop_assert_eq!(now(store.charge(clock, &charges)).outcome(), ChargeOutcome::Admitted);
            }
        }
    }

    #[test]
    fn refunds_never_make_more_than_a_full_bucket(adds in prop::collection::vec(-30..30_i64, 0..40)) {
        let (store, limits) = (small_store(100), limits(&[(10, 86_400, 10)]));
        let bucket = store.bucket_key(&subject(0));
        for units in adds {
            store.adjust(Duration::ZERO, &limits[0], bucket, units);
        }
        let granted = (0..50).filter(|_| now(store.charge(Duration::ZERO, &[Charge::new(&limits[0], bucket, 1)])).outcome() == ChargeOutcome::Admitted);
        prop_assert!(granted.count() <= 10);
    }
}
