//! Principals and addresses as codes that still correlate.

use http::StatusCode;
use palisade_audit::{
    AuditBuildError, AuditEvent, AuditKey, AuditLayer, AuditLayerBuilder, CorrelatedField,
    FileSink, MemorySink, RecordFilter, read_trail,
};
use palisade_core::{
    ClientInfo, Fact, GuardLayer, Principal, Rejection, Scheme, SecurityContext, Verdict,
};
use serde_json::Value;
use tower::service_fn;

use crate::support::{Does, Trail, get, hello, of_type, send};

const NAME: &str = "anna.schmidt";
const CREDENTIAL: &str = "k7Gh2credential";
const OWNER: &str = "schmidt-family";
const ADDRESS: &str = "203.0.113.77";

fn key() -> AuditKey {
    AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").unwrap()
}

fn code(key: &AuditKey, field: &str, value: &str) -> String {
    let field: CorrelatedField = field.parse().unwrap();
    field.code(key, value).unwrap()
}

fn pseudonymous(builder: AuditLayerBuilder) -> AuditLayerBuilder {
    builder
        .correlation_key(key())
        .pseudonymize_principals()
        .pseudonymize_client_address()
}

/// A known principal, with texts of a guard that name it.
fn anna(cx: &SecurityContext) {
    cx.set_client(ClientInfo::new(ADDRESS.parse().unwrap(), Scheme::Https));
    let who = Principal::builder("api_key", NAME);
    let who = who.credential(CREDENTIAL).owner(OWNER);
    cx.set_principal(who.build()).unwrap();
    cx.record(Fact::Noted {
        key: "greets",
        value: format!("{NAME} of {OWNER}").into(),
    });
    cx.record(Fact::Noted {
        key: "key_minted",
        value: CREDENTIAL.into(),
    });
    cx.record(Fact::Noted {
        key: "inspect_attacks",
        value: "sqli".into(),
    });
}

fn admits(cx: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
    anna(cx);
    Verdict::Admit(())
}

fn refuses(cx: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
    anna(cx);
    let reason = format!("{NAME} at {ADDRESS} has no right");
    let refusal = Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.");
    refusal.with_reason(reason).into()
}

#[tokio::test]
async fn a_pseudonymous_record_names_nobody_and_correlates() {
    let trail = Trail::new();
    let layer = trail.layer_with(pseudonymous);
    for _ in 0..2 {
        let stack = GuardLayer((layer.clone(), Does(admits)));
        send(stack, service_fn(hello), get("/")).await;
    }
    send(
        GuardLayer((layer.clone(), Does(refuses))),
        service_fn(hello),
        get("/"),
    )
    .await;
    layer.record(AuditEvent::new("app.greeted").from_client(ADDRESS.parse().unwrap()));
    let shown = trail.memory.lines().concat();
    for name in [NAME, CREDENTIAL, OWNER, ADDRESS, "schmidt"] {
        assert!(!shown.contains(name), "{name} in {shown}");
    }
    for record in trail.requests() {
        let who = &record["principal"];
        assert_eq!(who["id"], code(&key(), "principal", NAME));
        assert_eq!(who["credential"], code(&key(), "credential", CREDENTIAL));
        assert_eq!(who["owner"], code(&key(), "owner", OWNER));
        assert_eq!(record["client"], code(&key(), "client", ADDRESS));
        assert_eq!(record["hmac_key"], key().id());
        let text = format!("{NAME} of {OWNER}");
        let notes = [
            ("greets", code(&key(), "note", &text)),
            ("key_minted", code(&key(), "credential", CREDENTIAL)),
            ("inspect_attacks", "sqli".to_owned()),
        ];
        for (index, (key, value)) in notes.into_iter().enumerate() {
            assert_eq!(record["noted"][index]["key"], key);
            assert_eq!(record["noted"][index]["value"], value);
        }
    }
    let refused = &trail.requests()[2]["refused"][0];
    assert_eq!(refused["code"], "closed");
    let events = trail.events();
    assert_eq!(events[1]["client"], code(&key(), "client", ADDRESS));
}

#[test]
fn an_event_names_nobody_and_correlates() {
    let trail = Trail::new();
    let layer = trail.layer_with(pseudonymous);
    let long = "anna".repeat(100);
    let event = AuditEvent::new("app.told")
        .principal("who", NAME)
        .owner("owner", OWNER)
        .credential("by", CREDENTIAL)
        .principal("long", long.as_str())
        .address("peer", format!("::ffff:{ADDRESS}").parse().unwrap())
        .network("network", "203.0.113.0".parse().unwrap(), 24);
    assert!(event.to_json().contains("203.0.113.0/24"));
    layer.record(event.clone());
    let shown = trail.memory.lines().concat();
    for name in [NAME, CREDENTIAL, OWNER, "203.0.113", "anna"] {
        assert!(!shown.contains(name), "{name} in {shown}");
    }
    let data = &trail.events()[1]["data"];
    for (member, field, value) in [
        ("who", "principal", NAME),
        ("owner", "owner", OWNER),
        ("by", "credential", CREDENTIAL),
        ("long", "principal", &long),
        ("peer", "client", ADDRESS),
        ("network", "client", "203.0.113.0"),
    ] {
        assert_eq!(data[member], code(&key(), field, value));
    }
    // In clear without pseudonyms, and masked where addresses are.
    let trail = Trail::new();
    let masked = trail.layer_with(|it| it.mask_client_address());
    masked.record(event);
    let data = &trail.events()[0]["data"];
    assert_eq!(data["who"], NAME);
    assert_eq!(data["long"], format!("{}…", "anna".repeat(32)));
    assert_eq!(data["peer"], "203.0.113.0");
}

#[tokio::test]
async fn repeated_refusals_are_counted_under_the_pseudonym() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).open().unwrap();
    let layer = pseudonymous(AuditLayer::builder().sink(sink))
        .build()
        .unwrap();
    for _ in 0..10 {
        let stack = GuardLayer((layer.clone(), Does(refuses)));
        send(stack, service_fn(hello), get("/")).await;
    }
    layer.handle().close().await.unwrap();
    let folded = of_type(&path, "folded");
    assert_eq!(folded[0]["count"], 9);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(NAME) && !text.contains(ADDRESS), "{text}");
    // Both are found by the code.
    let client = code(&key(), "client", ADDRESS).parse().unwrap();
    let mut filter = RecordFilter::new().client(client, 128);
    let found = read_trail(&path).unwrap();
    let found = found.filter(|record| filter.admits(record.as_ref().unwrap()));
    assert_eq!(found.count(), 2);
    let mut filter = RecordFilter::new().principal(code(&key(), "principal", NAME));
    let found = read_trail(&path).unwrap();
    let found = found.filter(|record| filter.admits(record.as_ref().unwrap()));
    assert!(found.count() >= 1);
}

#[tokio::test]
async fn a_value_has_another_code_after_the_key_was_rotated_and_the_trail_says_so() {
    let trail = Trail::new();
    let layer = trail.layer_with(pseudonymous);
    let new = AuditKey::generate().unwrap();
    let rotating = layer.handle();
    let to = new.clone();
    // The first request is in progress while the key is rotated.
    let rotate = Does(move |cx: &SecurityContext, _: &mut _| {
        anna(cx);
        rotating.rotate_correlation_key(to.clone());
        Verdict::Admit(())
    });
    let stack = GuardLayer((layer.clone(), rotate));
    for _ in 0..2 {
        send(stack.clone(), service_fn(hello), get("/")).await;
    }
    let requests = trail.requests();
    for (record, key) in requests.iter().zip([key(), new.clone()]) {
        assert_eq!(record["hmac_key"], key.id());
        assert_eq!(record["principal"]["id"], code(&key, "principal", NAME));
        assert_eq!(record["client"], code(&key, "client", ADDRESS));
    }
    let events = trail.events();
    let data: Vec<&Value> = events.iter().map(|it| &it["data"]).collect();
    assert!(
        events
            .iter()
            .all(|it| it["event_id"] == "audit.correlation_key")
    );
    assert_eq!(
        data.len(),
        2,
        "the second time it is the same key: {data:?}"
    );
    assert_eq!(data[0]["key"], key().id());
    assert_eq!(data[1]["key"], new.id());
    assert_eq!(data[1]["previous"], key().id());
}

#[test]
fn pseudonyms_need_a_key() {
    let builder = || AuditLayer::builder().sink(MemorySink::new());
    for layer in [
        builder().pseudonymize_principals(),
        builder().pseudonymize_client_address(),
    ] {
        let error = layer.build().unwrap_err();
        assert!(
            matches!(error, AuditBuildError::NoCorrelationKey),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_masked_address_has_the_pseudonym_of_its_network() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| pseudonymous(it).mask_client_address());
    send(
        GuardLayer((layer, Does(admits))),
        service_fn(hello),
        get("/"),
    )
    .await;
    assert_eq!(
        trail.only()["client"],
        code(&key(), "client", "203.0.113.0")
    );
}
