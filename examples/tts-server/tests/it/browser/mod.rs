//! The page in a real browser.

mod driver;
mod manners;
mod sound;
mod transcript;
mod visit;
mod wav;

use serde_json::json;

use crate::support::{TestServer, webdriver::Browser};

/// Remembers violations of the policy from the first moment on.
const WATCH: &str = "window.violations = []; document.addEventListener('securitypolicyviolation', (event) => \
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));";

/// Opens the page and signs in.
async fn enter(browser: &Browser, server: &TestServer) {
    browser
        .chromium(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": WATCH }),
        )
        .await;
    browser
        .open(&format!("https://localhost:{}/", server.https.port()))
        .await;
    browser
        .until("document.body.dataset.view === 'sign-in'")
        .await;
    browser.write("#key", &server.key).await;
    browser.click("#sign-in-button").await;
    browser
        .until("document.body.dataset.view === 'studio'")
        .await;
}

/// Checks that the browser complained about nothing but responses of these statuses.
async fn check_quiet(browser: &Browser, expected: &[u16]) {
    let violations = browser.run("return window.violations").await;
    assert_eq!(violations, json!([]), "the page breaks its own policy");
    for complaint in browser.complaints().await {
        let known = expected
            .iter()
            .any(|status| complaint.contains(&format!("a status of {status} ")));
        assert!(known && complaint.contains("network"), "{complaint}");
    }
}
