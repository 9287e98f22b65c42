//! Which requests have a record, and how much is in it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::{HeaderName, Request, Response, StatusCode};
use palisade_audit::{AuditBuildError, AuditKey, AuditLayer, AuditLevel, AuditRule, MemorySink};
use palisade_core::{
    ClientInfo, Fact, GuardLayer, Layer as _, Rejection, RequestIdLayer, RouteLayer, RouteTable,
    Rule, Scheme, SecurityContext, Verdict,
};
use tower::{ServiceExt, service_fn};

use crate::{
    records::Shadowed,
    support::{Body, Does, Trail, get, hello, send},
};

pub(crate) const DEVICE: HeaderName = HeaderName::from_static("x-device");

pub(crate) fn key() -> AuditKey {
    AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").unwrap()
}

/// Refuses requests with a query.
pub(crate) fn refuses_queries(_: &SecurityContext, head: &mut http::request::Parts) -> Verdict<()> {
    match head.uri.query() {
        Some(_) => Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.").into(),
        None => Verdict::Admit(()),
    }
}

async fn fails(_: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    Ok(response)
}

pub(crate) fn none() -> AuditRule {
    AuditRule::any_route().successes(AuditLevel::None)
}

#[tokio::test]
async fn only_successes_are_left_out() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| it.rule(none()));
    let stack = || GuardLayer((layer.clone(), Does(refuses_queries)));
    assert_eq!(send(stack(), service_fn(hello), get("/")).await.0, 200);
    assert!(trail.requests().is_empty());
    send(stack(), service_fn(hello), get("/?refused")).await;
    assert_eq!(trail.only()["status"], 403);
    send(stack(), service_fn(fails), get("/")).await;
    assert_eq!(trail.requests()[1]["status"], 500);
    // A client that leaves is a failure too.
    let service = stack().layer(service_fn(hello));
    drop(service.oneshot(get("/")).await.unwrap());
    assert_eq!(trail.requests()[2]["how"], "body_dropped");
    assert_eq!(layer.handle().open_requests(), 0);
}

#[tokio::test]
async fn what_a_guard_would_refuse_is_recorded() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| it.rule(none()));
    let stack = GuardLayer((layer, Shadowed));
    let (status, _) = send(stack, service_fn(hello), get("/")).await;
    assert_eq!(status, 200);
    assert_eq!(trail.only()["would_refuse"][0]["guard"], "shadowed");
}

#[tokio::test]
async fn what_an_operator_must_find_later_is_recorded_though_it_succeeds() {
    let cleaned = Fact::Cleaned {
        field: "text".into(),
        removed: 1,
    };
    let noted = |key| Fact::Noted {
        key,
        value: "k7Gh2".into(),
    };
    let important = [
        "key_minted",
        "key_revoked",
        "session_opened",
        "inspect_rules",
        "inspect_attacks",
        "credential_ended",
        "text_flagged",
    ];
    let ordinary = ["session", "via", "voice", "inspect_response"];
    let mut facts = vec![(cleaned, 1)];
    facts.extend(important.map(|key| (noted(key), 1)));
    facts.extend(ordinary.map(|key| (noted(key), 0)));
    for (fact, expected) in facts {
        let trail = Trail::new();
        let layer = trail.layer_with(|it| it.rule(none()));
        let recorded = fact.clone();
        let notes = Does(move |cx: &SecurityContext, _: &mut _| {
            cx.record(recorded.clone());
            Verdict::Admit(())
        });
        send(GuardLayer((layer, notes)), service_fn(hello), get("/")).await;
        assert_eq!(trail.requests().len(), expected, "{fact:?}");
    }
}

#[tokio::test]
async fn a_rule_is_about_its_routes_and_the_first_one_decides() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| {
        it.rule(AuditRule::route("/kept"))
            .rule(AuditRule::routes_under("/a").successes(AuditLevel::None))
    });
    let table = RouteTable::builder()
        .any("/kept", Rule::public())
        .any("/a/left-out", Rule::public());
    let routes = RouteLayer::new(Arc::new(table.build().unwrap()));
    let stack = GuardLayer((layer, routes));
    for path in ["/kept", "/a/left-out", "/unknown"] {
        send(stack.clone(), service_fn(hello), get(path)).await;
    }
    let requests = trail.requests();
    assert_eq!(requests[0]["route"], "/kept");
    assert_eq!(requests.len(), 2, "{requests:#?}");
}

#[tokio::test]
async fn metadata_is_without_chosen_fields() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| {
        it.correlation_key(key())
            .correlate_header(DEVICE)
            .rule(AuditRule::any_route().successes(AuditLevel::Metadata))
    });
    let stack = || GuardLayer((layer.clone(), Does(refuses_queries)));
    for uri in ["/", "/?refused"] {
        let request = Request::get(uri).header(DEVICE, "one");
        let request = request.body(Body::default()).unwrap();
        send(stack(), service_fn(hello), request).await;
    }
    let requests = trail.requests();
    assert!(requests[0].get("fields").is_none(), "{}", requests[0]);
    assert!(requests[1]["fields"]["header.x-device"].is_string());
}

/// The identifiers of the requests with a record.
fn ids(trail: &Trail) -> BTreeSet<String> {
    let requests = trail.requests();
    let ids = requests.iter().map(|it| it["id"].as_str().unwrap().into());
    ids.collect()
}

#[tokio::test]
async fn samples_are_chosen_by_the_identifier_under_the_key_and_say_their_rate() {
    let sampled = |trail: &Trail, key: AuditKey| {
        trail.layer_with(|it| {
            it.correlation_key(key)
                .rule(AuditRule::any_route().sample_successes(10))
        })
    };
    let trails = [Trail::new(), Trail::new(), Trail::new()];
    let [one, same, other] = &trails;
    let stack = GuardLayer((
        sampled(one, key()),
        sampled(same, key()),
        sampled(other, AuditKey::generate().unwrap()),
        Does(refuses_queries),
    ));
    for _ in 0..1000 {
        send(stack.clone(), service_fn(hello), get("/")).await;
    }
    assert!((30..=200).contains(&ids(one).len()), "{}", ids(one).len());
    assert_eq!(ids(one), ids(same));
    assert_ne!(ids(one), ids(other));
    assert!(one.requests().iter().all(|it| it["sampled"] == 10));
    // Refusals are never sampled.
    let before = one.requests().len();
    for _ in 0..100 {
        send(stack.clone(), service_fn(hello), get("/?refused")).await;
    }
    let refused = one.requests().split_off(before);
    assert_eq!(refused.len(), 100);
    assert!(refused.iter().all(|it| it.get("sampled").is_none()));
}

#[tokio::test]
async fn a_client_that_chooses_the_identifier_does_not_choose_the_sample() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| {
        it.correlation_key(key())
            .rule(AuditRule::any_route().sample_successes(10))
    });
    let inbound = RequestIdLayer::builder().accept_from_proxies().build();
    let proxied = Does(|cx: &SecurityContext, _: &mut _| {
        let client = ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https);
        cx.set_client(client.with_proxy());
        Verdict::Admit(())
    });
    let stack = GuardLayer((layer, inbound, proxied));
    for _ in 0..1000 {
        let request = Request::get("/").header("x-request-id", "one");
        let request = request.body(Body::default()).unwrap();
        send(stack.clone(), service_fn(hello), request).await;
    }
    let recorded = trail.requests();
    assert!((30..=200).contains(&recorded.len()), "{}", recorded.len());
    assert!(recorded.iter().all(|it| it["id"] == "one"));
}

#[tokio::test]
async fn the_trail_says_what_is_left_out() {
    let trail = Trail::new();
    let _ = trail.layer();
    assert!(trail.events().is_empty(), "no rules, no event");
    let _ = trail.layer_with(|it| {
        (0..20).fold(it.rule(none()), |it, number| {
            it.rule(AuditRule::route(format!("/{number}")).sample_successes(2))
        })
    });
    let events = trail.events();
    assert_eq!(events.len(), 2);
    for (event, first) in events.iter().zip([1, 15]) {
        assert_eq!(event["event_id"], "audit.rules");
        assert_eq!(event["data"]["rules"], 21);
        assert_eq!(event["data"]["first"], first);
        assert!(event.get("members_lost").is_none());
    }
    let rule = "successes none, failures fields, refusals fields: any route";
    assert_eq!(events[0]["data"]["rule_1"], rule);
    assert!(events[0]["data"]["rule_14"].is_string());
    let last = events[1]["data"]["rule_7"].as_str().unwrap();
    assert!(last.ends_with(", one of 2 successes: /19"), "{last}");
}

#[test]
fn a_long_route_does_not_hide_the_levels() {
    let trail = Trail::new();
    let route = format!("/{}", "a".repeat(200));
    let rule = AuditRule::route(route).successes(AuditLevel::None);
    let _ = trail.layer_with(|it| it.rule(rule));
    let shown = trail.events()[0]["data"]["rule_1"].to_string();
    assert!(shown.contains("successes none") && shown.contains('…'));
}

#[tokio::test]
async fn the_trail_says_how_many_requests_are_left_out() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| it.rule(none()));
    for seconds in [0, 1, 1, 60] {
        trail.clock.advance(Duration::from_secs(seconds));
        send(layer.clone(), service_fn(hello), get("/")).await;
    }
    send(layer.clone(), service_fn(hello), get("/")).await;
    layer.handle().close().await.unwrap();
    let events = trail.events();
    let told = events
        .iter()
        .filter(|it| it["event_id"] == "audit.left_out");
    let told: Vec<_> = told.map(|it| &it["data"]["count"]).collect();
    assert_eq!(told, [1, 3, 1]);
}

#[test]
fn refusals_cannot_be_left_out() {
    for rule in [
        AuditRule::any_route().refusals(AuditLevel::None),
        AuditRule::any_route().failures(AuditLevel::None),
    ] {
        let layer = AuditLayer::builder().sink(MemorySink::new()).rule(rule);
        let error = layer.build().unwrap_err();
        assert!(
            matches!(error, AuditBuildError::InvalidSetting { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("always recorded"), "{error}");
    }
}
