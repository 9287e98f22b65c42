//! A visit: sign in, speak, see the waveform, reach the limit and be told.

use serde_json::json;
use tts_server::ModelVoice;

use super::{check_quiet, enter};
use crate::support::{Ask, CONFIG, TestServer, TestVoice, webdriver::Browser};

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
    let server =
        TestServer::start_with(CONFIG, ModelVoice::demo().unwrap(), TestVoice::default()).await;
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
    let whole = server.with_key(Ask::speak(SENTENCE)).await;
    let told: f64 = whole.header("x-audio-seconds").parse().unwrap();
    let played: f64 = browser
        .run("return Number(document.querySelector('#player').dataset.seconds)")
        .await
        .as_f64()
        .unwrap();
    assert!(
        told > 1.0 && (told - played).abs() < 0.01,
        "told {told} s, heard {played} s"
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
    for _ in 0..12 {
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
    let told = browser.text("#notice .countdown").await;
    assert!(told.starts_with("You can try again in "), "{told}");
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
