//! Private keys, tokens and API keys, by the prefixes that their issuers publish.
//!
//! Issuers publish these prefixes so that scanners find leaked keys: GitHub ("token formats"), AWS
//! ("unique identifiers"), Stripe, Slack, GitLab, Google, npm, PyPI, OpenAI. A prefix alone is not
//! enough: the rest must be as long as that of a real key, and hold letters and digits, or large and small letters (Hugging
//! Face issues tokens of letters alone).
//!
//! PEM blocks (RFC 7468) count only if their label ends with `PRIVATE KEY`. Certificates and public keys
//! are no secrets. JSON Web Tokens (RFC 7519) begin with `eyJ`, which is `{"` in Base64.

use std::ops::Range;

use super::super::kind::PersonalDataKind;
use super::Search;

/// A prefix, and the fewest characters after it.
#[rustfmt::skip] // a table reads better in rows
const PREFIXES: [(&str, usize); 49] = [
    ("AIza", 35), ("AKIA", 16), ("ASIA", 16), ("LTAI", 12), // Google, Amazon (twice), Alibaba Cloud
    ("ghp_", 36), ("gho_", 36), ("ghr_", 36), ("ghs_", 36), ("ghu_", 36), ("github_pat_", 50), // GitHub
    ("glpat-", 20), ("hf_", 30), ("npm_", 36), ("pypi-", 50), // GitLab, Hugging Face, npm, PyPI
    ("sk-", 20), ("rk_live_", 20), ("sk_live_", 20), ("sk_test_", 20), // OpenAI and others, Stripe
    ("xoxa-", 20), ("xoxb-", 20), ("xoxp-", 20), // Slack
    ("xapp-", 20), ("xoxe-", 20), ("xoxe.", 20), ("xoxr-", 20), ("xoxs-", 20), // Slack
    ("rk_test_", 20), ("whsec_", 24), // Stripe
    ("gldt-", 20), ("glptt-", 20), ("glrt-", 20), // GitLab
    ("AKID", 28), ("AKLT", 28), // Tencent Cloud, Volcano Engine
    ("GOCSPX-", 28), ("ya29.", 40), // Google
    ("SG.", 60), ("dckr_pat_", 27), ("dop_v1_", 64), ("hvs.", 24), ("dapi", 32), // SendGrid, Docker, DigitalOcean, Vault, Databricks
    ("gsk_", 40), ("nvapi-", 40), ("pplx-", 40), ("r8_", 37), ("xai-", 40), // Groq, NVIDIA, Perplexity, Replicate, xAI
    ("AGE-SECRET-KEY-1", 58), ("glsa_", 32), ("sntrys_", 40), // age, Grafana, Sentry
    ("psk_", 24), // this project
];

/// The beginning of the first line of a key or certificate in PEM (RFC 7468, 2).
const PEM_START: &str = "-----BEGIN ";
/// The beginning of its last line.
const PEM_END: &str = "-----END ";

/// Adds keys in PEM, JSON Web Tokens, and tokens with a known prefix.
///
/// Each run of letters, digits, `_`, `-` and `.` is looked at once.
pub(super) fn find(search: &mut Search<'_>) {
    let folded = search.folded;
    let view = folded.as_str();
    pem(search, view);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut start = None;
    for (at, c) in view.char_indices().chain([(view.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                start = None;
                token(search, view, from..at);
            }
            _ => {}
        }
    }
}

/// Adds a run of letters, digits, `_`, `-` and `.` if it is a token.
fn token(search: &mut Search<'_>, view: &str, run: Range<usize>) {
    let text = view.get(run.clone()).unwrap_or_default();
    let text = text.trim_end_matches('.');
    let skipped = text.len() - text.trim_start_matches(['-', '.', '_']).len();
    let text = text.get(skipped..).unwrap_or_default();
    let start = run.start + skipped;
    let known = |(prefix, least): &(&str, usize)| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.len() >= *least && is_random(rest))
    };
    if PREFIXES.iter().any(known) || is_json_web_token(text) {
        let place = start..start + text.len();
        // More certain than an address: `https://TOKEN@host` is not one.
        search.add(PersonalDataKind::Secret, place, 98, true);
    }
}

/// Tells whether a text has letters and digits, or both cases of letters in one word. A name such as
/// `sk-learn-contrib-and-friends` is no secret.
fn is_random(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    let is_mixed = || {
        let is_name = text.contains(['-', '_', '.']);
        !is_name && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
    };
    (has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)) || is_mixed()
}

/// Three parts, of which the first two are JSON objects in Base64.
///
/// The signature may be empty (RFC 7515, section 3). An encrypted token with five parts (RFC 7516) is
/// not recognized.
fn is_json_web_token(text: &str) -> bool {
    let mut parts = text.split('.');
    let object = |part: Option<&str>| part.is_some_and(|part| part.starts_with("eyJ"));
    object(parts.next()) && object(parts.next()) && parts.next().is_some() && parts.next().is_none()
}

/// Adds private keys in PEM (RFC 7468), to their end or to the end of the text.
///
/// Without an end line, all that follows counts as key: a key that is cut off is still a key.
fn pem(search: &mut Search<'_>, view: &str) {
    let mut from = 0;
    while let Some(found) = view.get(from..).and_then(|rest| rest.find(PEM_START)) {
        let start = from + found;
        let label = start + PEM_START.len();
        let rest = view.get(label..).unwrap_or_default();
        from = label;
        let Some((name, body)) = rest.split_once("-----") else {
            return;
        };
        if !name.ends_with("PRIVATE KEY") || name.contains('\n') {
            continue;
        }
        let body_start = label + name.len() + 5;
        let end = body.find(PEM_END).map_or(view.len(), |end| {
            let end = body_start + end;
            let close = view.get(end + PEM_END.len()..).unwrap_or_default();
            close
                .find("-----")
                .map_or(view.len(), |close| end + PEM_END.len() + close + 5)
        });
        search.add(PersonalDataKind::Secret, start..end, 100, true);
        from = end;
    }
}
