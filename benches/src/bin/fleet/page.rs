//! The page of the simulation.

use std::fmt::Write as _;

use crate::run::{Counted, RATE, Scenario};

/// Returns the page: its text, and a row for each scenario.
pub(crate) fn write(results: &[(Scenario, Counted)]) -> String {
    let mut rows = String::new();
    for (scenario, counted) in results {
        let leases = scenario
            .lease
            .map_or("none".to_owned(), |lease| lease.to_string());
        let faults = if scenario.faults { "yes" } else { "no" };
        let each = counted.calls as f64 / counted.requests as f64;
        let _ = writeln!(
            rows,
            "| {} | {} % | {leases} | {faults} | {} | {} | {} | {} | {each:.2} |",
            scenario.replicas,
            scenario.load,
            RATE * scenario.replicas,
            counted.admitted,
            counted.over,
            scenario.bound(),
        );
    }
    include_str!("page.md").replace("{rows}", &rows)
}
