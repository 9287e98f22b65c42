//! What the record of a request says of an inspection.
//!
//! The record of a request gets these notes, if a rule matched:
//!
//! | Key | Value |
//! |---|---|
//! | `inspect_score` | the anomaly score |
//! | `inspect_rules` | up to 16 ids with commas, then `,+N` for N more |
//! | `inspect_attacks` | the names after `attack-` in the tags, each once |
//! | `inspect_severity` | the highest severity of these rules, such as `critical` |
//! | `inspect_matched` | up to 16 codes of what matched, `id=code`, if the layer has a key for them |
//! | `inspect_text_score` | the score of rules that matched only in a person's text |
//! | `inspect_text_rules` | their ids |
//! | `inspect_text_incomplete` | `true` if those rules did not see all of it |
//! | `inspect_incomplete` | `true` if a bound of the inspection was reached |
//!
//! | `inspect_response` | what of a response was not inspected: `stream`, `encoded`, or `cut` behind the limit |
//! | `inspect_response_…` | score, rules, attacks, severity and incomplete, as above, for a response |
//!
//! None of them holds a byte of the request or the response.

use palisade_core::{Fact, SecurityContext};

use crate::verdict::Verdict;

/// How many ids of rules a record has.
///
/// A hostile request can match hundreds of rules; the record must stay one line.
const MOST_IDS: usize = 16;

/// The keys of the notes about one verdict.
struct Keys {
    score: &'static str,
    rules: &'static str,
    severity: &'static str,
    attacks: &'static str,
    matched: &'static str,
    incomplete: &'static str,
}

/// Those about a request.
const REQUEST: Keys = Keys {
    score: "inspect_score",
    rules: "inspect_rules",
    severity: "inspect_severity",
    attacks: "inspect_attacks",
    matched: "inspect_matched",
    incomplete: "inspect_incomplete",
};

/// Those about a response.
const RESPONSE: Keys = Keys {
    score: "inspect_response_score",
    rules: "inspect_response_rules",
    severity: "inspect_response_severity",
    attacks: "inspect_response_attacks",
    matched: "inspect_response_matched",
    incomplete: "inspect_response_incomplete",
};

/// Writes what was found in a request into its record: ids, tags and scores, never what matched.
pub(super) fn record(cx: &SecurityContext, verdict: &Verdict) {
    write(cx, verdict, &REQUEST);
    if !verdict.words.is_empty() {
        write_note(cx, "inspect_text_score", verdict.words_score.to_string());
        write_note(
            cx,
            "inspect_text_rules",
            join_ids(verdict.words.iter().copied()),
        );
    }
    if verdict.words_incomplete {
        write_note(cx, "inspect_text_incomplete", "true".to_owned());
    }
}

/// Writes what was found in a response.
pub(super) fn record_response(cx: &SecurityContext, verdict: &Verdict) {
    write(cx, verdict, &RESPONSE);
}

/// Writes the notes about one verdict.
fn write(cx: &SecurityContext, verdict: &Verdict, keys: &Keys) {
    if !verdict.matched.is_empty() {
        write_note(cx, keys.score, verdict.score.to_string());
        write_note(cx, keys.rules, join_ids(verdict.ids()));
        write_note(cx, keys.severity, highest_severity(verdict).to_owned());
        write_note(cx, keys.attacks, attack_tags(verdict));
        write_note(cx, keys.matched, matched_codes(verdict));
    }
    if verdict.incomplete {
        write_note(cx, keys.incomplete, "true".to_owned());
    }
}

/// Writes one note, unless its value is empty.
pub(super) fn write_note(cx: &SecurityContext, key: &'static str, value: String) {
    if !value.is_empty() {
        cx.record(Fact::Noted {
            key,
            value: value.into(),
        });
    }
}

/// The highest severity of the rules that matched, by its name in RFC 5424, section 6.2.1. Empty if
/// none has one.
fn highest_severity(verdict: &Verdict) -> &'static str {
    const NAMES: [&str; 8] = [
        "emergency",
        "alert",
        "critical",
        "error",
        "warning",
        "notice",
        "informational",
        "debug",
    ];
    let highest = verdict.matched.iter().filter_map(|rule| rule.severity);
    let name = highest
        .min()
        .and_then(|number| NAMES.get(usize::from(number)));
    name.copied().unwrap_or_default()
}

/// Ids with commas between them, and how many more there are.
fn join_ids(ids: impl Iterator<Item = u64>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    let shown = ids.get(..MOST_IDS).unwrap_or(&ids).join(",");
    match ids.len().checked_sub(MOST_IDS) {
        Some(more @ 1..) => format!("{shown},+{more}"),
        _ => shown,
    }
}

/// The codes of the texts that matched, with the ids of their rules.
fn matched_codes(verdict: &Verdict) -> String {
    let pairs = verdict.matched.iter().filter_map(|rule| {
        let code = rule.text_code.as_ref()?;
        Some(format!("{}={code}", rule.id))
    });
    pairs.take(MOST_IDS).collect::<Vec<_>>().join(",")
}

/// The tags that name an attack, each once.
///
/// They are sorted, so that equal attacks give equal records. At most 16 are kept.
fn attack_tags(verdict: &Verdict) -> String {
    let tags = verdict.matched.iter().flat_map(|matched| &matched.tags);
    let mut attacks: Vec<&str> = tags.filter_map(|tag| tag.strip_prefix("attack-")).collect();
    attacks.sort_unstable();
    attacks.dedup();
    attacks.truncate(MOST_IDS);
    attacks.join(",")
}
