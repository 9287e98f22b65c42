//! Vectors that others wrote: Unicode's own tests, naughty strings, attack corpora.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use palisade_sanitize::{
    Action, Class, Normalization, OverLength, Sanitizer, SanitizerBuilder, Whitespace,
};

fn committed(name: &str) -> Vec<u8> {
    fs::read(
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/vectors")
            .join(name),
    )
    .unwrap()
}

/// Reads a file that is not part of the project, and says so when it is not there.
pub(crate) fn beside(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/fetched")
        .join(name);
    let text = fs::read_to_string(path);
    if text.is_err() {
        eprintln!("SKIPPED: ../shared/vectors/fetched/{name} is not here");
    }
    text.ok()
}

fn normalization_test() -> String {
    let packed = committed("NormalizationTest.txt.bz2");
    let mut text = String::new();
    bzip2_rs::DecoderReader::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn from_hex(column: &str) -> String {
    column
        .split_whitespace()
        .map(|code| char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap())
        .collect()
}

/// Leaves everything but the normalization form alone.
fn bare() -> SanitizerBuilder {
    let builder = Sanitizer::builder()
        .whitespace(Whitespace::Keep)
        .min_graphemes(0)
        .max_marks(usize::MAX);
    Class::ALL
        .into_iter()
        .fold(builder, |builder, class| builder.class(class, Action::Keep))
}

fn is_stable(sanitizer: &Sanitizer, text: &str) {
    let Ok(once) = sanitizer.clean(text) else {
        return;
    };
    assert_eq!(
        sanitizer.clean(once.text()).unwrap().text(),
        once.text(),
        "{text:?}"
    );
}

fn is_stable_for_every_preset(text: &str) {
    for sanitizer in [
        Sanitizer::speech(),
        Sanitizer::prompt(),
        Sanitizer::identifier(),
        Sanitizer::display_name(),
    ] {
        is_stable(&sanitizer, text);
    }
}

#[test]
fn every_row_of_the_normalization_test_holds() {
    let nfc = bare().build().unwrap();
    let nfkc = bare().normalization(Normalization::Nfkc).build().unwrap();
    let is = |sanitizer: &Sanitizer, from: &str, to: &str| {
        assert_eq!(sanitizer.clean(from).unwrap().text(), to)
    };
    let mut rows = 0;
    for line in normalization_test()
        .lines()
        .filter(|line| !line.starts_with(['#', '@']))
    {
        let columns: Vec<String> = line.split(';').take(5).map(from_hex).collect();
        let [source, composed, decomposed, k_composed, k_decomposed] = columns.try_into().unwrap();
        for from in [&source, &composed, &decomposed] {
            is(&nfc, from, &composed);
            is(&nfkc, from, &k_composed);
        }
        for from in [&k_composed, &k_decomposed] {
            is(&nfc, from, &k_composed);
            is(&nfkc, from, &k_composed);
        }
        is_stable_for_every_preset(&source);
        rows += 1;
    }
    assert!(rows > 18_000, "{rows} rows");
}

#[test]
fn a_text_is_cut_only_where_graphemes_end() {
    let text = String::from_utf8(committed("GraphemeBreakTest.txt")).unwrap();
    let mut rows = 0;
    // Versions of Unicode after this file no longer count the scissors among the pictographs.
    let rows_of_today = text
        .lines()
        .filter(|line| line.starts_with('÷') && !line.contains("200D × 2701"));
    for line in rows_of_today {
        let marks = line.split('#').next().unwrap();
        let clusters: Vec<String> = marks
            .split('÷')
            .map(|part| from_hex(&part.replace('×', " ")))
            .filter(|part| !part.is_empty())
            .collect();
        let whole = clusters.concat();
        for kept in 1..=clusters.len() {
            let cut = bare()
                .normalization(Normalization::None)
                .max_graphemes(kept)
                .over_length(OverLength::Cut);
            assert_eq!(
                cut.build().unwrap().clean(&whole).unwrap().text(),
                clusters[..kept].concat(),
                "{line}"
            );
        }
        is_stable_for_every_preset(&whole);
        rows += 1;
    }
    assert!(rows > 590, "{rows} rows");
}

#[test]
fn every_naughty_string_is_cleaned_stably_or_refused() {
    let strings: Vec<String> = serde_json::from_slice(&committed("blns.json")).unwrap();
    assert!(strings.len() > 480, "{} strings", strings.len());
    strings
        .iter()
        .for_each(|text| is_stable_for_every_preset(text));
}

#[test]
fn every_request_of_the_attack_corpus_is_cleaned_stably_or_refused() {
    let Some(corpus) = beside("crs-requests.json") else {
        return;
    };
    let stages: Vec<serde_json::Value> = serde_json::from_str(&corpus).unwrap();
    assert!(stages.len() > 1500, "{} stages", stages.len());
    for stage in &stages {
        for field in ["data", "uri", "encoded_request"] {
            stage[field]
                .as_str()
                .into_iter()
                .for_each(is_stable_for_every_preset);
        }
    }
}

#[test]
fn the_injection_corpora_are_cleaned_stably_or_refused() {
    for name in [
        "libinjection-sqli-fullqueries.txt",
        "libinjection-sqli-misc.txt",
        "libinjection-xss-owasp-cheatsheet-20131120.txt",
        "libinjection-xss-smoke-test.txt",
    ] {
        let Some(text) = beside(name) else { continue };
        text.lines().for_each(is_stable_for_every_preset);
    }
}

#[test]
fn every_confusable_is_cleaned_stably_or_refused() {
    let Some(text) = beside("confusables-17.0.0.txt") else {
        return;
    };
    let rows = text
        .lines()
        .filter(|line| line.contains(';') && !line.starts_with('#'));
    for row in rows {
        let (source, rest) = row.trim_start_matches('\u{feff}').split_once(';').unwrap();
        let target = rest.split(';').next().unwrap();
        is_stable_for_every_preset(&from_hex(source));
        is_stable_for_every_preset(&from_hex(target));
    }
}

#[test]
fn every_emoji_and_every_standardized_variant_is_unchanged() {
    let text = String::from_utf8(committed("sequences.txt")).unwrap();
    let sequences: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(from_hex)
        .collect();
    assert!(sequences.len() > 6000, "{} sequences", sequences.len());
    let sanitizer = Sanitizer::builder()
        .normalization(Normalization::None)
        .build()
        .unwrap();
    // A slashed zero is a digit with a hidden selector to everyone but a typesetter.
    for sequence in sequences.iter().filter(|sequence| *sequence != "0\u{fe00}") {
        let clean = sanitizer.clean(sequence).unwrap();
        assert_eq!(clean.text(), sequence, "{}", sequence.escape_unicode());
    }
}

#[test]
fn plain_text_of_five_hundred_languages_is_unchanged() {
    let text = String::from_utf8(committed("declaration.txt")).unwrap();
    let sanitizer = Sanitizer::builder()
        .normalization(Normalization::None)
        .build()
        .unwrap();
    let mut languages = std::collections::BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (code, text) = line.split_once('\t').unwrap();
        assert_eq!(sanitizer.clean(text).unwrap().text(), text, "{code}");
        languages.insert(code);
    }
    assert!(languages.len() > 500, "{} languages", languages.len());
}
