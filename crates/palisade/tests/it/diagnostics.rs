//! The numbers of problems: one table for every crate.

use std::{collections::BTreeSet, fs, path::Path};

use palisade::{AllowedHosts, Rule, Rules, Shield, diagnostics, shield::ShieldBuilder};
use palisade_internal::log_lines;

/// Every `number = "PAL0000"` in the log lines of a folder, recursively.
fn numbers(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            numbers(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let uses = text.split("number = \"PAL").skip(1);
            found.extend(uses.map(|rest| format!("PAL{}", rest.split('"').next().unwrap())));
        }
    }
}

#[test]
fn every_number_in_a_log_line_has_an_entry() {
    let mut found = BTreeSet::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for member in ["api-key", "audit", "jwt", "rate-limit", "transport"] {
        numbers(&crates.join(member).join("src"), &mut found);
    }
    assert!(found.len() >= 5, "{found:?}");
    for number in found {
        assert!(
            diagnostics::find(&number).is_some(),
            "{number} has no entry"
        );
    }
}

/// A shield that warns of three things: no audit trail, no limit by client, and a rule without a handler.
fn warning_shield() -> ShieldBuilder {
    Shield::builder()
        .hosts(AllowedHosts::parse(["a.example"]).unwrap())
        .rules(Rules::new().get("/gone", Rule::public()))
}

#[test]
fn warnings_are_logged_at_start_and_accepted_ones_are_not() {
    let lines = |shield: ShieldBuilder| {
        log_lines::count(|| drop(shield.protect(axum::Router::new()).unwrap()))
    };
    assert_eq!(lines(warning_shield()), 3);
    let accepted = warning_shield().accept_warning("PAL0001");
    assert_eq!(lines(accepted.accept_warning("no-client-limit")), 1);
    let accepted = warning_shield().accept_warning("rule-without-handler");
    assert_eq!(lines(accepted), 2);
}

#[test]
fn a_warning_of_a_shield_has_its_number_in_words_and_can_be_accepted_by_it() {
    let shield = Shield::builder()
        .hosts(AllowedHosts::parse(["a.example"]).unwrap())
        .rules(Rules::new())
        .accept_warning("PAL0001")
        .build()
        .unwrap();
    let numbers: Vec<_> = shield
        .warnings()
        .iter()
        .filter_map(|one| one.number())
        .collect();
    assert_eq!(numbers, ["PAL0001", "PAL0002"]);
    assert!(shield.explain().contains("Warning PAL0001 no-audit: "));
}
