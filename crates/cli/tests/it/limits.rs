//! `palisade limits`, on a real server. Skipped where `redis-server` is missing, except in CI.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use palisade_core::{Secret, SystemClock};
use palisade_rate_limit::{
    BudgetCharge, BudgetKey, BudgetStore, CalendarWindow, Charge, ChargeOutcome, LimitStore,
    MemoryBudgets, Policy, RedisStore, Subject,
};

use crate::support::Folder;

const HASH_KEY: &str = "sixteen bytes and some more";

/// A server on loopback, stopped at the end of the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Option<Self> {
        let port = palisade_internal::free_port::choose(Ipv4Addr::LOCALHOST.into()).unwrap();
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--port",
                &port.to_string(),
            ])
            .stdout(Stdio::piped())
            .spawn();
        match child {
            Ok(mut child) => {
                wait_for_line(&mut child, "Ready to accept connections");
                Some(Self { child, port })
            }
            Err(problem) => {
                let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
                assert!(!required, "redis-server cannot be started: {problem}");
                eprintln!("skipped: redis-server is not installed");
                None
            }
        }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Takes units from the bucket of a subject, as a service would.
    async fn take(&self, subject: &Subject<'_>, policy: &str, rate: &str, units: u32) {
        let store = RedisStore::builder(&self.url(), Secret::new(HASH_KEY));
        let store = store
            .deadline(Duration::from_secs(10))
            .connect()
            .await
            .unwrap();
        assert!(store.is_up(), "{:?}", store.status());
        let policy = Policy::named(policy).rate(rate).unwrap();
        let limit = std::sync::Arc::new(policy.limits().unwrap().remove(0));
        let charge = Charge::new(&limit, store.bucket_key(subject), units);
        let decision = store.charge(Duration::from_secs(1), &[charge]).get().await;
        assert_eq!(decision.outcome(), ChargeOutcome::Admitted);
    }
}

/// Waits until a program has written a line, for a minute at most. What it writes later is read and
/// dropped, so that it never waits for a reader.
fn wait_for_line(child: &mut Child, expected: &'static str) {
    let output = BufReader::new(child.stdout.take().unwrap());
    let (found, waiting) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if line.contains(expected) {
                let _ = found.send(());
            }
        }
    });
    let found = waiting.recv_timeout(Duration::from_secs(60));
    assert!(found.is_ok(), "the program did not write `{expected}`");
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> Folder {
    let folder = Folder::new();
    fs::write(folder.path("limits.key"), HASH_KEY).unwrap();
    folder
}

/// Reserves and settles units of a budget of this month.
async fn spend(store: &dyn BudgetStore, used: u64, reserved: u64) {
    let month = CalendarWindow::month("Europe/Berlin").unwrap();
    let now = SystemClock::shared().unix_time();
    let charge = |units| {
        let key = BudgetKey::new("team", "owner", "acme", month.around(now));
        vec![BudgetCharge::new(key, 1000, units)]
    };
    let settled = store.reserve(charge(100)).get().await.unwrap();
    store.settle(settled.into_reservation().unwrap(), &[used]);
    let open = store.reserve(charge(reserved)).get().await.unwrap();
    assert!(open.is_granted());
}

#[tokio::test]
async fn the_counters_of_budgets_are_shown_from_a_file_in_use() {
    let folder = folder();
    let store = MemoryBudgets::open(&folder.path("budgets.log")).unwrap();
    spend(&store, 7, 30).await;
    let shown = folder.json("limits budgets --file budgets.log --json");
    let expected = serde_json::json!({
        "budget": "team", "by": "owner", "whom": "acme", "window": "month", "used": 37, "reserved": 0,
        "resets_at": shown[0]["resets_at"],
    });
    assert_eq!(shown, serde_json::json!([expected]));
    fs::write(folder.path("broken.log"), "no line of a budget\n").unwrap();
    let table = folder.good("limits budgets --file budgets.log");
    assert!(table.starts_with("BUDGET  BY     WHOM"), "{table}");
    for (arguments, expected) in [
        ("", "--file"),
        ("--file none.log", "none.log"),
        ("--file broken.log", "broken.log:1"),
    ] {
        let output = folder.bad(&format!("limits budgets {arguments}"));
        assert!(output.contains(expected), "{output}");
    }
}

#[tokio::test]
async fn the_counters_of_budgets_are_shown_from_the_shared_store() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = folder();
    let store = RedisStore::builder(&server.url(), Secret::new(HASH_KEY))
        .deadline(Duration::from_secs(10))
        .connect()
        .await
        .unwrap();
    while store.check().await.is_err() {}
    spend(&store, 7, 30).await;
    let arguments = format!(
        "limits budgets --redis {} --hash-key limits.key --owner acme",
        server.url()
    );
    let shown = loop {
        let shown = folder.json(&format!(
            "{arguments} --budget team=month@Europe/Berlin --json"
        ));
        // The settlement is sent behind the request.
        match shown[0]["used"] == 7 {
            true => break shown,
            false => tokio::task::yield_now().await,
        }
    };
    assert_eq!(shown[0]["reserved"], 30);
    for wrong in ["team", "team=week", "team=day@Berlin"] {
        let output = folder.bad(&format!("{arguments} --budget {wrong}"));
        assert!(output.contains("Europe/Berlin"), "{output}");
    }
}

#[tokio::test]
async fn the_remaining_units_of_a_client_are_shown_and_reset() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = folder();
    let client = Subject::network([203, 0, 113, 7].into(), 32, 64);
    server.take(&client, "tts", "10/day", 4).await;
    let arguments = format!(
        "--redis {} --hash-key limits.key --limit tts=10/day --limit other=5/hour --client 203.0.113.7",
        server.url()
    );
    let shown = folder.json(&format!("limits show {arguments} --json"));
    assert_eq!(
        (&shown[0]["limit"], &shown[0]["remaining"]),
        (&"tts".into(), &6.into())
    );
    assert_eq!(
        (&shown[1]["limit"], &shown[1]["remaining"]),
        (&"other".into(), &5.into())
    );
    assert_eq!(shown[1]["full_seconds"], 0);
    let table = folder.good(&format!("limits show {arguments}"));
    assert!(
        table.starts_with("LIMIT") && table.contains("tts    10/day"),
        "{table}"
    );
    assert_eq!(folder.good(&format!("limits reset {arguments}")), "reset");
    let shown = folder.json(&format!("limits show {arguments} --json"));
    assert_eq!(shown[0]["remaining"], 10);
}

#[tokio::test]
async fn principals_and_owners_are_found_by_their_names() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = folder();
    let named = |kind, id| Subject::Named {
        kind,
        id,
        group: None,
    };
    server
        .take(&named("api_key", "anna"), "tts", "10/day", 3)
        .await;
    server
        .take(&named("owner", "acme"), "tts", "10/day", 8)
        .await;
    let left = |subject: &str| {
        let (url, hash_key) = (
            server.url(),
            "--hash-key limits.key --limit tts=10/day --json",
        );
        let shown = folder.json(&format!("limits show --redis {url} {hash_key} {subject}"));
        shown[0]["remaining"].as_u64().unwrap()
    };
    assert_eq!(left("--principal api_key:anna"), 7);
    assert_eq!(left("--owner acme"), 2);
    assert_eq!(left("--principal api_key:lin"), 10);
}

#[test]
fn missing_or_wrong_arguments_are_reported_without_the_password() {
    let folder = folder();
    let port = palisade_internal::free_port::choose(Ipv4Addr::LOCALHOST.into()).unwrap();
    let url = format!("redis://user:canary@127.0.0.1:{port}");
    let limit = "--limit tts=10/day --client 203.0.113.7";
    let output = folder.bad(&format!(
        "limits show --redis {url} --hash-key limits.key {limit}"
    ));
    assert!(
        output.contains("connection_refused") && !output.contains("canary"),
        "{output}"
    );
    let output = folder.bad(&format!("limits show --hash-key limits.key {limit}"));
    assert!(output.contains("--redis-file"), "{output}");
    fs::write(folder.path("redis.url"), format!("{url}\n")).unwrap();
    let output = folder.bad(&format!(
        "limits show --redis-file redis.url --hash-key limits.key {limit}"
    ));
    assert!(
        output.contains("connection_refused") && !output.contains("canary"),
        "{output}"
    );
    let output = folder.bad(&format!(
        "limits show --redis {url} --hash-key none.key {limit}"
    ));
    assert!(output.contains("cannot read none.key"), "{output}");
    let subject = "--hash-key limits.key --limit tts=10/day";
    let output = folder.bad(&format!(
        "limits reset --redis {url} {subject} --principal anna"
    ));
    assert!(output.contains("write KIND:ID"), "{output}");
    let output = folder.bad(&format!("limits reset --redis {url} {subject}"));
    assert!(output.contains("--client"), "{output}");
    let output = folder.bad(&format!(
        "limits show --redis {url} --hash-key limits.key --limit tts --owner a"
    ));
    assert!(output.contains("NAME=RATES"), "{output}");
}

#[tokio::test]
async fn an_override_is_set_shown_and_removed() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = folder();
    let anna = Subject::Named {
        kind: "api_key",
        id: "anna",
        group: None,
    };
    server.take(&anna, "tts", "10/day", 10).await;
    let arguments = format!(
        "--redis {} --hash-key limits.key --limit tts=10/day --principal api_key:anna",
        server.url()
    );
    let set = folder.good(&format!(
        "limits override {arguments} --amount 50 --until 2100-01-31T00:00:00Z"
    ));
    assert_eq!(set, "set: 50 in each window, until 2100-01-31T00:00:00Z");
    let shown = folder.json(&format!("limits show {arguments} --json"));
    assert_eq!(shown[0]["remaining"], 40, "{shown}");
    assert_eq!(shown[0]["override"]["amount"], 50, "{shown}");
    let table = folder.good(&format!("limits show {arguments}"));
    assert!(table.contains("50/day (override)"), "{table}");
    let removed = folder.good(&format!("limits override {arguments} --remove"));
    assert_eq!(removed, "removed: the limit applies again");
    let shown = folder.json(&format!("limits show {arguments} --json"));
    assert_eq!(shown[0]["remaining"], 0, "{shown}");
    assert!(shown[0]["override"].is_null(), "{shown}");
    for (wrong, expected) in [
        ("--amount 0", "0"),
        ("--amount 5 --remove", "--remove"),
        ("", "--amount"),
        ("--amount 5 --until 2000-01-01T00:00:00Z", "in the past"),
    ] {
        let output = folder.bad(&format!("limits override {arguments} {wrong}"));
        assert!(output.contains(expected), "{output}");
    }
}

#[tokio::test]
async fn the_most_used_buckets_are_listed_by_name_where_a_file_has_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = folder();
    let client = Subject::network([203, 0, 113, 7].into(), 32, 64);
    let owner = Subject::Named {
        kind: "owner",
        id: "acme",
        group: None,
    };
    server.take(&client, "tts", "10/day", 4).await;
    server.take(&owner, "tts", "10/day", 9).await;
    fs::write(
        folder.path("who.txt"),
        "# customers\nowner acme\n\nprincipal api_key:anna\n",
    )
    .unwrap();
    let arguments = format!(
        "limits top --redis {} --hash-key limits.key --limit tts=10/day --subjects who.txt",
        server.url()
    );
    let listed = folder.json(&format!("{arguments} --json"));
    assert_eq!(listed[0]["subject"], "owner acme", "{listed}");
    assert_eq!(
        (&listed[0]["used"], &listed[0]["remaining"]),
        (&9.into(), &1.into())
    );
    assert!(
        listed[1]["subject"].as_str().unwrap().starts_with('#'),
        "{listed}"
    );
    assert_eq!(listed[1]["used"], 4);
    assert!(listed[2].is_null(), "{listed}");
    let table = folder.good(&format!("{arguments} --most 1"));
    assert!(
        table.starts_with("LIMIT") && table.contains("owner acme"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 2, "{table}");
    fs::write(folder.path("who.txt"), "owner acme\nanna\n").unwrap();
    let output = folder.bad(&arguments);
    assert!(output.contains("who.txt:2"), "{output}");
}
