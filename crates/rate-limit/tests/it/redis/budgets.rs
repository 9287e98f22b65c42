//! Budgets in Redis: one sum for all nodes, settled once, and nothing granted without the server.

use std::time::Duration;

use palisade_rate_limit::{
    BudgetCharge, BudgetDecision, BudgetKey, BudgetProblem, BudgetState, BudgetStore,
    CalendarWindow, LimitStore, RedisStore, Reservation,
};

use super::{Server, asked, store};

fn key(budget: &str) -> BudgetKey {
    let month = CalendarWindow::month("Europe/Berlin").unwrap();
    let span = month.around(Duration::from_secs(1_801_429_200));
    BudgetKey::new(budget, "api_key", "anna", span)
}

async fn reserve(store: &RedisStore, charges: &[(&str, u64, u64)]) -> Option<Reservation> {
    let charge = |(budget, amount, units): &(&str, u64, u64)| {
        BudgetCharge::new(key(budget), *amount, *units)
    };
    let decision = store.reserve(charges.iter().map(charge).collect());
    decision.get().await.unwrap().into_reservation()
}

/// Asks for a unit of a budget that has enough.
pub(super) async fn reserve_one(store: &RedisStore) -> Result<BudgetDecision, BudgetProblem> {
    let charge = BudgetCharge::new(key("one"), 1_000, 1);
    store.reserve(vec![charge]).get().await
}

async fn state(store: &RedisStore, budget: &str) -> BudgetState {
    store.read(vec![key(budget)]).get().await.unwrap()[0]
}

async fn until_state(store: &RedisStore, budget: &str, expected: BudgetState) {
    asked("the settlement arrives", async || {
        state(store, budget).await == expected
    })
    .await;
}

#[tokio::test]
async fn all_budgets_or_none_and_one_sum_for_two_nodes() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two) = (store(&server).await, store(&server).await);
    let both = |units| [("wide", 1_000, units), ("narrow", 100, units)];
    let first = reserve(&one, &both(60)).await.unwrap();
    assert!(reserve(&two, &both(60)).await.is_none());
    assert_eq!(state(&two, "wide").await, BudgetState::new(0, 60));
    let second = reserve(&two, &both(40)).await.unwrap();
    assert_ne!(first.id(), second.id());
    one.settle(first, &[10, 20]);
    two.settle(second, &[50]);
    until_state(&one, "wide", BudgetState::new(60, 0)).await;
    until_state(&one, "narrow", BudgetState::new(60, 0)).await;
    assert!(one.budgets().unwrap().explain().contains("Redis"));
}

#[tokio::test]
async fn more_than_the_reserve_is_charged_and_the_next_one_is_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let reserved = reserve(&store, &[("a", 100, 10)]).await.unwrap();
    store.settle(reserved, &[1 << 31]);
    until_state(&store, "a", BudgetState::new(1 << 31, 0)).await;
    assert!(reserve(&store, &[("a", 100, 1)]).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_get_what_there_is() {
    let Some(server) = Server::start().await else {
        return;
    };
    let nodes = [store(&server).await, store(&server).await];
    let asking = (0..50).map(|index| {
        let node = nodes[index % 2].clone();
        tokio::spawn(async move { reserve(&node, &[("a", 100, 10)]).await })
    });
    let mut granted = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        granted.extend(asked.await.unwrap());
    }
    assert_eq!(granted.len(), 10);
}

#[tokio::test]
async fn a_settlement_waits_for_the_server_and_counts_once() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let reserved = reserve(&store, &[("a", 100, 60)]).await.unwrap();
    let again = Reservation::new(reserved.id(), reserved.charges().to_vec());
    store.settle(reserved, &[5]);
    store.settle(again, &[5]);
    until_state(&store, "a", BudgetState::new(5, 0)).await;
    let open = reserve(&store, &[("a", 100, 60)]).await.unwrap();
    server.freeze();
    let refused = store.reserve(vec![BudgetCharge::new(key("a"), 100, 1)]);
    store.settle(open, &[7]);
    server.thaw();
    let _ = refused.get().await;
    asked("everything arrives", async || {
        state(&store, "a").await.used == 12
    })
    .await;
    server.kill();
    asked("the store cannot be reached", async || {
        let asked = store.reserve(vec![BudgetCharge::new(key("a"), 100, 1)]);
        matches!(asked.get().await, Err(BudgetProblem::Away { .. }))
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_reply_is_given_back() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let _open = reserve(&store, &[("a", 100, 1)]).await.unwrap();
    server.freeze();
    let mut asked = Box::pin(
        store
            .reserve(vec![BudgetCharge::new(key("a"), 100, 60)])
            .get(),
    );
    // The call is on its way, and its client has left.
    assert!(futures_poll(&mut asked).await);
    drop(asked);
    server.thaw();
    until_state(&store, "a", BudgetState::new(0, 1)).await;
}

/// Polls once. Returns whether it is pending.
async fn futures_poll(future: &mut (impl Future + Unpin)) -> bool {
    std::future::poll_fn(|cx| {
        let pending = std::pin::Pin::new(&mut *future).poll(cx).is_pending();
        std::task::Poll::Ready(pending)
    })
    .await
}

#[tokio::test]
async fn counters_end_after_their_window_and_foreign_values_grant_nothing() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let _open = reserve(&store, &[("a", 100, 1)]).await.unwrap();
    let keys: Vec<String> = server.command(&["KEYS", "palisade:{budgets}:a:*"]).await;
    let ttl: i64 = server.command(&["TTL", &keys[0]]).await;
    assert!((61 * 86_400..=62 * 86_400).contains(&ttl), "{ttl}");
    for wrong in ["-5", "x", "nan"] {
        let _: i64 = server.command(&["HSET", &keys[0], "used", wrong]).await;
        let asked = store.reserve(vec![BudgetCharge::new(key("a"), 100, 1)]);
        let code = BudgetProblem::Away { code: "FOREIGN" };
        assert_eq!(asked.get().await.unwrap_err(), code, "{wrong}");
    }
}
