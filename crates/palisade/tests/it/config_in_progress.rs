//! `[[concurrency]]`, `[load_shedding]` and `[limit_fields]`, and the limits that keys and tokens bring.

use std::sync::Arc;

use axum::{Router, body::Body, routing};
use http::Response;
use palisade::{
    ProtectedRouter,
    api_key::{Environment, Grant},
    config::{Config, Running},
    core::{Clock as _, SystemClock},
    rate_limit::{LimitStore, MemoryStore},
};
use palisade_internal::redis_server::RedisServer;
use tower::ServiceExt as _;

use crate::{config::folder, support::request};

const BASE: &str = "[server]\nhosts = [\"service.test\"]\n";
const ROUTES: &str = "[[routes]]\npath = \"/speak\"\naccess = \"public\"\n";

fn app(text: &str, running: impl Into<Running>) -> ProtectedRouter {
    let config = Config::parse(&format!("{BASE}{text}{ROUTES}")).unwrap();
    protect(config.assemble_with(running).unwrap().shield)
}

fn protect(shield: palisade::shield::ShieldBuilder) -> ProtectedRouter {
    let ok = || routing::get(async || "ok");
    let paths = ["/speak", "/export", "/pay"];
    let router = paths
        .iter()
        .fold(Router::new(), |router, path| router.route(path, ok()));
    shield.protect(router).unwrap()
}

/// Sends a request. It is in progress until the response is dropped.
async fn send(app: &ProtectedRouter, path: &str, key: Option<&str>) -> Response<Body> {
    app.clone()
        .oneshot(request("GET", path, key))
        .await
        .unwrap()
}

/// Sends requests until one is refused. Returns those that were admitted, and the status of that one.
async fn fill(app: &ProtectedRouter, path: &str) -> (Vec<Response<Body>>, u16) {
    let mut open = Vec::new();
    loop {
        let response = send(app, path, None).await;
        match response.status().as_u16() {
            200 => open.push(response),
            status => return (open, status),
        }
        assert!(open.len() < 100);
    }
}

#[tokio::test]
async fn requests_of_a_client_in_progress_are_limited_and_stay_counted_over_a_reload() {
    let text = "[[concurrency]]\nname = \"voices\"\nrequests = 2\n";
    let store: Arc<dyn LimitStore> = Arc::new(MemoryStore::default());
    let running = || Some(Arc::clone(&store));
    let first = app(text, running());
    let (open, status) = fill(&first, "/speak").await;
    assert_eq!((open.len(), status), (2, 429));
    let second = app(text, running());
    assert_eq!(send(&second, "/speak", None).await.status(), 429);
    drop(open);
    assert_eq!(send(&second, "/speak", None).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_of_a_file_with_redis_count_together() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let text = format!(
        "{BASE}[redis]\nurl = \"{}\"\nhash_key = \"hash\"\ndeadline_millis = 10000\n\
         [[concurrency]]\nname = \"voices\"\nrequests = 3\nexpiry_seconds = 60\nwhen_store_fails = \"fail-closed\"\n{ROUTES}",
        server.url()
    );
    let folder = folder(&text);
    std::fs::write(folder.path().join("hash"), "sixteen bytes or more").unwrap();
    let process = async || {
        let config = Config::read(folder.path().join("palisade.toml")).unwrap();
        let store = config.connect_store().await.unwrap();
        protect(config.assemble_with(store).unwrap().shield)
    };
    let (one, two) = (process().await, process().await);
    let kept = [
        send(&one, "/speak", None).await,
        send(&one, "/speak", None).await,
    ];
    let (open, status) = fill(&two, "/speak").await;
    assert_eq!((open.len(), status), (1, 429));
    drop(kept);
    let freed = palisade_internal::polling::value_in_time(tokio::time::sleep, async || {
        let response = send(&two, "/speak", None).await;
        (response.status() == 200).then_some(())
    });
    freed
        .await
        .expect("the permits of the other process never came back");
}

#[tokio::test]
async fn load_is_shed_by_the_priority_of_routes() {
    let text = "[load_shedding]\nrequests = 20\nleast_requests = 5\ntarget_millis = 200\n\
        tiers = { gold = \"critical\" }\n\
        [[routes]]\npath = \"/export\"\naccess = \"public\"\npriority = \"sheddable\"\n\
        [[routes]]\npath = \"/pay\"\naccess = \"public\"\npriority = \"critical\"\n";
    let app = app(text, Running::new());
    let (exports, refused) = fill(&app, "/export").await;
    assert_eq!((exports.len(), refused), (10, 503));
    let (normal, refused) = fill(&app, "/speak").await;
    assert_eq!((normal.len(), refused), (8, 503));
    let (critical, refused) = fill(&app, "/pay").await;
    assert_eq!((critical.len(), refused), (2, 503));
}

#[tokio::test]
async fn keys_of_partitions_are_sent_where_the_file_says_so() {
    let limit = "[[limits]]\nname = \"client\"\nrate = \"9/hour\"\n";
    let field = async |text: &str| {
        let response = send(&app(text, Running::new()), "/speak", None).await;
        response.headers()["ratelimit"].to_str().unwrap().to_owned()
    };
    assert!(!field(limit).await.contains("pk="));
    let with = format!("{limit}[limit_fields]\npartition_keys = true\n");
    assert!(field(&with).await.contains(";pk=:"));
}

#[tokio::test]
async fn in_shadow_requests_in_progress_are_not_refused() {
    let text = format!(
        "{BASE}[load_shedding]\nrequests = 1\n[[concurrency]]\nname = \"a\"\nrequests = 1\n{ROUTES}"
    );
    let config = Config::parse(&text).unwrap().dangerously_only_shadow();
    let app = protect(config.assemble().unwrap().shield);
    let open = [
        send(&app, "/speak", None).await,
        send(&app, "/speak", None).await,
    ];
    assert!(open.iter().all(|response| response.status() == 200));
}

#[test]
fn a_mistake_is_named_with_its_key() {
    let concurrency = "[[concurrency]]\nname = \"a\"\nrequests = 2\n";
    let load = "[load_shedding]\nrequests = 9\n";
    for (text, said) in [
        (
            "[[concurrency]]\nrequests = 2\n".to_owned(),
            "concurrency.name: missing field",
        ),
        (
            "[[concurrency]]\nname = \"a\"\n".to_owned(),
            "concurrency.requests: missing field",
        ),
        (
            concurrency.replace('2', "0"),
            "concurrency.requests: 0 is out of range",
        ),
        (
            concurrency.replace('2', "1000001"),
            "concurrency.requests: 1000001 is out of range",
        ),
        (
            concurrency.replace("\"a\"", "\"a b\""),
            "concurrency.name: ",
        ),
        (
            format!("{concurrency}{concurrency}"),
            "another limit of concurrent requests has this name",
        ),
        (
            format!("{concurrency}expiry_seconds = 0"),
            "concurrency.expiry_seconds: 0 is out of range",
        ),
        (
            format!("{concurrency}expiry_seconds = 601"),
            "concurrency.expiry_seconds: 601 is out of range",
        ),
        (format!("{concurrency}by = \"key\""), "concurrency.by: "),
        (
            format!("{concurrency}expiry_second = 3"),
            "did you mean `expiry_seconds`?",
        ),
        (
            load.replace('9', "0"),
            "load_shedding.requests: 0 is out of range",
        ),
        (
            format!("{load}least_requests = 5"),
            "load_shedding.least_requests: an adaptive limit needs both",
        ),
        (
            format!("{load}target_millis = 5"),
            "load_shedding.target_millis: an adaptive limit needs both",
        ),
        (
            format!("{load}target_millis = 5\nleast_requests = 10"),
            "load_shedding.least_requests: 10 is out of range",
        ),
        (
            format!("{load}target_millis = 0\nleast_requests = 5"),
            "load_shedding.target_millis: 0 is out of range",
        ),
        (
            format!("{load}tiers = {{ gold = \"urgent\" }}"),
            "load_shedding.tiers",
        ),
        (format!("{load}request = 3"), "did you mean `requests`?"),
        (
            "[limit_fields]\npartition_key = true".to_owned(),
            "did you mean `partition_keys`?",
        ),
        (
            format!("{ROUTES}priority = \"urgent\""),
            "routes.priority: ",
        ),
    ] {
        let problem = Config::parse(&format!("{BASE}{text}")).and_then(|config| config.assemble());
        let problem = problem.map(drop).expect_err(&text).to_string();
        assert!(problem.contains(said), "{said} is not in {problem}");
    }
}

/// From the grant of a key to the limit: two keys at one route, each with its own amount.
#[tokio::test]
async fn each_key_has_its_own_amount_of_a_limit() {
    let text = format!(
        "{BASE}[keys]\nfile = \"keys.toml\"\npepper = \"pepper\"\n\
         [[limits]]\nname = \"speak\"\nrate = \"3/hour\"\nby = \"principal\"\nown_amounts_up_to = 6\n\
         [[routes]]\npath = \"/speak\"\naccess = \"authenticated\"\n"
    );
    let folder = folder(&text);
    let config = Config::read(folder.path().join("palisade.toml")).unwrap();
    let assembled = config.assemble().unwrap();
    let (scheme, store) = assembled.keys.clone().unwrap();
    let app = protect(assembled.shield);
    let now = SystemClock::default().unix_time();
    let live = || Grant::new(Environment::Live);
    for (grant, granted) in [
        (live(), 3),
        (live().limit("speak", 2), 2),
        (live().limit("speak", 5), 5),
        (live().limit("speak", 500), 6),
        (live().limit("another", 1), 3),
    ] {
        let minted = scheme.mint(grant, now).unwrap();
        store
            .update(|table| table.insert(minted.record().clone()))
            .unwrap();
        let mut admitted = 0;
        for _ in 0..10 {
            let response = send(&app, "/speak", Some(minted.key())).await;
            admitted += usize::from(response.status() == 200);
        }
        assert_eq!(admitted, granted, "{:?}", minted.record());
    }
}
