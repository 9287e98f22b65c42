//! The Big List of Naughty Strings through every preset, in every part of a request. The outcomes are
//! recorded as counts: `UPDATE_TABLES=1` writes them again.

use std::collections::BTreeMap;
use std::{env, fs, path::Path};

use palisade_core::BodyKind;
use palisade_sanitize::{Field, Preset, SanitizeLayer};

use crate::support::{Outcome, ask_built, form, get, json, post};

const RECORD: &str = "tests/vectors/blns_outcomes.txt";

/// What a sanitizer does with a text, in a word.
fn outcome(preset: Preset, text: &str) -> &'static str {
    match preset.sanitizer().clean(text) {
        Ok(clean) if clean.report().is_changed() => "changed",
        Ok(_) => "unchanged",
        Err(refused) => refused.code(),
    }
}

fn strings() -> Vec<String> {
    serde_json::from_str(include_str!("../vectors/blns.json")).unwrap()
}

#[test]
fn naughty_strings_have_the_recorded_outcomes() {
    let mut table = String::new();
    for preset in Preset::ALL {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in strings() {
            *counts.entry(outcome(preset, &text)).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        table.push_str(&format!("{preset}: {}\n", counts.join(", ")));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORD);
    if env::var_os("UPDATE_TABLES").is_some() {
        fs::write(path, table).unwrap();
        return;
    }
    let written = fs::read_to_string(path).unwrap();
    assert_eq!(
        written, table,
        "run the test with UPDATE_TABLES=1 and look at the difference"
    );
}

/// A layer for one kind of body.
fn layer(preset: Preset, body: BodyKind) -> SanitizeLayer {
    let field = Field::required("text", preset.sanitizer());
    SanitizeLayer::builder()
        .field(field)
        .body(body)
        .build()
        .unwrap()
}

#[tokio::test]
async fn naughty_strings_have_one_outcome_wherever_they_are_sent() {
    for preset in [
        Preset::Speech,
        Preset::Prompt,
        Preset::Identifier,
        Preset::FileName,
    ] {
        for text in strings() {
            let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let part = format!(
                "--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--XX--"
            );
            let body = serde_json::json!({ "text": text }).to_string();
            let sent: [Outcome; 4] = [
                ask_built(
                    layer(preset, BodyKind::Json),
                    get(&format!("/tts?text={encoded}")),
                )
                .await,
                ask_built(
                    layer(preset, BodyKind::Form),
                    form(format!("text={encoded}")),
                )
                .await,
                ask_built(layer(preset, BodyKind::Json), json(body)).await,
                ask_built(
                    layer(preset, BodyKind::Multipart),
                    post("multipart/form-data; boundary=XX", part),
                )
                .await,
            ];
            let expected = match outcome(preset, &text) {
                "changed" | "unchanged" => 200,
                _ => 422,
            };
            for one in sent {
                assert_eq!(one.status, expected, "{preset} {text:?}");
            }
        }
    }
}
