//! A table that is full: penalties hold, refunds land, one network cannot fill it, and it is told once.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use palisade_core::{
    ClientInfo, Clock, Guard, MaybeReady, Outcome, OutcomeKind, Rejection, Scheme, SecurityContext,
    Verdict,
};
use palisade_rate_limit::{
    Charge, ChargeOutcome, Limit, LimitState, LimitStore, MemoryStore, RateLimitLayer,
    StoreDecision, Subject,
};

use crate::support::*;

/// The /64 of a number, in a /32 of its own.
fn of_many_networks(number: u32) -> IpAddr {
    let high = u64::from(0x2000_0000 + number) << 32;
    Ipv6Addr::from_bits(u128::from(high) << 64).into()
}

/// The /64 of a number, all in one /48.
fn of_one_network(number: u16) -> IpAddr {
    let high = 0x2001_0db8_0001_0000 | u64::from(number);
    Ipv6Addr::from_bits(u128::from(high) << 64).into()
}

/// Sends a guess at a credential; returns whether it reached the authenticator.
fn guess(layer: &RateLimitLayer, ip: IpAddr) -> bool {
    let (mut head, _) = get("/").body(()).unwrap().into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    cx.set_client(ClientInfo::new(ip, Scheme::Https));
    let Verdict::Admit(pass) = layer.admit(&cx, &mut head) else {
        return false;
    };
    let wrong = Rejection::new(StatusCode::UNAUTHORIZED, "credentials_invalid", "No.");
    cx.credential_failed("test", &wrong);
    layer.close(&cx, pass, Outcome::new(OutcomeKind::Complete, None, 0));
    true
}

#[test]
fn penalties_hold_while_the_table_is_full() {
    let stack = TestStack::by_client([policy("login", "5/minute").penalty()]);
    for client in 0..120_000 {
        guess(&stack.layer, of_many_networks(client));
    }
    let new = "2001:db8::1".parse().unwrap();
    let reached = (0..5000).filter(|_| guess(&stack.layer, new)).count();
    assert!(reached <= 10, "{reached} guesses reached the authenticator");
    // No longer than they say: twelve seconds a failure, five bursts at most.
    stack.wait(301.0);
    assert!(guess(&stack.layer, new));
}

fn limit(name: &str, rate: &str) -> Arc<Limit> {
    Arc::new(policy(name, rate).limits().unwrap().remove(0))
}

fn take(store: &MemoryStore, now: u64, limit: &Arc<Limit>, subject: &Subject<'_>) -> StoreDecision {
    let charge = Charge::new(limit, store.bucket_key(subject), 1);
    match store.charge(Duration::from_secs(now), &[charge]) {
        MaybeReady::Ready(decision) => decision,
        MaybeReady::Pending(_) => panic!("memory needs no time"),
    }
}

fn admitted(store: &MemoryStore, now: u64, limit: &Arc<Limit>, subject: &Subject<'_>) -> bool {
    take(store, now, limit, subject).outcome() == ChargeOutcome::Admitted
}

fn address(ip: IpAddr) -> Subject<'static> {
    Subject::network(ip, 32, 64)
}

/// A store in which every bucket is in use for a year.
fn full_store() -> Arc<MemoryStore> {
    let store = small_store(1000);
    let filler = limit("filler", "1/year");
    for client in 0..20 * u32::try_from(store.capacity()).unwrap() {
        admitted(&store, 1, &filler, &address(of_many_networks(client)));
    }
    assert_eq!(store.len(), store.capacity());
    store
}

#[test]
fn a_look_reads_the_shared_bucket_that_charges_go_to() {
    let (store, login) = (full_store(), limit("login", "2/minute"));
    let bucket = store.bucket_key(&address("2001:db8::1".parse().unwrap()));
    let look = || match store.charge(
        Duration::from_secs(1),
        &[Charge::check_only(&login, bucket)],
    ) {
        MaybeReady::Ready(decision) => decision.outcome(),
        MaybeReady::Pending(_) => panic!("memory needs no time"),
    };
    assert_eq!(look(), ChargeOutcome::Admitted);
    store.adjust(Duration::from_secs(1), &login, bucket, 2);
    assert_eq!(look(), ChargeOutcome::Refused);
}

#[test]
fn a_refund_lands_in_a_shared_bucket() {
    let (store, limit) = (full_store(), limit("a", "5/day"));
    let subject = address("2001:db8::1".parse().unwrap());
    let bucket = store.bucket_key(&subject);
    for _ in 0..3 {
        let granted = (0..9).filter(|_| admitted(&store, 1, &limit, &subject));
        assert_eq!(granted.count(), 5);
        store.adjust(Duration::from_secs(1), &limit, bucket, -5);
    }
}

#[test]
fn principals_that_are_new_to_a_full_table_do_not_share_a_few_buckets() {
    let (store, limit) = (full_store(), limit("a", "1/day"));
    let admitted = (0..500).filter(|user| {
        let subject = Subject::Named {
            kind: "test",
            id: &format!("user{user}"),
            group: None,
        };
        admitted(&store, 1, &limit, &subject)
    });
    // Of 4,096 shared buckets, 500 principals find more than 450.
    assert!(admitted.count() > 430);
}

#[test]
fn a_long_limit_of_a_shared_bucket_does_not_refuse_what_a_short_one_counts() {
    let store = full_store();
    let (day, minute) = (limit("day", "1/day"), limit("minute", "1/minute"));
    for client in 0..4096 {
        admitted(
            &store,
            1,
            &day,
            &address(of_many_networks(0x0100_0000 + client)),
        );
    }
    let granted = (0..1000).filter(|client| {
        let client = address(of_many_networks(0x0200_0000 + client));
        admitted(&store, 1, &minute, &client)
    });
    // They meet each other, but none of the long ones.
    assert!(granted.count() > 800);
}

#[test]
fn one_network_cannot_fill_the_table() {
    let (store, limit) = (small_store(4000), limit("a", "2/day"));
    for client in 0..=u16::MAX {
        admitted(&store, 1, &limit, &address(of_one_network(client)));
    }
    assert!(store.len() <= store.capacity() * 6 / 10, "{}", store.len());
    // Everyone else still has a bucket of his own: exactly two each.
    for client in 0..200 {
        let other = address(of_many_networks(client));
        let granted = (0..5).filter(|_| admitted(&store, 1, &limit, &other));
        assert_eq!(granted.count(), 2);
    }
}

#[test]
fn who_floods_keys_frees_nobody_and_starves_only_his_own_network() {
    let (store, limit) = (small_store(4000), limit("a", "2/day"));
    let granted = |client: IpAddr, tries: usize| {
        let granted = (0..tries).filter(|_| admitted(&store, 1, &limit, &address(client)));
        granted.count()
    };
    // Clients of many networks that were refused before the flood, and one half way.
    let refused = 0..200;
    assert!(
        refused
            .clone()
            .all(|number| granted(of_many_networks(number), 3) == 2)
    );
    let half_way = of_many_networks(300);
    assert_eq!(granted(half_way, 1), 1);
    for client in 0..10_000 {
        granted(of_one_network(client), 3);
    }
    let freed = refused.filter(|number| granted(of_many_networks(*number), 3) > 0);
    assert_eq!(freed.count(), 0, "the flood freed no one");
    assert_eq!(granted(half_way, 3), 1, "and took nothing away");
    let strangers = (400..600).filter(|number| granted(of_many_networks(*number), 3) == 2);
    assert_eq!(
        strangers.count(),
        200,
        "new clients of other networks have their own"
    );
    // Those of the network of the flood share one bucket, which is empty.
    let mut neighbors = (0..100).map(|host| granted(of_one_network(10_000 + host), 1));
    assert!(neighbors.all(|units| units == 0));
}

#[test]
fn a_provider_cannot_fill_the_table() {
    let (store, limit) = (small_store(4000), limit("a", "2/day"));
    // Each /64 in a /48 of its own, all in one /32.
    for client in 0..=u16::MAX {
        let high = 0x2001_0db8_0000_0000 | u64::from(client) << 16;
        let ip = Ipv6Addr::from_bits(u128::from(high) << 64).into();
        admitted(&store, 1, &limit, &address(ip));
    }
    assert!(store.len() <= store.capacity() * 6 / 10, "{}", store.len());
}

#[test]
fn one_tenant_alone_may_use_half_of_the_table() {
    let (store, limit) = (small_store(4000), limit("a", "1/day"));
    for user in 0..store.capacity() * 4 / 10 {
        let subject = Subject::Named {
            kind: "test",
            id: &format!("user{user}"),
            group: Some("acme"),
        };
        assert!(admitted(&store, 1, &limit, &subject), "user {user}");
    }
}

#[test]
fn a_network_that_held_its_share_has_it_again_when_its_buckets_are_full() {
    let (store, limit) = (small_store(4000), limit("a", "1/minute"));
    for round in 0..20_u16 {
        for client in 0..1500 {
            let client = address(of_one_network(1500 * round + client));
            assert!(admitted(&store, 1 + 61 * u64::from(round), &limit, &client));
        }
    }
}

#[test]
fn a_backlog_beyond_its_limit_is_cut_down_in_a_shared_bucket_too() {
    let store = full_store();
    let (before, lowered) = (limit("a", "1000/day"), limit("a", "10/minute"));
    let subject = address("2001:db8::1".parse().unwrap());
    let bucket = store.bucket_key(&subject);
    store.adjust(Duration::from_secs(1), &before, bucket, 1000);
    let refused = take(&store, 1, &lowered, &subject);
    assert_eq!(refused.retry_after(), Duration::from_secs(6));
    assert!(admitted(&store, 7, &lowered, &subject));
    assert_eq!(
        refused
            .limit_states()
            .first()
            .map(LimitState::time_until_full),
        Some(Duration::from_secs(60))
    );
}

/// What was logged, one line each.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn count(&self, part: &str) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(part)).count()
    }
}

#[test]
fn sharing_is_logged_when_it_begins_and_when_it_ends() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let shown = |line: &str| handle.render().contains(line);
    metrics::with_local_recorder(&recorder, || {
        tracing::subscriber::with_default(subscriber, || {
            // Another test may have used the same line without a subscriber.
            tracing::callsite::rebuild_interest_cache();
            let (store, limit) = (full_store(), limit("a", "1/day"));
            let begins = "the table is full";
            assert_eq!(lines.count(begins), 1);
            assert!(shown("palisade_limit_sharing{reason=\"table_full\"} 1"));
            for client in 0..1000 {
                let client = address(of_many_networks(0x0100_0000 + client));
                admitted(&store, 30, &limit, &client);
            }
            assert_eq!(lines.count(begins), 1);
            // A year later nothing is in use.
            let client = address("2001:db8::1".parse().unwrap());
            assert!(admitted(&store, 40_000_000, &limit, &client));
            assert!(shown("palisade_limit_sharing{reason=\"table_full\"} 0"));
            assert_eq!(lines.count("buckets of their own again"), 1);
            assert!(
                handle
                    .render()
                    .contains("palisade_limit_shared_charges_total{")
            );
        });
    });
}

#[test]
fn a_clock_that_is_set_back_refuses_no_longer_than_a_limit_lasts() {
    let (store, limit) = (small_store(100), limit("a", "10/minute"));
    let subject = address("2001:db8::1".parse().unwrap());
    for _ in 0..10 {
        assert!(admitted(&store, 100_000, &limit, &subject));
    }
    let refused = take(&store, 1000, &limit, &subject);
    assert_eq!(refused.retry_after(), Duration::from_secs(6));
    assert!(admitted(&store, 1006, &limit, &subject));
}

#[test]
fn more_charges_than_a_store_decides_together_are_not_admitted() {
    let (store, limit) = (small_store(100), limit("a", "10/minute"));
    let bucket = store.bucket_key(&Subject::Everyone);
    let charges = [Charge::new(&limit, bucket, 1); 17];
    let now = clock().monotonic();
    let MaybeReady::Ready(decision) = store.charge(now, &charges) else {
        panic!("memory needs no time");
    };
    assert_eq!(decision.outcome(), ChargeOutcome::Unavailable);
}
