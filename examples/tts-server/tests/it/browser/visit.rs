//! A visit: sign in, speak, see the waveform, reach the limit and read when to retry.

use serde_json::json;
use tts_server::ModelVoice;

use super::{check_quiet, enter};
use crate::support::{CONFIG, TestRequest, TestServer, TestVoice, webdriver::Browser};

const SENTENCE: &str = "今天天气很好，我们去公园玩吧。";

async fn playing_or_done(browser: &Browser) {
    browser
        .until("['playing', 'ready'].includes(document.querySelector('#player').dataset.state)")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_signs_in_speaks_and_meets_the_limit() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let config = format!("{CONFIG}sound_seconds_per_minute = 12\n");
    let voice = ModelVoice::demo().unwrap();
    let server = TestServer::start_with(&config, voice, TestVoice::default()).await;
    enter(&browser, &server).await;
    assert_eq!(
        browser
            .run("return document.querySelector('#key').value")
            .await,
        "",
        "the key stays nowhere"
    );
    assert_eq!(browser.run("return [document.cookie, localStorage.length, sessionStorage.length, location.search]").await, json!(["", 0, 0, ""]));
    check_quiet(&browser, &[]).await;

    browser.write("#text", SENTENCE).await;
    assert_eq!(browser.text("#count").await, "15 of 500 characters");
    browser.click("#speak").await;
    playing_or_done(&browser).await;
    browser
        .until("document.querySelector('#player').dataset.live === 'false'")
        .await;
    let whole = server.with_key(TestRequest::speak(SENTENCE)).await;
    let announced: f64 = whole.header("x-audio-seconds").parse().unwrap();
    let played: f64 = browser
        .run("return Number(document.querySelector('#player').dataset.seconds)")
        .await
        .as_f64()
        .unwrap();
    assert!(
        announced > 1.0 && (announced - played).abs() < 0.01,
        "announced {announced} s, played {played} s"
    );
    let drawn = "const c = document.querySelector('#waveform'); const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; \
        let rows = new Set(); for (let at = 3; at < pixels.length; at += 4) if (pixels[at]) rows.add(Math.floor(at / 4 / c.width)); return rows.size / c.height;";
    let tall = browser.run(drawn).await.as_f64().unwrap();
    assert!(tall > 0.5, "the waveform fills {tall} of its height");
    browser
        .until("document.querySelectorAll('#history .entry').length === 1")
        .await;
    browser.picture("spoken").await;

    // It can be heard again.
    browser.click("#history .round").await;
    browser
        .until("document.querySelector('#player').dataset.state === 'playing'")
        .await;

    // The playhead moves, by the clock of the sound card.
    browser
        .until("document.querySelector('#player').dataset.state === 'ready'")
        .await;
    assert_eq!(
        browser.text("#position").await,
        browser.text("#duration").await
    );

    reach_the_limit(&browser).await;
    check_quiet(&browser, &[429]).await;
    let trail = server.finish().await;
    assert!(trail.requests.iter().any(|record| record["status"] == 429));
    assert!(!trail.text.contains("今天"));
    browser.close().await;
}

async fn reach_the_limit(browser: &Browser) {
    browser
        .run("document.querySelector('#text').value = '好'")
        .await;
    for _ in 0..24 {
        browser
            .until("!document.querySelector('#speak').disabled")
            .await;
        browser.click("#speak").await;
        browser
            .until("document.querySelector('#speak').dataset.busy === 'false'")
            .await;
        if browser
            .run("return document.querySelector('#notice .notice') !== null")
            .await
            == true
        {
            break;
        }
    }
    let message = browser.text("#notice .countdown").await;
    assert!(message.starts_with("You can try again in "), "{message}");
    assert!(browser.text("#speak-label").await.starts_with("Wait "));
    assert_eq!(
        browser
            .run("return document.querySelector('#speak').disabled")
            .await,
        true
    );
    browser.picture("limited").await;
    // The clock of the server stands still, that of the page does not: the door opens on the page.
    browser
        .until(
            "document.querySelector('#notice .countdown').textContent === 'You can try again now.'",
        )
        .await;
    assert_eq!(
        browser
            .run("return document.querySelector('#speak').disabled")
            .await,
        false
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_explained_and_a_reload_stays_signed_in() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    browser
        .open(&format!("https://localhost:{}/", server.https.port()))
        .await;
    browser
        .until("document.body.dataset.view === 'sign-in'")
        .await;
    browser.write("#key", "psk_live_guess\u{e007}").await;
    browser
        .until("document.querySelector('#sign-in-notice .notice')")
        .await;
    assert_eq!(
        browser.text("#sign-in-notice .notice-title").await,
        "This key is not valid"
    );
    browser.write("#key", &server.key).await;
    browser.click("#sign-in-button").await;
    browser
        .until("document.body.dataset.view === 'studio'")
        .await;
    browser.run("location.reload()").await;
    browser
        .until("document.body.dataset.view === 'studio'")
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_visits_in_a_minute_all_arrive() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    browser
        .chromium("Network.setCacheDisabled", json!({ "cacheDisabled": true }))
        .await;
    for _ in 0..10 {
        browser
            .open(&format!("https://localhost:{}/", server.https.port()))
            .await;
        browser
            .until("document.body.dataset.view === 'sign-in'")
            .await;
    }
    browser.picture("sign-in").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_does_not_arrive_ends_in_an_error_and_not_in_a_spinner() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    browser.chromium("Network.enable", json!({})).await;
    let blocked = json!({ "urls": ["*/assets/app-*.js"] });
    browser.chromium("Network.setBlockedURLs", blocked).await;
    let address = format!("https://localhost:{}/", server.https.port());
    browser.open(&address).await;
    browser
        .until("document.body.dataset.view === 'failed'")
        .await;
    let shown = "return ['loading', 'failed'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.run(shown).await, json!([true, false]));
    browser.picture("not-started").await;
    // The link helps once the file is there.
    let none = json!({ "urls": [] });
    browser.chromium("Network.setBlockedURLs", none).await;
    browser.click("#failed a").await;
    browser
        .until("document.body.dataset.view === 'sign-in'")
        .await;
    browser.open(&format!("{address}nowhere")).await;
    assert_eq!(browser.text("h1").await, "Not Found");
    browser.picture("refused").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_asked_for_is_explained_in_place_of_the_spinner() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    browser.chromium("Network.enable", json!({})).await;
    let blocked = json!({ "urls": ["*/session"] });
    browser.chromium("Network.setBlockedURLs", blocked).await;
    browser
        .open(&format!("https://localhost:{}/", server.https.port()))
        .await;
    browser
        .until("document.querySelector('#sign-in-notice .notice')")
        .await;
    let loading = "return document.getElementById('loading').hidden";
    assert_eq!(browser.run(loading).await, true);
    browser.close().await;
}
