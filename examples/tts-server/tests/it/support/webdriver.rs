//! A browser, driven through chromedriver by its HTTP interface (W3C WebDriver): as much of it as the tests need.

use std::{env, net::SocketAddr, path::Path, time::Duration};

use http::Method;
use palisade_internal::polling;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{Chromedriver, TestRequest, send_plain};

const PATIENCE: Duration = Duration::from_secs(30);
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // The authority of a development start is trusted by no browser.
    "--ignore-certificate-errors",
];

/// A browser with its own profile. Ends when this value is dropped.
pub(crate) struct Browser {
    driver: Chromedriver,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; `None` where no driver is installed.
    pub(crate) async fn start(language: &str) -> Option<Self> {
        let driver = Chromedriver::start().await?;
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.map(String::from).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--lang={language}"));
        flags.push("--window-size=1280,1000".into());
        let options = json!({ "args": flags, "prefs": { "intl.accept_languages": language } });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" }, "acceptInsecureCerts": true });
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let made = ask(driver.address, Method::POST, "/session", &body).await;
        let session = made["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("no browser: {made}"))
            .to_owned();
        Some(Self {
            driver,
            session,
            _profile: profile,
        })
    }

    pub(crate) async fn open(&self, address: &str) {
        self.command("/url", &json!({ "url": address })).await;
    }

    /// Runs a script in the page, and returns what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
            .await
    }

    /// Waits until an expression is true. A page may be replaced meanwhile, so it cannot tell by itself.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let is_true = async || (self.run(&script).await == true).then_some(());
        if polling::value_in_time(sleep, is_true).await.is_some() {
            return;
        }
        let page = self.run("return document.body.innerText").await;
        panic!(
            "never true: {expression}\n{}",
            page.as_str().unwrap_or_default()
        );
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.command(&format!("/element/{element}/click"), &json!({}))
            .await;
    }

    pub(crate) async fn write(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.command(
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        )
        .await;
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = self
            .run(&format!(
                "return document.querySelector('{selector}').textContent"
            ))
            .await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Sends a command of Chromium's own protocol.
    pub(crate) async fn chromium(&self, command: &str, parameters: Value) {
        self.command(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
        .await;
    }

    /// What the browser complained about since the last time.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.command("/se/log", &json!({ "type": "browser" })).await;
        let lines = log.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .map(|line| format!("{} {}", line["source"], line["message"]))
            .collect()
    }

    /// Keeps a picture where `TTS_SCREENSHOTS` names a folder, for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = env::var_os("TTS_SCREENSHOTS") else {
            return;
        };
        let picture = ask(
            self.driver.address,
            Method::GET,
            &format!("/session/{}/screenshot", self.session),
            &Value::Null,
        )
        .await;
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            picture.as_str().unwrap(),
        )
        .unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// Closes the browser in good order.
    pub(crate) async fn close(self) {
        ask(
            self.driver.address,
            Method::DELETE,
            &format!("/session/{}", self.session),
            &Value::Null,
        )
        .await;
    }

    async fn find(&self, selector: &str) -> String {
        let found = self
            .command(
                "/element",
                &json!({ "using": "css selector", "value": selector }),
            )
            .await;
        let element = found
            .as_object()
            .and_then(|found| found.values().next())
            .and_then(Value::as_str);
        element
            .unwrap_or_else(|| panic!("{selector}: {found}"))
            .to_owned()
    }

    async fn command(&self, path: &str, body: &Value) -> Value {
        ask(
            self.driver.address,
            Method::POST,
            &format!("/session/{}{path}", self.session),
            body,
        )
        .await
    }
}

async fn ask(driver: SocketAddr, method: Method, path: &str, body: &Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let ask = TestRequest::new(method, path)
        .header("content-type", "application/json")
        .body(body);
    let response = tokio::time::timeout(PATIENCE, send_plain(driver, ask))
        .await
        .expect("the driver responses");
    response.json()["value"].clone()
}
