//! Hostile text: control characters, markup, line breaks.
//!
//! Decides `header-injection`, `control-characters`, `control-characters-accepted` and
//! `markup-reflected`. Up to four requests.
//!
//! The texts are harmless: the markup is an element that no browser knows, and the header that may
//! be injected has no meaning. The mark `plsd` shows which part of a response is ours.

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse},
    outcome::Outcomes,
    rules::{Rule, input::*},
};

/// A mark, then BACKSPACE, ESC, RIGHT-TO-LEFT OVERRIDE and markup: percent-encoded.
const HOSTILE: &str = "plsd%08%1B%5B7m%E2%80%AE%3Cplsd%3E";
/// Control characters and nothing else. A service that removes them has no text left.
const ONLY_CONTROL: &str = "%01%02%08%1B%7F";
/// A line break and a header.
const SPLIT: &str = "plsd%0D%0AX-Palisade-Check:%20split";
/// The header that appears if the line break was written as such.
const SPLIT_HEADER: &str = "x-palisade-check";

/// Decides the rules about hostile text in the query and in the path.
///
/// Without a query only the path is tried, and the three rules about the query are skipped. A
/// service that demands a key gives no result about its text.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    missing_path(site, outcomes);
    decide_header_splitting(site, ProbeRequest::get(format!("/{SPLIT}")), outcomes).await;
    let of_query: [&'static Rule; 3] = [
        &CONTROL_CHARACTERS,
        &CONTROL_CHARACTERS_ACCEPTED,
        &MARKUP_REFLECTED,
    ];
    let (Some(hostile), Some(only), Some(line)) = (
        site.with_text(HOSTILE),
        site.with_text(ONLY_CONTROL),
        site.with_text(SPLIT),
    ) else {
        let why = "the address has no query; give the URL of a call, such as /tts?text=hello";
        outcomes.skip_all(&of_query, why);
        return;
    };
    decide_header_splitting(site, line, outcomes).await;
    match site.call(hostile).await {
        Ok(response) if needs_key(&response) => skip_for_key(outcomes),
        Ok(response) => decide_reflected(&response, outcomes),
        Err(problem) => outcomes.skip_all(&of_query, problem),
    }
    match site.call(only).await {
        Ok(response) if needs_key(&response) => skip_for_key(outcomes),
        Ok(response) => {
            let seen = response
                .status
                .is_success()
                .then(|| response.summary_line());
            outcomes.record_decision(&CONTROL_CHARACTERS_ACCEPTED, seen);
        }
        Err(problem) => outcomes.record_skipped(&CONTROL_CHARACTERS_ACCEPTED, problem),
    }
}

/// 401 or 403: the text was not looked at.
fn needs_key(response: &ProbeResponse) -> bool {
    matches!(response.status.as_u16(), 401 | 403)
}

/// A stranger gets no further: what is behind the key is seen with `--key`.
fn skip_for_key(outcomes: &mut Outcomes) {
    let why = "the service demands a key; --key FILE gives one";
    let all = [
        &CONTROL_CHARACTERS,
        &CONTROL_CHARACTERS_ACCEPTED,
        &MARKUP_REFLECTED,
    ];
    outcomes.skip_all(&all, why);
}

/// The path that exists nowhere has markup: an error page may show it.
fn missing_path(site: &Site<'_>, outcomes: &mut Outcomes) {
    if let Ok(missing) = &site.missing
        && missing.is_page()
        && missing.body_text().contains("<plsd>")
    {
        outcomes.record_finding(&MARKUP_REFLECTED, missing.summary_line());
    }
}

/// Looks behind each mark, at most eight characters far, so that other content of a page with such
/// characters is not counted.
fn decide_reflected(response: &ProbeResponse, outcomes: &mut Outcomes) {
    let body = response.body_text();
    let after_mark = body.split("plsd").skip(1);
    // JSON writes control characters as escapes, so a raw one is not its doing.
    let raw = after_mark
        .map(|rest| rest.chars().take(8).collect::<String>())
        .any(|rest| rest.contains(['\u{8}', '\u{1b}', '\u{202e}']));
    outcomes.record_decision(&CONTROL_CHARACTERS, raw.then(|| response.summary_line()));
    let markup = response.is_page() && body.contains("<plsd>");
    outcomes.record_decision(&MARKUP_REFLECTED, markup.then(|| response.summary_line()));
}

/// Sends a text with an encoded CR LF and looks for the header in the response (CWE-113).
async fn decide_header_splitting(site: &Site<'_>, ask: ProbeRequest, outcomes: &mut Outcomes) {
    match site.call(ask).await {
        Ok(response) => {
            let injected = response.headers.contains_key(SPLIT_HEADER);
            outcomes.record_decision(&HEADER_INJECTION, injected.then(|| response.summary_line()));
        }
        Err(problem) => outcomes.record_skipped(&HEADER_INJECTION, problem),
    }
}
