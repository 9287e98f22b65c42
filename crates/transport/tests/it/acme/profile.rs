//! The profile of a certificate, at an authority of the test: pebble of Debian has none.

use std::sync::{Mutex, OnceLock};

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    suggestion::{authority, fill_cache},
    *,
};

const NONCE: (&str, &str) = ("replay-nonce", "bm9uY2U");

/// Returns what an order with this profile asks of an authority that refuses it.
async fn ordered(profile: Option<&str>) -> (Value, String) {
    let (orders, base) = (
        Arc::<Mutex<Vec<Value>>>::default(),
        Arc::<OnceLock<String>>::default(),
    );
    let (asked, url) = (Arc::clone(&orders), Arc::clone(&base));
    let directory = async move || {
        let base = url.get().unwrap();
        let urls = [
            "newNonce",
            "newAccount",
            "newOrder",
            "revokeCert",
            "keyChange",
        ];
        let urls = urls
            .map(|name| format!(r#""{name}":"{base}{name}""#))
            .join(",");
        format!(r#"{{{urls},"meta":{{"profiles":{{"shortlived":"six days"}}}}}}"#)
    };
    let order = async move |body: String| {
        let signed: Value = serde_json::from_str(&body).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(signed["payload"].as_str().unwrap());
        let payload = serde_json::from_slice(&payload.unwrap()).unwrap();
        asked.lock().unwrap().push(payload);
        let problem =
            r#"{"type":"urn:ietf:params:acme:error:invalidProfile","detail":"not today"}"#;
        (StatusCode::FORBIDDEN, [NONCE], problem)
    };
    let app = Router::new()
        .route("/dir", get(directory))
        .route("/newNonce", get(async || [NONCE]))
        .route("/newOrder", post(order));
    let authority = authority(app);
    base.set(authority.url("")).unwrap();
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let settings = authority.settings(folder.path()).clock(clock.shared());
    let settings = match profile {
        Some(profile) => settings.profile(profile),
        None => settings,
    };
    let acme = settings.build().unwrap();
    fill_cache(&acme, &clock);
    clock.advance(61 * DAY);
    let error = acme.renew_if_due().await.unwrap_err().to_string();
    let mut orders = orders.lock().unwrap();
    assert_eq!(orders.len(), 1);
    (orders.remove(0), error)
}

#[tokio::test]
async fn an_order_names_the_profile_of_the_settings() {
    let (order, _) = ordered(None).await;
    assert_eq!(order.get("profile"), None, "{order}");
    let (order, error) = ordered(Some("shortlived")).await;
    assert_eq!(order["profile"], "shortlived", "{order}");
    assert!(
        error.contains("invalidProfile") || error.contains("not today"),
        "{error}"
    );
}
