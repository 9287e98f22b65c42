//! The picture of the simulation: calls of the store for each request, with and without leases.

use std::fmt::Write as _;

use crate::run::{Counted, Load, Scenario};

const LABEL: f64 = 330.0;
const WIDTH: f64 = 860.0;
const ROW: f64 = 30.0;

/// Draws a bar for each scenario.
pub(crate) fn draw(results: &[(Scenario, Counted)]) -> String {
    let height = ROW * results.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
font-size=\"14\" role=\"img\" aria-label=\"Calls of the store for each request\">\n\
<style>text{{fill:#333}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n"
    );
    for (index, (scenario, counted)) in results.iter().enumerate() {
        bar(&mut svg, index, scenario, counted);
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, index: usize, scenario: &Scenario, counted: &Counted) {
    let top = ROW * index as f64 + 5.0;
    let middle = top + 16.0;
    let each = counted.calls as f64 / counted.requests as f64;
    let length = (each * (WIDTH - LABEL - 120.0) / 1.2).max(1.0);
    let (leases, colour) = match scenario.lease {
        Some(_) => ("leases", "#2b7a78"),
        None => ("no leases", "#9aa5b1"),
    };
    let load = match scenario.load {
        Load::Adversary => "adversary".to_owned(),
        Load::Steady(percent) => format!("load {percent} %"),
    };
    let faults = if scenario.faults { ", faults" } else { "" };
    let (edge, end) = (LABEL - 10.0, LABEL + length + 8.0);
    let _ = writeln!(
        svg,
        "<text x=\"{edge}\" y=\"{middle}\" text-anchor=\"end\">{} replicas, {load}, {leases}{faults}</text>\
<rect x=\"{LABEL}\" y=\"{top}\" width=\"{length:.1}\" height=\"22\" rx=\"3\" fill=\"{colour}\"/>\
<text x=\"{end:.1}\" y=\"{middle}\">{each:.2} calls</text>",
        scenario.replicas,
    );
}
