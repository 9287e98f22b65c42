//! A new configuration takes over the limits and the trail of the one that runs.

use std::{fs, sync::Arc};

use palisade::config::{Config, Running};
use palisade::rate_limit::MemoryStore;
use palisade::server::Reloadable;
use palisade::{ProtectedRouter, Routes, Rule};
use tower::ServiceExt as _;

use crate::support::*;

const FILE: &str = "[server]\nhosts = [\"service.test\"]\n[audit]\nfile = \"trail.jsonl\"\n\
    [[limits]]\nname = \"client\"\nrate = \"3/hour\"\n";

/// Builds the stack of a file, and what the next one takes over.
fn build(text: &str, folder: &std::path::Path, running: Running) -> (ProtectedRouter, Running) {
    let path = folder.join("palisade.toml");
    fs::write(&path, text).unwrap();
    let store = running.store.clone();
    let assembled = Config::read(&path).unwrap().assemble_with(running).unwrap();
    let audit = assembled.audit.clone();
    let routes = Routes::new().get("/health", Rule::public(), async || "ok");
    let app = assembled.shield.protect(routes).unwrap();
    (app, Running::new().with_audit(audit).with_store(store))
}

#[tokio::test]
async fn a_new_stack_keeps_the_state_of_the_limits_and_the_open_trail() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::new().with_store(Some(Arc::new(MemoryStore::default())));
    let (app, running) = build(FILE, folder.path(), running);
    let service = Reloadable::new(app);
    let status = async || {
        let response = service
            .clone()
            .oneshot(request("GET", "/health", None))
            .await;
        response.unwrap().status().as_u16()
    };
    for _ in 0..3 {
        assert_eq!(status().await, 200);
    }
    assert_eq!(status().await, 429);

    let wider = FILE.replace("hosts = [", "hosts = [\"other.test\", ");
    let (app, running) = build(&wider, folder.path(), running);
    service.replace(app);
    assert_eq!(
        status().await,
        429,
        "no client gets a full bucket by a reload"
    );
    let mut other = request("GET", "/health", None);
    other
        .headers_mut()
        .insert("host", "other.test".parse().unwrap());
    let response = service.clone().oneshot(other).await.unwrap();
    assert_eq!(response.status(), 429, "the new host is served");
    drop(response);

    let handle = running.audit.unwrap().handle();
    drop(service);
    handle.close().await.unwrap();
    let trail = fs::read_to_string(folder.path().join("trail.jsonl")).unwrap();
    // Refusals that are alike are one record with their number.
    assert_eq!(trail.matches("\"route\":\"/health\"").count(), 4, "{trail}");
    assert!(trail.contains("\"count\":2"), "{trail}");
}

#[tokio::test]
async fn challenges_are_served_from_the_folder_and_nothing_else_is() {
    const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ_-1";
    const FOLDER: &str = "a-folder-whose-name-is-a-token";
    const OTHER: &str = "a-file-that-is-not-a-response";
    const LINK: &str = "a-link-that-leads-to-a-response";
    const SECOND: &str = "a-second-name-of-another-file";
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join(".well-known/acme-challenge");
    fs::create_dir_all(place.join(FOLDER)).unwrap();
    let response = format!("{TOKEN}.thumbprint");
    fs::write(place.join(TOKEN), &response).unwrap();
    fs::write(place.join(OTHER), "a password").unwrap();
    #[cfg(unix)]
    {
        // Each has the content of a response, and is not a file of its own.
        fs::write(folder.path().join("linked"), format!("{LINK}.thumbprint")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("linked"), place.join(LINK)).unwrap();
        fs::write(folder.path().join("second"), format!("{SECOND}.thumbprint")).unwrap();
        fs::hard_link(folder.path().join("second"), place.join(SECOND)).unwrap();
    }
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let hosts = palisade::AllowedHosts::parse(["service.test"]).unwrap();
    let app = palisade::Shield::builder()
        .hosts(hosts)
        .protect(Routes::new().acme_webroot(folder.path()))
        .unwrap();
    let get = async |token: &str| {
        let mut request = request("GET", &format!("/.well-known/acme-challenge/{token}"), None);
        let peer = "203.0.113.7:5000".parse().unwrap();
        request.extensions_mut().insert(palisade::core::Peer::new(
            peer,
            palisade::core::Scheme::Http,
        ));
        send_to(&app, request).await
    };
    let found = get(TOKEN).await;
    assert_eq!(
        (found.status, found.body.as_str()),
        (200, response.as_str())
    );
    for token in [
        "evaGxfADs6pSRb2LAv9IZf17Dt3-missing",
        FOLDER,
        OTHER,
        LINK,
        SECOND,
    ] {
        assert_eq!(get(token).await.status, 404, "{token}");
    }
    // What has no form of a token, or is longer than one, is like any other path.
    for token in [
        &"a".repeat(200),
        "..%2f..%2fsecret",
        "%2e%2e",
        "a%00",
        "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ_-1.x",
    ] {
        let refused = get(token).await;
        assert!(
            matches!(refused.status, 403 | 404),
            "{token}: {}",
            refused.status
        );
        assert!(!refused.body.contains("secret"));
    }
}
