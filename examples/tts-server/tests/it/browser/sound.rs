//! The page while a sound is still being made: heard before it is whole, stopped half-way, by several voices.

use std::sync::Arc;

use serde_json::json;
use tts_server::Voice;

use super::{check_quiet, enter};
use crate::support::{CONFIG, TestServer, TestVoice, webdriver::Browser};

/// What the player says of itself.
async fn player(browser: &Browser, what: &str) -> String {
    let script = format!("return document.querySelector('#player').dataset.{what}");
    browser
        .run(&script)
        .await
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Lets the page say a text that is too long to be typed.
async fn say(browser: &Browser, text: &str) {
    let script = format!(
        "const text = document.querySelector('#text'); text.value = {}; \
         text.dispatchEvent(new Event('input', {{ bubbles: true }}))",
        json!(text)
    );
    browser.run(&script).await;
    browser.click("#speak").await;
}

const LIVE: &str = "document.querySelector('#player').dataset.live === 'true'";
const WHOLE: &str = "document.querySelector('#player').dataset.live === 'false'";

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_sounds_before_it_is_made() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    enter(&browser, &server).await;
    // Three seconds, and then the voice waits until it is let go on.
    say(
        &browser,
        &format!("{}慢{}", "好".repeat(30), "好".repeat(9)),
    )
    .await;
    browser
        .until("Number(document.querySelector('#player').dataset.position) > 0.5")
        .await;
    assert_eq!(player(&browser, "live").await, "true");
    assert_eq!(player(&browser, "state").await, "playing");
    assert_eq!(server.voice.made.get(), 30);
    let whole = "return document.querySelector('#download').disabled";
    assert_eq!(browser.run(whole).await, true, "it is not whole yet");
    browser.picture("live").await;

    // It runs dry, waits, and goes on where it stopped.
    browser
        .until("Number(document.querySelector('#player').dataset.position) > 2.9")
        .await;
    assert_eq!(player(&browser, "state").await, "playing");
    server.voice.go_on.set();
    browser.until(WHOLE).await;
    assert_eq!(player(&browser, "seconds").await, "4.000");
    assert_eq!(browser.run(whole).await, false);
    browser
        .until("document.querySelector('#player').dataset.state === 'ready'")
        .await;
    assert_eq!(player(&browser, "position").await, "4.000");
    browser.picture("whole").await;
    check_quiet(&browser, &[]).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_half_way_frees_the_voice_and_keeps_what_came() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    enter(&browser, &server).await;
    say(&browser, &format!("{}慢", "好".repeat(20))).await;
    browser.until(LIVE).await;
    browser
        .until("Number(document.querySelector('#player').dataset.seconds) === 2")
        .await;
    let focus = "return document.activeElement.id";
    assert_eq!(browser.run(focus).await, "cancel");
    browser.click("#cancel").await;
    browser.until(WHOLE).await;
    assert_eq!(player(&browser, "state").await, "ready");
    assert_eq!(
        browser.text("#status").await,
        "Stopped. 0:02.0 can be heard."
    );
    assert_eq!(browser.run(focus).await, "speak", "the focus is not lost");
    let cancelled = &server.voice.cancelled;
    cancelled.reaches(1).await;

    // The only thread is free: the next text is spoken, and what came before was not kept as a whole.
    say(&browser, "好好好").await;
    browser
        .until("document.querySelectorAll('#history .entry').length === 1")
        .await;
    assert_eq!(player(&browser, "seconds").await, "0.300");
    check_quiet(&browser, &[]).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_breaks_half_way_is_explained_and_what_came_is_kept() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    enter(&browser, &server).await;
    say(&browser, &format!("{}慢断", "好".repeat(20))).await;
    browser
        .until("Number(document.querySelector('#player').dataset.seconds) === 2")
        .await;
    server.voice.go_on.set();
    browser
        .until("document.querySelector('#notice .notice')")
        .await;
    assert_eq!(
        browser.text("#notice .notice-title").await,
        "The sound was interrupted"
    );
    assert_eq!(player(&browser, "live").await, "false");
    assert_eq!(
        browser
            .run("return document.querySelector('#play').disabled")
            .await,
        false
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_voices_the_chosen_one_speaks_with_its_own_emotions() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let first = TestVoice::default();
    let second = first.named("second");
    let voices: Vec<Arc<dyn Voice>> = vec![Arc::new(first.clone()), Arc::new(second)];
    let server = TestServer::start_all(CONFIG, voices, first).await;
    enter(&browser, &server).await;
    let asked = "window.asked = []; const ask = window.fetch; window.fetch = (path, options) => { \
        if (options.body) window.asked.push(JSON.parse(options.body)); return ask(path, options); };";
    browser.run(asked).await;
    browser.click("#voices label:nth-child(2)").await;
    say(&browser, "好").await;
    browser
        .until("document.querySelectorAll('#history .entry').length === 1")
        .await;
    let asked = browser.run("return window.asked").await;
    assert_eq!(asked[0]["voice"], "second");
    assert!(
        browser
            .text("#history .fine")
            .await
            .starts_with("second · ")
    );
    check_quiet(&browser, &[]).await;
    browser.close().await;
}
