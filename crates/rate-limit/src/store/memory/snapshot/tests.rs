//! Snapshots: what they keep, and what is refused.

use std::{num::NonZeroU32, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    policy::{Limit, Policy, Subject},
    store::{Charge, ChargeOutcome, LimitOverride, LimitStore as _, overrides::OverrideName},
};

const NOW: Duration = Duration::from_secs(1_000);
const UNIX: Duration = Duration::from_secs(1_800_000_000);

fn limit() -> Arc<Limit> {
    let policy = Policy::named("a").rate("10/hour").unwrap();
    Arc::new(policy.limits().unwrap().remove(0))
}

fn named(id: &str) -> Subject<'_> {
    Subject::Named {
        kind: "test",
        id,
        group: None,
    }
}

/// Charges units if they are there.
fn charge(store: &MemoryStore, now: Duration, limit: &Arc<Limit>, id: &str, units: u32) -> bool {
    let bucket = store.bucket_key(&named(id));
    let decision = store.decide_with(now, &[Charge::new(limit, bucket, units)], |limit| {
        &limit.gcra
    });
    decision.outcome() == ChargeOutcome::Admitted
}

fn restore(bytes: &[u8], now: u64, unix: Duration) -> (MemoryStore, Restored) {
    MemoryStore::from_snapshot(bytes, 1_000, Duration::from_secs(now), unix).unwrap()
}

#[test]
fn a_restart_gives_nobody_what_was_used() {
    let (store, limit) = (MemoryStore::with_capacity(1_000), limit());
    assert!(charge(&store, NOW, &limit, "anna", 10));
    assert!(charge(&store, NOW, &limit, "bert", 4));
    let bytes = store.to_snapshot(NOW, UNIX);
    // The monotonic clock of the new process begins anew; six minutes have passed.
    let (store, restored) = restore(&bytes, 3, UNIX + Duration::from_secs(360));
    assert_eq!(
        (restored.buckets, restored.left_out, restored.age),
        (2, 0, Duration::from_secs(360))
    );
    let now = Duration::from_secs(3);
    assert!(!charge(&store, now, &limit, "anna", 2));
    assert!(charge(&store, now, &limit, "anna", 1));
    assert!(!charge(&store, now, &limit, "bert", 8));
    assert!(charge(&store, now, &limit, "bert", 7));
    assert!(charge(&store, now, &limit, "carl", 10));
}

#[test]
fn shared_buckets_and_overrides_are_kept_too() {
    let (store, limit) = (MemoryStore::with_capacity(1), limit());
    for id in 0..2_000 {
        charge(&store, NOW, &limit, &id.to_string(), 1);
    }
    let bucket = store.bucket_key(&named("anna"));
    let value = LimitOverride::new(NonZeroU32::new(7).unwrap());
    let name = OverrideName::of(&limit, bucket);
    store.overrides.change(name, Some(value), UNIX).unwrap();
    let mut before = Vec::new();
    let nanos = nanoseconds(NOW);
    store
        .overflow
        .for_each_in_use(nanos, |group, limit, full_at| {
            before.push((group, limit, full_at))
        });
    assert!(!before.is_empty(), "the table is full");
    let (again, _) = restore(&store.to_snapshot(NOW, UNIX), 1_000, UNIX);
    let mut after = Vec::new();
    again
        .overflow
        .for_each_in_use(nanos, |group, limit, full_at| {
            after.push((group, limit, full_at))
        });
    assert_eq!(after, before);
    assert_eq!(again.overrides.find(&limit, bucket, || UNIX), Some(value));
}

#[test]
fn what_does_not_fit_into_a_smaller_table_is_counted() {
    let (store, limit) = (MemoryStore::with_capacity(10_000), limit());
    for id in 0..5_000 {
        assert!(charge(&store, NOW, &limit, &id.to_string(), 1));
    }
    let bytes = store.to_snapshot(NOW, UNIX);
    let (small, restored) = MemoryStore::from_snapshot(&bytes, 500, NOW, UNIX).unwrap();
    assert_eq!(restored.buckets, small.len());
    assert_eq!(restored.buckets + restored.left_out, 5_000);
    assert!(restored.left_out > 0);
}

#[test]
fn a_clock_that_went_back_lengthens_no_backlog_beyond_the_limit() {
    let (store, limit) = (MemoryStore::with_capacity(100), limit());
    assert!(charge(&store, NOW, &limit, "anna", 1));
    let bytes = store.to_snapshot(NOW, UNIX);
    let (store, _) = restore(&bytes, 1_000, Duration::from_secs(1_000));
    assert!(!charge(&store, NOW, &limit, "anna", 10));
    // As long as it was, and not so long as the clock went back.
    let later = NOW + Duration::from_secs(360);
    assert!(charge(&store, later, &limit, "anna", 10));
}

#[test]
fn each_changed_byte_and_each_cut_is_found() {
    let (store, limit) = (MemoryStore::with_capacity(100), limit());
    assert!(charge(&store, NOW, &limit, "anna", 10));
    let bytes = store.to_snapshot(NOW, UNIX);
    let read = |bytes: &[u8]| MemoryStore::from_snapshot(bytes, 100, NOW, UNIX).map(drop);
    assert_eq!(read(&bytes), Ok(()));
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(read(&changed).is_err(), "byte {place}");
        assert!(read(&bytes[..place]).is_err(), "{place} bytes");
    }
    assert!(read(&[&bytes[..], &[0]].concat()).is_err());
    let mut newer = bytes.clone();
    newer[8] = 3;
    assert_eq!(read(&newer), Err(SnapshotProblem::Unknown));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), known in any::<bool>()) {
        if known {
            bytes.splice(0..0, [&MAGIC[..], &VERSION.to_le_bytes()].concat());
        }
        let _ = MemoryStore::from_snapshot(&bytes, 10, NOW, UNIX);
    }
}
