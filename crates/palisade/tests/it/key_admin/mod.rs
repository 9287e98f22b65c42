//! The routes that manage API keys, behind a whole shield.

mod lost_replies;

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, ProtectedRouter, Routes, Rule, Shield,
    api_key::{Environment, FileKeyStore, Grant, KeyScheme, KeyStore, MemoryKeyStore, Pepper},
    audit::{AuditLevel, AuditRule, MemorySink},
    core::ManualClock,
    key_admin::{KeyAdmin, ManagedKeys},
};
use serde_json::{Value, json};

use crate::support::{TestResponse, request, send_to};

const NOW: Duration = Duration::from_secs(1_800_000_000);

struct Service {
    app: ProtectedRouter,
    trail: MemorySink,
    /// A key with the scope `keys:admin`, one with another scope, and one with a scope that is not grantable.
    admin: String,
    user: String,
    root_id: String,
}

impl Service {
    async fn start<K: ManagedKeys + KeyStore + Clone>(keys: K) -> Self {
        let clock = ManualClock::new(NOW);
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let mut minted = Vec::new();
        for scope in ["keys:admin", "tts:speak", "root"] {
            let grant = Grant::new(Environment::Live).scopes([scope]);
            let one = scheme.mint(grant, NOW).unwrap();
            keys.insert(one.record().clone()).get().await.unwrap();
            minted.push(one);
        }
        let admin = KeyAdmin::new(scheme.clone(), keys.clone());
        let admin = admin
            .grantable_scopes(["tts:speak", "tts:list"])
            .clock(clock.shared());
        let routes = Routes::new()
            .post("/tts", Rule::scope("tts:speak"), async || "spoken")
            .nest("/admin/keys", admin.routes());
        let trail = MemorySink::new();
        let layer = ApiKeyLayer::builder(scheme, keys).clock(clock.shared());
        // What is done with keys is recorded though other successes are left out.
        let rule = AuditRule::any_route().successes(AuditLevel::None);
        let audit = AuditLayer::builder().sink(trail.clone()).rule(rule);
        let app = Shield::builder()
            .audit(audit.build().unwrap())
            .hosts(AllowedHosts::parse(["service.test"]).unwrap())
            .authenticate(layer.build().unwrap())
            .protect(routes)
            .unwrap();
        Self {
            app,
            trail,
            admin: minted[0].key().to_owned(),
            user: minted[1].key().to_owned(),
            root_id: minted[2].record().id().to_string(),
        }
    }

    async fn send(&self, method: &str, path: &str, key: &str, body: &Value) -> TestResponse {
        let mut request: Request<Body> = request(method, &format!("/admin/keys{path}"), Some(key));
        if !body.is_null() {
            let json = "application/json".parse().unwrap();
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            *request.body_mut() = Body::from(body.to_string());
        }
        send_to(&self.app, request).await
    }

    async fn speaks(&self, key: &str) -> u16 {
        send_to(&self.app, request("POST", "/tts", Some(key)))
            .await
            .status
    }
}

fn read(response: &TestResponse) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

async fn a_key_lives_and_ends(service: &Service) {
    let grant = json!({
        "environment": "live", "scopes": ["tts:speak"], "owner": "acme", "tier": "gold", "note": "for lin",
        "metadata": { "project": "atlas" }, "limits": { "speak": 500 }, "networks": ["203.0.113.0/24"], "expires": "2027-06-01T00:00:00Z"
    });
    let made = service.send("POST", "", &service.admin, &grant).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
    let made = read(&made);
    let (key, id) = (
        made["key"].as_str().unwrap(),
        made["record"]["id"].as_str().unwrap(),
    );
    assert_eq!(made["record"]["owner"], "acme");
    assert_eq!(made["record"]["metadata"], json!({ "project": "atlas" }));
    assert_eq!(made["record"]["limits"], json!({ "speak": 500 }));
    assert_eq!(made["record"]["imported"], false);
    assert_eq!(service.speaks(key).await, 200);

    // Never again, and never a digest.
    for path in [format!("/{id}"), String::new(), "?limit=1000".to_owned()] {
        let seen = service
            .send("GET", &path, &service.admin, &Value::Null)
            .await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        assert!(
            seen.body.contains(id) && !seen.body.contains(key),
            "{}",
            seen.body
        );
        assert!(
            !seen.body.contains("digest") && !seen.body.contains("key\":\"psk_"),
            "{}",
            seen.body
        );
    }
    let rotation = json!({ "overlap_seconds": 60 });
    let rotated = service
        .send("POST", &format!("/{id}/rotate"), &service.admin, &rotation)
        .await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let rotated = read(&rotated);
    let second = rotated["key"].as_str().unwrap();
    assert_eq!(rotated["record"]["status"], "rotating");
    for key in [key, second] {
        assert_eq!(service.speaks(key).await, 200);
    }
    for (change, status, opens) in [("disable", "disabled", 401), ("enable", "rotating", 200)] {
        for _ in 0..2 {
            let path = format!("/{id}/{change}");
            let changed = service
                .send("POST", &path, &service.admin, &Value::Null)
                .await;
            assert_eq!(read(&changed)["status"], status, "{}", changed.body);
            assert_eq!(service.speaks(second).await, opens);
        }
    }
    for _ in 0..2 {
        let path = format!("/{id}/revoke");
        let revoked = service
            .send("POST", &path, &service.admin, &Value::Null)
            .await;
        assert_eq!(read(&revoked)["status"], "revoked");
    }
    for key in [key, second] {
        assert_eq!(service.speaks(key).await, 401);
    }
    let over = service
        .send("POST", &format!("/{id}/rotate"), &service.admin, &rotation)
        .await;
    assert_eq!((over.status, &*over.code), (409, "key_over"));
    let path = format!("/{id}/enable");
    let over = service
        .send("POST", &path, &service.admin, &Value::Null)
        .await;
    assert_eq!((over.status, &*over.code), (409, "key_over"));
    let trail = service.trail.lines().join("\n");
    for noted in [
        "key_minted",
        "key_rotated",
        "key_disabled",
        "key_enabled",
        "key_revoked",
    ] {
        assert!(
            trail.contains(&format!("\"key\":\"{noted}\",\"value\":\"{id}\"")),
            "{noted} in {trail}"
        );
    }
    assert!(!trail.contains(key) && !trail.contains(second));
}

#[tokio::test]
async fn an_administrator_mints_shows_rotates_and_revokes_keys() {
    a_key_lives_and_ends(&Service::start(MemoryKeyStore::new()).await).await;
}

#[tokio::test]
async fn keys_of_a_file_are_managed_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    FileKeyStore::create(&path).unwrap();
    let store = FileKeyStore::builder(&path).unwatched().open().unwrap();
    a_key_lives_and_ends(&Service::start(store).await).await;
    let again = FileKeyStore::builder(&path).unwatched().open().unwrap();
    assert_eq!(again.table().len(), 4, "it is on the disk");
}

#[tokio::test]
async fn keys_of_a_fleet_are_managed_too() {
    let Some(server) = palisade_internal::redis_server::RedisServer::start().unwrap() else {
        return;
    };
    let key = palisade::core::Secret::new(*b"a key of the fleet: thirty-two b");
    let store = palisade::api_key::RedisKeyStore::builder(&server.url(), key);
    let store = store.deadline(Duration::from_secs(2)).build().unwrap();
    a_key_lives_and_ends(&Service::start(store).await).await;
}

#[tokio::test]
async fn without_the_scope_nothing_is_shown_or_changed() {
    let service = Service::start(MemoryKeyStore::new()).await;
    let grant = json!({ "environment": "live" });
    let id = &service.root_id;
    for (method, path) in [
        ("GET", String::new()),
        ("POST", String::new()),
        ("GET", format!("/{id}")),
        ("POST", format!("/{id}/rotate")),
        ("POST", format!("/{id}/revoke")),
        ("POST", format!("/{id}/disable")),
        ("POST", format!("/{id}/enable")),
    ] {
        let refused = service.send(method, &path, &service.user, &grant).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (403, "insufficient_scope"),
            "{method} {path}"
        );
        let guest = send_to(
            &service.app,
            request(method, &format!("/admin/keys{path}"), None),
        )
        .await;
        assert_eq!(guest.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn an_administrator_gets_no_more_rights_than_may_be_granted() {
    let service = Service::start(MemoryKeyStore::new()).await;
    for scopes in [
        json!(["keys:admin"]),
        json!(["root"]),
        json!(["tts:speak", "root"]),
    ] {
        let grant = json!({ "environment": "live", "scopes": scopes });
        let refused = service.send("POST", "", &service.admin, &grant).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (403, "scope_not_grantable"),
            "{scopes}"
        );
    }
    // The new secret of a key with more rights would be a way to them.
    let path = format!("/{}/rotate", service.root_id);
    let rotation = json!({ "overlap_seconds": 0 });
    let refused = service.send("POST", &path, &service.admin, &rotation).await;
    assert_eq!(
        (refused.status, &*refused.code),
        (403, "scope_not_grantable")
    );
    let path = format!("/{}/disable", service.root_id);
    let disabled = service
        .send("POST", &path, &service.admin, &Value::Null)
        .await;
    assert_eq!(disabled.status, 200, "every key can be disabled");
    // Who disabled it did so for a reason, and who holds it may be the one who asks.
    let path = format!("/{}/enable", service.root_id);
    let refused = service
        .send("POST", &path, &service.admin, &Value::Null)
        .await;
    assert_eq!(
        (refused.status, &*refused.code),
        (403, "scope_not_grantable")
    );
    let path = format!("/{}/revoke", service.root_id);
    let revoked = service
        .send("POST", &path, &service.admin, &Value::Null)
        .await;
    assert_eq!(revoked.status, 200, "every key can be revoked");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_without_repeating_it() {
    let service = Service::start(MemoryKeyStore::new()).await;
    for grant in [
        json!({}),
        json!({ "environment": "prod" }),
        json!({ "environment": "live", "scope": ["tts:speak"] }),
        json!({ "environment": "live", "expires": "tomorrow" }),
        json!({ "environment": "live", "networks": ["a"] }),
        json!({ "environment": "live", "note": "" }),
        json!({ "environment": "live", "metadata": { "a b": "c" } }),
        json!({ "environment": "live", "limits": { "speak": 0 } }),
        json!({ "environment": "live", "limits": { "speak": -5 } }),
        json!({ "environment": "live", "owner": "a\nb" }),
        json!({ "environment": "live", "not_before": "2027-06-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z" }),
        json!(["live"]),
    ] {
        let refused = service.send("POST", "", &service.admin, &grant).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (400, "key_grant_invalid"),
            "{grant}"
        );
        assert!(!refused.body.contains("tomorrow"), "{}", refused.body);
    }
    let unknown = "0".repeat(12);
    for path in [format!("/{unknown}"), "/psk_live".to_owned()] {
        let refused = service
            .send("GET", &path, &service.admin, &Value::Null)
            .await;
        assert_eq!(
            (refused.status, &*refused.code),
            (404, "key_unknown"),
            "{path}"
        );
    }
    let path = format!("/{unknown}/revoke");
    let refused = service
        .send("POST", &path, &service.admin, &Value::Null)
        .await;
    assert_eq!(refused.code, "key_unknown");
    let refused = service
        .send("GET", "?limit=x", &service.admin, &Value::Null)
        .await;
    assert_eq!(refused.code, "key_grant_invalid");
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let service = Service::start(MemoryKeyStore::new()).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("?limit=2{after}");
        let page = read(
            &service
                .send("GET", &path, &service.admin, &Value::Null)
                .await,
        );
        let keys = page["keys"].as_array().unwrap().clone();
        assert!(keys.len() <= 2);
        seen.extend(
            keys.into_iter()
                .map(|key| key["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}
