//! The words of a sound while it is heard, and its files of subtitles.

use serde_json::{Value, json};
use tts_server::ModelVoice;

use super::{check_quiet, enter};
use crate::support::{CONFIG, TestRequest, TestServer, TestVoice, webdriver::Browser};

const TEXT: &str = "今天很好，3月去绿色公园。";
const PINYIN: &str = include_str!("../../../page/pinyin.js");

/// Remembers each word that is marked, with what stands below, and each file that is offered.
const WATCH: &str = "window.marked = []; \
    new MutationObserver((changes) => { for (const { target } of changes) if (target.ariaCurrent === 'true') \
      window.marked.push([target.textContent, document.querySelector('#word-time').textContent]); }) \
      .observe(document.querySelector('#transcript'), { subtree: true, attributeFilter: ['aria-current'] }); \
    window.files = []; const make = URL.createObjectURL; \
    URL.createObjectURL = (file) => { file.text().then((text) => window.files.push(text)); return make(file); };";

const WORDS: &str =
    "return [...document.querySelectorAll('#transcript .word')].map((word) => word.textContent)";
const READY: &str = "document.querySelector('#player').dataset.state === 'ready' && document.querySelector('#player').dataset.live === 'false'";

/// Starts a browser that has had a text spoken by the voice of the model, and heard it to its end.
async fn heard() -> Option<(Browser, TestServer)> {
    let browser = Browser::start("en-US").await?;
    let voice = ModelVoice::demo().unwrap();
    let server = TestServer::start_with(CONFIG, voice, TestVoice::default()).await;
    enter(&browser, &server).await;
    browser.run(WATCH).await;
    browser.write("#text", TEXT).await;
    browser.click("#speak").await;
    browser
        .until("document.querySelector('#transcript [aria-current]')")
        .await;
    browser.picture("transcript").await;
    browser.until(READY).await;
    Some((browser, server))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_is_marked_while_it_is_heard_with_its_pinyin_and_its_times() {
    let Some((browser, _server)) = heard().await else {
        return;
    };
    let words = browser.run(WORDS).await;
    let marked = browser.run("return window.marked").await;
    let marked = marked.as_array().unwrap();
    let texts: Vec<&Value> = marked.iter().map(|pair| &pair[0]).collect();
    assert_eq!(json!(texts), words);
    let said: String = texts.iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(said, "今天很好三月去绿色公园");
    let last = marked.last().unwrap()[1].as_str().unwrap();
    assert!(last.starts_with("gōng yuán · 0:0"), "{last}");
    // Nothing is heard any more.
    let current = "return document.querySelectorAll('#transcript [aria-current]').length";
    assert_eq!(browser.run(current).await, 0);
    assert_eq!(browser.text("#word-time").await, "");

    // A click on a word moves the sound there.
    browser.click("#transcript .word:nth-of-type(3)").await;
    assert_eq!(browser.run(current).await, 1);
    let third = browser.text("#transcript [aria-current]").await;
    assert_eq!(words[2], third.as_str());

    // A phone shows them in its width, in the dark theme too.
    let phone = json!({ "width": 360, "height": 1200, "deviceScaleFactor": 2, "mobile": true });
    browser
        .chromium("Emulation.setDeviceMetricsOverride", phone)
        .await;
    browser.click("#theme").await;
    let wide = "return document.documentElement.scrollWidth";
    assert_eq!(browser.run(wide).await, 360);
    browser.picture("transcript-phone-dark").await;

    // A recording brings its words back; signing out takes them away.
    browser.click("#history .round").await;
    browser
        .until("document.querySelector('#transcript [aria-current]')")
        .await;
    assert_eq!(browser.run(WORDS).await, words);
    browser.click("#sign-out").await;
    browser
        .until("document.body.dataset.view === 'sign-in'")
        .await;
    assert_eq!(browser.run(WORDS).await, json!([]));
    check_quiet(&browser, &[]).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subtitles_are_those_of_the_server_and_ask_nothing_of_it() {
    let Some((browser, server)) = heard().await else {
        return;
    };
    for (place, kind) in ["srt", "vtt"].into_iter().enumerate() {
        let choose = format!("document.querySelector('#format').value = '{kind}'");
        browser.run(&choose).await;
        browser.click("#download").await;
        browser
            .until(&format!("window.files.length === {}", place + 1))
            .await;
        let ask = TestRequest::speak(TEXT).and(&format!("timing={kind}"));
        let made = server.with_key(ask).await;
        let file = browser.run(&format!("return window.files[{place}]")).await;
        assert_eq!(file.as_str().unwrap().as_bytes(), &made.body[..]);
    }
    // The page asked for one sound, the test for two files.
    let trail = server.finish().await;
    let spoken = trail.requests.iter();
    let spoken = spoken.filter(|record| record["settled"]["audio_milliseconds"].is_number());
    assert_eq!(spoken.count(), 3);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_knows_no_times_has_no_words_and_no_subtitles() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    enter(&browser, &server).await;
    browser.write("#text", "好好").await;
    browser.click("#speak").await;
    browser.until(READY).await;
    let hidden =
        "return ['transcript', 'word-time'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.run(hidden).await, json!([true, true]));
    let formats = "return [...document.querySelector('#format').options].map(({ value }) => value)";
    let formats = browser.run(formats).await;
    let formats = formats.as_array().unwrap();
    assert!(formats.contains(&json!("wav")) && !formats.contains(&json!("srt")));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tone_stands_above_the_vowel_to_which_it_belongs() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let pairs = [
        ("hao3", "hǎo"),
        ("xie4", "xiè"),
        ("dou1", "dōu"),
        ("gui4", "guì"),
        ("liu2", "liú"),
        ("lv4", "lǜ"),
        ("nve4", "nüè"),
        ("yvan2", "yuán"),
        ("xv1", "xū"),
        ("de5", "de"),
        ("er4", "èr"),
        ("huar1", "huār"),
        ("HH AH0", "HH AH0"),
    ];
    let asked: Vec<&str> = pairs.iter().map(|pair| pair.0).collect();
    let expected: Vec<&str> = pairs.iter().map(|pair| pair.1).collect();
    let module = PINYIN.replace("export ", "");
    let script = format!("{module} return {}.map(toned)", json!(asked));
    assert_eq!(browser.run(&script).await, json!(expected));
    browser.close().await;
}
