//! The page of the simulation.

use std::fmt::Write as _;

use crate::run::{Counted, Load, RATE, Scenario};

/// Returns the page: its text, and a row for each scenario.
pub(crate) fn write(results: &[(Scenario, Counted)]) -> String {
    let mut rows = String::new();
    for (scenario, counted) in results {
        let leases = scenario
            .lease
            .map_or("none".to_owned(), |lease| lease.to_string());
        let faults = if scenario.faults { "yes" } else { "no" };
        let load = match scenario.load {
            Load::Adversary => "adversary".to_owned(),
            Load::Steady(percent) => format!("{percent} %"),
        };
        let each = counted.calls as f64 / counted.requests as f64;
        let _ = writeln!(
            rows,
            "| {} | {load} | {leases} | {faults} | {} | {} | {} | {} | {each:.2} |",
            scenario.replicas,
            RATE * scenario.replicas,
            counted.admitted,
            counted.over,
            scenario.bound(),
        );
    }
    let page = include_str!("page.md").replace("{rows}", &rows);
    page.replace("{closest}", &format!("{:.2}", closest(results)))
}

/// How near a scenario came to its bound: 1 is the bound.
fn closest(results: &[(Scenario, Counted)]) -> f64 {
    let ratio = |(scenario, counted): &(Scenario, Counted)| match scenario.bound() {
        0 => 0.0,
        bound => counted.over as f64 / bound as f64,
    };
    results.iter().map(ratio).fold(0.0, f64::max)
}
