//! How the page reads sound that arrives in pieces.

use serde_json::{Value, json};

use super::enter;
use crate::support::{TestServer, webdriver::Browser};

/// The module as it is written: in the page it is one of many in one script.
const MODULE: &str = include_str!("../../../page/wav.js");

/// Reads the file that `make` builds, cut after every `step` bytes; returns the rate, the samples and whether it was whole.
fn reading(make: &str) -> String {
    format!(
        "const {{ WavReader, header }} = (() => {{ {module}\n return {{ WavReader, header }}; }})(); \
         const samples = Int16Array.from({{ length: 300 }}, (_, at) => at * 217 - 32000); \
         const plain = new Uint8Array(await new Blob([header(16000, samples.length), samples]).arrayBuffer()); \
         const bytes = ({make})(plain); \
         const found = new Set(); \
         for (let step = 1; step <= bytes.length; step += 1) {{ \
           const reader = new WavReader(); \
           const read = []; \
           for (let at = 0; at < bytes.length; at += step) read.push(...reader.read(bytes.slice(at, at + step))); \
           found.add(JSON.stringify([reader.rate, read.length, read.every((one, at) => one === samples[at]), reader.whole])); \
         }} \
         return [...found].map((one) => JSON.parse(one));",
        module = MODULE.replace("export ", "")
    )
}

async fn check(browser: &Browser, make: &str, expected: Value) {
    let script = format!("return (async () => {{ {} }})()", reading(make));
    assert_eq!(browser.run(&script).await, json!([expected]), "{make}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_alike_however_it_is_cut() {
    let Some(browser) = Browser::start("en-US").await else {
        return;
    };
    let server = TestServer::start().await;
    enter(&browser, &server).await;
    check(
        &browser,
        "(plain) => plain",
        json!([16000, 300, true, true]),
    )
    .await;
    // What a stream says that does not know its length.
    let endless = "(plain) => { plain.set([255, 255, 255, 255], 40); return plain; }";
    check(&browser, endless, json!([16000, 300, true, true])).await;
    // What follows the samples is none, and a file that ends early is not whole.
    let more = "(plain) => { plain.set([200, 0, 0, 0], 40); return plain; }";
    check(&browser, more, json!([16000, 100, true, true])).await;
    let cut = "(plain) => plain.slice(0, -7)";
    check(&browser, cut, json!([16000, 296, true, false])).await;
    // A chunk of another kind between the two, of odd length.
    let list = "(plain) => Uint8Array.from([...plain.slice(0, 36), 76, 73, 83, 84, 3, 0, 0, 0, 1, 2, 3, 0, ...plain.slice(36)])";
    check(&browser, list, json!([16000, 300, true, true])).await;
    browser.close().await;
}
