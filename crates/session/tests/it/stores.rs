//! What every store has to hold, shown for the one in memory.

use std::{sync::Barrier, thread, time::Duration};

use palisade_core::{MaybeReady, Principal};
use palisade_session::{
    MemorySessionStore, SessionDigest, SessionOwner, SessionRecord, SessionStore,
};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

fn digest(number: u8) -> SessionDigest {
    SessionDigest::from_bytes([number; 32])
}

fn record(user: u8, now: Duration) -> SessionRecord {
    let principal = Principal::builder("user", user.to_string()).build();
    SessionRecord::new(principal, now, HOUR, HOUR)
}

#[tokio::test]
async fn a_use_brings_no_removed_session_back() {
    let store = MemorySessionStore::new();
    store
        .insert(digest(1), record(1, HOUR), HOUR)
        .get()
        .await
        .unwrap();
    assert!(store.remove(digest(1)).get().await.unwrap());
    store.touch(digest(1), 2 * HOUR).get().await.unwrap();
    assert_eq!(store.find(digest(1)).get().await, Ok(None));
    assert!(store.is_surely_absent(digest(1)));
}

#[tokio::test]
async fn a_use_never_goes_back() {
    let store = MemorySessionStore::new();
    store
        .insert(digest(1), record(1, 2 * HOUR), HOUR)
        .get()
        .await
        .unwrap();
    store.touch(digest(1), HOUR).get().await.unwrap();
    let found = store.find(digest(1)).get().await.unwrap().unwrap();
    assert_eq!(found.last_used, 2 * HOUR);
}

#[test]
fn of_two_replacements_of_one_session_one_succeeds() {
    let store = MemorySessionStore::new();
    let insert = store.insert(digest(0), record(1, HOUR), HOUR);
    assert!(matches!(insert, MaybeReady::Ready(Ok(gave_way)) if gave_way.is_empty()));
    let all_wait = Barrier::new(8);
    let replace = |number: u8| {
        all_wait.wait();
        let reply = store.replace(digest(0), digest(number), record(1, HOUR));
        matches!(reply, MaybeReady::Ready(Ok(true)))
    };
    let succeeded = thread::scope(|scope| {
        let started: Vec<_> = (1..=8)
            .map(|number| {
                scope.spawn({
                    let replace = &replace;
                    move || replace(number)
                })
            })
            .collect();
        let ended = started.into_iter().map(|one| one.join().unwrap());
        ended.filter(|succeeded| *succeeded).count()
    });
    assert_eq!((succeeded, store.len()), (1, 1));
}

#[tokio::test]
async fn an_ended_session_takes_no_place_of_a_live_one_of_its_owner() {
    let store = MemorySessionStore::builder().per_owner(2).build();
    let mut short = record(1, HOUR);
    short.ends = 2 * HOUR;
    let mut long = record(1, HOUR);
    (long.ends, long.idle) = (9 * HOUR, 9 * HOUR);
    for (number, session, now) in [
        (1, long.clone(), HOUR),
        (2, short, HOUR),
        (3, record(1, 3 * HOUR), 3 * HOUR),
    ] {
        let inserted = store.insert(digest(number), session, now).get().await;
        assert_eq!(inserted, Ok(Vec::new()), "what has ended gives no way");
    }
    assert_eq!(store.find(digest(1)).get().await, Ok(Some(long)));
    assert_eq!(store.find(digest(2)).get().await, Ok(None));
}

/// What happens to a store.
#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u8),
    Remove(u8),
    RemoveAll(u8),
    Replace(u8, u8, u8),
    Wait(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (any::<u8>(), 0..6u8).prop_map(|(session, user)| Step::Insert(session, user)),
        1 => any::<u8>().prop_map(Step::Remove),
        1 => (0..6u8).prop_map(Step::RemoveAll),
        1 => (any::<u8>(), any::<u8>(), 0..6u8).prop_map(|(old, new, user)| Step::Replace(old, new, user)),
        1 => (0..4000u16).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn the_bounds_hold_and_every_session_is_in_the_list_of_its_owner(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = MemorySessionStore::builder().capacity(10).per_owner(3).build();
        let mut now = HOUR;
        let mut taken = std::collections::HashSet::new();
        for step in steps {
            match step {
                // Digests are random: none comes twice.
                Step::Insert(session, user) if taken.insert(session) => {
                    let _ = runtime.block_on(store.insert(digest(session), record(user, now), now).get());
                }
                Step::Replace(old, new, user) if taken.insert(new) => {
                    let _ = runtime.block_on(store.replace(digest(old), digest(new), record(user, now)).get());
                }
                Step::Insert(..) | Step::Replace(..) => {}
                Step::Remove(session) => {
                    let _ = runtime.block_on(store.remove(digest(session)).get());
                }
                Step::RemoveAll(user) => {
                    let owner = SessionOwner::of(&record(user, now).principal);
                    let _ = runtime.block_on(store.remove_all(owner, None).get());
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds.into()),
            }
            let mut listed = 0;
            for user in 0..6 {
                let owner = SessionOwner::of(&record(user, now).principal);
                let list = runtime.block_on(store.list(owner).get()).unwrap();
                prop_assert!(list.len() <= 3);
                listed += list.len();
            }
            prop_assert!(store.len() <= 10);
            prop_assert_eq!(listed, store.len());
        }
    }
}
