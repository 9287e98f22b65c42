//! How long a revocation takes to reach another process, by the real clock. Run it by hand:
//!
//! `cargo test -p palisade-api-key --test it -- --ignored --nocapture how_long`

use std::time::Duration;

use palisade_api_key::{KeyScheme, KeyStore as _, Pepper, RedisKeyStore};
use palisade_core::{Secret, SharedClock, SystemClock};
use palisade_internal::{polling::LONGEST_WAIT, redis_server::RedisServer};

use crate::support::live;

/// The stated bound.
const BOUND: Duration = Duration::from_secs(1);

#[tokio::test]
#[ignore = "it takes a minute of real time"]
async fn how_long_a_revocation_takes_to_reach_another_process() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let store = || {
        let builder = RedisKeyStore::builder(
            &server.url(),
            Secret::new(*b"a key of the fleet: thirty-two b"),
        );
        builder.build().unwrap()
    };
    let (one, two) = (store(), store());
    let clock: SharedClock = SystemClock::shared();
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let mut times = Vec::new();
    for _ in 0..50 {
        let minted = scheme.mint(live(), clock.unix_time()).unwrap();
        let id = minted.record().id();
        one.insert(minted.record()).await.unwrap();
        let is_revoked = async || {
            let found = two.find(id).get().await.unwrap().unwrap();
            found.revoked_at().is_some()
        };
        assert!(!is_revoked().await);
        one.revoke(id, clock.unix_time()).await.unwrap();
        let start = clock.monotonic();
        // Without pauses, since it is the time that is measured.
        let until_revoked = async {
            while !is_revoked().await {
                tokio::task::yield_now().await;
            }
        };
        let arrived = tokio::time::timeout(LONGEST_WAIT, until_revoked).await;
        arrived.expect("a revocation that never arrives fails the test");
        times.push(clock.monotonic() - start);
    }
    times.sort();
    println!("half within {:?}, all within {:?}", times[25], times[49]);
    assert!(times[49] < BOUND, "{:?}", times[49]);
}
