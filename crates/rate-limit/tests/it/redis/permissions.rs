//! The permissions of the guide suffice, each one is needed, and a missing one is told and is no outage.

use std::{collections::BTreeSet, num::NonZeroU32};

use palisade_rate_limit::{
    BudgetProblem, ConcurrencyLayer, FailureMode, LimitStore as _, RedisStore, StoreProblem,
};

use super::{
    Log, asked, budgets::reserve_one, connect, errors::check, permits::Node, server::Server, stack,
    up,
};
use crate::support::*;

/// The guide that has the access list.
const GUIDE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/src/how-to/fleet.md"
);

/// The rules of the access list in the guide.
pub(super) fn documented() -> Vec<String> {
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let line = guide
        .lines()
        .find_map(|line| line.strip_prefix("user limits on >PASSWORD "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

/// What the guide adds for a part, which a row of its table begins with.
fn added(part: &str) -> Vec<String> {
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let mut rows = guide
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(part));
    let row = rows.next().unwrap();
    let (_, permissions) = row.rsplit_once(" | `").unwrap();
    let permissions = permissions.trim_end_matches("` |");
    permissions.split(' ').map(str::to_owned).collect()
}

/// Sets the rules of the user, and returns its address.
pub(super) async fn user(server: &Server, rules: &[String]) -> String {
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let setuser = ["ACL", "SETUSER", "limits", "reset", "on", ">right"];
    let _: () = server.command(&[&setuser, &*rules].concat()).await;
    server.url_of("limits", "right")
}

/// The documented rules and these.
fn with(more: &[String], without: &str) -> Vec<String> {
    let all = documented().into_iter().chain(more.iter().cloned());
    all.filter(|rule| rule != without).collect()
}

fn voices(store: &RedisStore) -> Node {
    let voices = ConcurrencyLayer::builder("voices", NonZeroU32::MIN);
    Node::new(
        voices
            .store(store.clone())
            .when_store_fails(FailureMode::FailOpen),
    )
}

const CLIENT: &str = "203.0.113.7";

/// A limit of ten over the store admits ten: the server is asked, whatever another part may not do.
async fn limits_go_on(store: &RedisStore) {
    let limits = stack(
        store,
        [policy("a", "10/day").when_store_fails(FailureMode::FailOpen)],
    );
    assert_eq!(limits.admitted(15, || from(CLIENT)).await, 10);
    assert!(store.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_permissions_suffice() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = connect(&user(&server, &documented()).await).await;
    up(&store).await;
    assert_eq!(store.check().await.unwrap().nodes, 1);
    let layer = stack(
        &store,
        [policy("a", "100/day").cost(10).settled_by("characters")],
    );
    assert_eq!(layer.status(from(CLIENT)).await, 200);
    let reset = layer.layer.reset_client([203, 0, 113, 7].into());
    reset.get().await.unwrap();
    assert!(store.is_up());
}

#[tokio::test]
async fn each_documented_permission_is_needed_and_a_missing_one_is_told() {
    let Some(server) = Server::start().await else {
        return;
    };
    for missing in [
        "+eval",
        "+evalsha",
        "+get",
        "+set",
        "+del",
        "+time",
        "~palisade:*",
    ] {
        let store = connect(&user(&server, &with(&[], missing)).await).await;
        check(&store, StoreProblem::NoPerm).await;
    }
    for missing in ["+zadd", "+zcard", "+zremrangebyscore", "+expire"] {
        let (log, guard) = Log::capture();
        let store = connect(&user(&server, &with(&[], missing)).await).await;
        drop(guard);
        assert!(store.is_up());
        let lines = log.lines().concat();
        assert!(
            lines.contains("the nodes that share the limits cannot be counted"),
            "{lines}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_permissions_of_permits_suffice_and_each_is_needed() {
    let Some(server) = Server::start().await else {
        return;
    };
    let needed = added("limits of [concurrent requests]");
    let store = connect(&user(&server, &with(&needed, "")).await).await;
    let node = voices(&store);
    store.check().await.unwrap();
    let open = node.send(CLIENT).await;
    assert_eq!(
        (open.status(), node.send(CLIENT).await.status()),
        (200.try_into().unwrap(), 429.try_into().unwrap())
    );
    drop(open);
    asked("the permit is free", async || {
        node.send(CLIENT).await.status() == 200
    })
    .await;
    for missing in [
        "+zrem",
        "+zscore",
        "+zadd",
        "+zcard",
        "+zremrangebyscore",
        "+expire",
    ] {
        let store = connect(&user(&server, &with(&needed, missing)).await).await;
        let node = voices(&store);
        assert_eq!(store.check().await, Err(StoreProblem::NoPerm), "{missing}");
        let open = node.admitted(20, "203.0.113.9").await;
        assert_eq!(open.len(), 1, "{missing}: this node counts alone");
        drop(open);
        assert!(store.is_up(), "{missing}");
    }
}

#[tokio::test]
async fn permits_that_the_user_may_not_use_do_not_open_the_limits() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (log, guard) = Log::capture();
    let store = connect(&user(&server, &documented()).await).await;
    let node = voices(&store);
    for number in 0..40 {
        drop(node.send(&format!("198.51.100.{number}")).await);
    }
    let _ = store.check().await;
    drop(guard);
    limits_go_on(&store).await;
    let lines = log.lines();
    let told: BTreeSet<_> = lines
        .iter()
        .filter(|line| line.contains("+zscore"))
        .collect();
    assert_eq!(told.len(), 1, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_taken_away_stops_permits_and_budgets_alone() {
    let Some(server) = Server::start().await else {
        return;
    };
    let all: Vec<String> = [added("limits of [concurrent requests]"), added("[budgets]")].concat();
    let store = connect(&user(&server, &with(&all, "")).await).await;
    let node = voices(&store);
    assert!(reserve_one(&store).await.is_ok());
    store.check().await.unwrap();
    // Connections that are open keep their user, with its new rules.
    user(&server, &documented()).await;
    for number in 0..40 {
        drop(node.send(&format!("198.51.100.{number}")).await);
        assert!(reserve_one(&store).await.is_err());
    }
    limits_go_on(&store).await;
    user(&server, &with(&all, "")).await;
    store.check().await.unwrap();
    assert!(reserve_one(&store).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_permissions_of_budgets_suffice_and_each_is_needed() {
    let Some(server) = Server::start().await else {
        return;
    };
    let needed = added("[budgets]");
    for missing in ["", "+hget", "+hset", "+hdel", "+expire"] {
        let store = connect(&user(&server, &with(&needed, missing)).await).await;
        let budgets = store.budgets().unwrap();
        if missing.is_empty() {
            store.check().await.unwrap();
            let reserved = reserve_one(&store).await.unwrap();
            budgets.settle(reserved.into_reservation().unwrap(), &[1]);
            continue;
        }
        assert_eq!(store.check().await, Err(StoreProblem::NoPerm), "{missing}");
        let refused = reserve_one(&store).await.err();
        assert_eq!(
            refused,
            Some(BudgetProblem::Away { code: "NOPERM" }),
            "{missing}"
        );
        limits_go_on(&store).await;
        let _: () = server.command(&["FLUSHALL"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_permissions_of_other_databases_and_of_top_suffice() {
    let Some(server) = Server::start().await else {
        return;
    };
    let address = user(&server, &with(&added("other than 0"), "")).await;
    let store = connect(&address.replace("/0", "/3")).await;
    up(&store).await;
    let limits = policy("a", "9/day").limits().unwrap();
    let refused = store.most_used(&limits[0], 5).await;
    assert_eq!(refused.unwrap_err(), StoreProblem::NoPerm);
    let all = [added("other than 0"), added("limits top")].concat();
    user(&server, &with(&all, "")).await;
    assert!(store.most_used(&limits[0], 5).await.unwrap().is_complete);
    assert!(store.is_up());
}
