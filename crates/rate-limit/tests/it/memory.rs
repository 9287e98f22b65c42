//! The table of fixed size: what happens when it is full, and that it never grows.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use palisade_core::MaybeReady;
use palisade_rate_limit::{
    Charge, ChargeOutcome, Limit, LimitStore, MemoryStore, StoreDecision, Subject,
};

use crate::support::{TestStack, from, policy, small_store};

fn limit(rate: &str) -> Arc<Limit> {
    Arc::new(policy("a", rate).limits().unwrap().remove(0))
}

fn take(store: &MemoryStore, now: u64, limit: &Arc<Limit>, client: u32) -> StoreDecision {
    let subject = Subject::network(Ipv4Addr::from_bits(client).into(), 32, 64);
    let charge = Charge::new(limit, store.bucket_key(&subject), 1);
    match store.charge(Duration::from_millis(now), &[charge]) {
        MaybeReady::Ready(decision) => decision,
        MaybeReady::Pending(_) => panic!("memory needs no time"),
    }
}

fn admitted(store: &MemoryStore, now: u64, limit: &Arc<Limit>, client: u32) -> bool {
    take(store, now, limit, client).outcome() == ChargeOutcome::Admitted
}

/// Each client in a /24 of its own, and those that follow each other in different /16s.
fn stranger(number: u32) -> u32 {
    number.reverse_bits()
}

#[test]
fn millions_of_clients_take_no_more_memory_than_a_thousand() {
    // Ten million with optimisation; without, they would take a minute.
    let clients = if cfg!(debug_assertions) {
        1_000_000
    } else {
        10_000_000
    };
    let (store, limit) = (MemoryStore::with_capacity(1000), limit("1/second"));
    let memory = store.memory();
    for client in 0..clients {
        // A thousand clients a second: each bucket is full again when the hand comes round.
        assert!(admitted(
            &store,
            u64::from(client) + 1,
            &limit,
            stranger(client)
        ));
    }
    assert!(
        store.len() <= store.capacity(),
        "{} of {}",
        store.len(),
        store.capacity()
    );
    assert_eq!(store.memory(), memory);
    // The shared buckets, and the counters of networks.
    assert!(memory < 64 * store.capacity() + 560 * 1024);
}

#[test]
fn a_flood_of_live_clients_is_counted_and_bounded() {
    let (store, limit) = (MemoryStore::with_capacity(1000), limit("2/day"));
    let admitted = (0..300_000)
        .filter(|client| admitted(&store, 1, &limit, stranger(*client)))
        .count();
    // Everyone in the table once, and the shared buckets twice each.
    assert!(admitted <= store.capacity() + 2 * 4096, "{admitted}");
    assert!(store.len() <= store.capacity());
}

#[test]
fn when_all_are_live_neighbours_share_a_bucket() {
    let (store, limit) = (small_store(10), limit("2/day"));
    // Of few networks, so that they leave nearly all shared buckets alone.
    for client in 0..250_u32 {
        admitted(&store, 1, &limit, client.rotate_left(28));
    }
    let shares = |network: u32| {
        let client = |n: u32| admitted(&store, 1, &limit, network + n);
        [client(1), client(2), client(3)] == [true, true, false]
    };
    // Hashes are random: one network may meet the one above, three cannot.
    assert!(
        [0xCB00_7100, 0xCB00_7200, 0xCB00_7300]
            .into_iter()
            .any(shares)
    );
}

#[test]
fn no_client_can_push_its_own_penalty_out() {
    let (store, limit) = (small_store(100), limit("1/day"));
    let me = 0xCB00_7107;
    assert!(admitted(&store, 1, &limit, me));
    for client in 0..100_000 {
        admitted(&store, 2, &limit, stranger(client));
        if client % 1000 == 0 {
            assert!(!admitted(&store, 2, &limit, me));
        }
    }
    assert!(!admitted(&store, 2, &limit, me));
}

#[test]
fn full_buckets_are_removed_first() {
    let (store, limit) = (small_store(1000), limit("1/second"));
    let live = 7;
    for client in 0..10 * u32::try_from(store.capacity()).unwrap() {
        let now = u64::from(client) * 20;
        if client % 50 == 0 {
            // Asks once a second and is admitted each time; in between it must be refused.
            assert!(admitted(&store, now, &limit, live));
        }
        assert!(!admitted(&store, now, &limit, live));
        assert!(admitted(&store, now, &limit, stranger(client + 1000)));
    }
}

#[test]
fn a_table_that_turned_over_many_times_still_counts_exactly() {
    let (store, limit) = (small_store(50), limit("3/second"));
    for round in 0..20_000_u32 {
        let now = u64::from(round) * 1000;
        let granted = (0..5)
            .filter(|_| admitted(&store, now, &limit, stranger(round)))
            .count();
        assert_eq!(granted, 3, "round {round}");
    }
}

#[test]
fn two_new_buckets_of_one_request_do_not_displace_each_other() {
    let store = small_store(1);
    let one = Arc::new(policy("one", "2/day").limits().unwrap().remove(0));
    let two = Arc::new(policy("two", "2/day").limits().unwrap().remove(0));
    for client in 0..1000 {
        let bucket = store.bucket_key(&Subject::network(
            Ipv4Addr::from_bits(stranger(client)).into(),
            32,
            64,
        ));
        let charges = [Charge::new(&one, bucket, 1), Charge::new(&two, bucket, 1)];
        let now = Duration::from_secs(u64::from(client) * 86_400);
        let admitted = |charges: &[Charge<'_>]| matches!(store.charge(now, charges), MaybeReady::Ready(decision) if decision.outcome() == ChargeOutcome::Admitted);
        assert!(admitted(&charges));
        assert!(admitted(&charges));
        assert!(!admitted(&charges[..1]), "client {client}");
        assert!(!admitted(&charges[1..]), "client {client}");
    }
}

#[test]
fn a_look_leaves_no_trace() {
    let (store, limit) = (small_store(10), limit("1/day"));
    for client in 0..1000 {
        let subject = Subject::network(Ipv4Addr::from_bits(client).into(), 32, 64);
        let _ = store.charge(
            Duration::ZERO,
            &[Charge::check_only(&limit, store.bucket_key(&subject))],
        );
    }
    assert!(store.is_empty());
}

#[test]
fn two_stores_name_a_client_differently() {
    let subject = Subject::network("203.0.113.7".parse().unwrap(), 32, 64);
    assert_ne!(
        small_store(1).bucket_key(&subject),
        small_store(1).bucket_key(&subject)
    );
}

#[test]
fn a_refusal_leaves_no_trace_in_the_buckets_that_did_not_refuse() {
    let store = small_store(10);
    let small = Arc::new(policy("small", "1/day").limits().unwrap().remove(0));
    let large = Arc::new(
        policy("large", "5/day")
            .settled_by("x")
            .debt(5)
            .limits()
            .unwrap()
            .remove(0),
    );
    let bucket = store.bucket_key(&Subject::network("203.0.113.7".parse().unwrap(), 32, 64));
    let take = |charges: &[Charge<'_>]| match store.charge(Duration::ZERO, charges) {
        MaybeReady::Ready(decision) => decision,
        MaybeReady::Pending(_) => panic!("memory needs no time"),
    };
    assert_eq!(
        take(&[Charge::new(&small, bucket, 1)]).outcome(),
        ChargeOutcome::Admitted
    );
    assert_eq!(
        take(&[
            Charge::new(&small, bucket, 1),
            Charge::new(&large, bucket, 1)
        ])
        .outcome(),
        ChargeOutcome::Refused
    );
    let untouched = take(&[Charge::check_only(&large, bucket)]);
    assert_eq!(
        untouched.limit_states()[0].time_until_full(),
        Duration::ZERO
    );
}

/// What happens during a reload, and where two layers of one kind have one name over one store.
#[tokio::test]
async fn two_amounts_of_one_name_give_no_second_quota() {
    let store = small_store(64);
    let stack = |rate: &str| TestStack::over(store.clone(), [policy("all", rate)]);
    let (small, large) = (stack("10/hour"), stack("100/hour"));
    let client = || from("203.0.113.7");
    assert_eq!(small.admitted(50, client).await, 10);
    assert_eq!(large.admitted(200, client).await, 90);
    assert_eq!(small.admitted(50, client).await, 0);
    // In turns: what one admits is used up for the other.
    let other = || from("203.0.113.8");
    let mut admitted = [0, 0];
    for _ in 0..200 {
        admitted[0] += small.admitted(1, other).await;
        admitted[1] += large.admitted(1, other).await;
    }
    assert_eq!(admitted[0] + admitted[1], 100, "{admitted:?}");
    assert!(admitted[0] <= 10, "{admitted:?}");
}
