//! By keyboard alone, in both languages, in both themes, on a phone.

use serde_json::json;

use super::{check_quiet, enter};
use crate::support::{TestServer, webdriver::Browser};

#[tokio::test(flavor = "multi_thread")]
async fn keyboard_languages_themes_and_a_phone() {
    let Some(browser) = Browser::start("zh-CN").await else {
        return;
    };
    let server = TestServer::start().await;
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser
        .chromium("Emulation.setDeviceMetricsOverride", phone)
        .await;
    enter(&browser, &server).await;
    assert_eq!(
        browser.run("return document.documentElement.lang").await,
        "zh-CN"
    );
    assert_eq!(browser.text("#speak-label").await, "朗读");
    assert_eq!(
        browser
            .run("return document.documentElement.scrollWidth <= 360")
            .await,
        true,
        "the page is wider than the phone"
    );

    // Ctrl and Enter speak; Esc gives up.
    browser.write("#text", "慢慢说\u{e009}\u{e007}").await;
    browser
        .until("document.querySelector('#speak').dataset.busy === 'true'")
        .await;
    browser.picture("phone").await;
    browser.write("#text", "\u{e00c}").await;
    browser
        .until("document.querySelector('#speak').dataset.busy === 'false'")
        .await;
    browser
        .until("document.querySelector('#announcer').textContent === '已停止。'")
        .await;

    // The voice is stopped, over HTTP/2 as browsers speak it.
    let cancelled = &server.voice.cancelled;
    cancelled.reaches(1).await;

    // An unspeakable text is explained beside the button, in the language that was chosen.
    browser
        .run("document.querySelector('#text').value = '…'")
        .await;
    browser.click("#speak").await;
    browser
        .until("document.querySelector('#notice .notice')")
        .await;
    assert_eq!(
        browser.text("#notice .notice-title").await,
        "没有可朗读的内容"
    );
    browser.click("#language").await;
    assert_eq!(
        browser.text("#notice .notice-title").await,
        "There is nothing to speak"
    );

    let ground = "return getComputedStyle(document.body).backgroundColor";
    let light = browser.run(ground).await;
    browser.click("#theme").await;
    assert_ne!(browser.run(ground).await, light);
    browser.picture("phone-dark").await;

    browser.click("#sign-out").await;
    browser
        .until("document.body.dataset.view === 'sign-in'")
        .await;
    assert_eq!(
        browser
            .run("return document.querySelector('#text').value")
            .await,
        ""
    );
    check_quiet(&browser, &[422]).await;
    browser.close().await;
}
