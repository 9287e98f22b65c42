//! Pictures of a group: a bar for each row, as long as its time over the floor.

use std::fmt::Write as _;

use crate::{page::whole, results::Results};

/// The groups that have a picture, and the name of its file.
const PICTURES: &[(&str, &str)] = &[
    ("layers", "benchmarks-layers.svg"),
    ("peers: limit by address", "benchmarks-limit.svg"),
    ("peers: token RS256", "benchmarks-token.svg"),
    ("stack", "benchmarks-stack.svg"),
];

const LABEL: f64 = 330.0;
const WIDTH: f64 = 860.0;
const BAR: f64 = 22.0;
const ROW: f64 = 30.0;

/// The file of a group's picture, if it has one.
pub(crate) fn file_of(group: &str) -> Option<&'static str> {
    PICTURES
        .iter()
        .find(|(name, _)| *name == group)
        .map(|(_, file)| *file)
}

/// Every picture: name of the file, and SVG.
pub(crate) fn all(results: &Results) -> Vec<(&'static str, String)> {
    let picture = |(group, file): &(&str, &'static str)| Some((*file, draw(results, group)?));
    PICTURES.iter().filter_map(picture).collect()
}

fn draw(results: &Results, group: &str) -> Option<String> {
    let rows: Vec<(&str, f64)> = results
        .groups
        .get(group)?
        .keys()
        .filter(|name| !name.starts_with("floor"))
        .filter_map(|name| Some((name.as_str(), results.over_floor(group, name)?.max(0.0))))
        .collect();
    let longest = rows.iter().map(|(_, time)| *time).fold(1.0, f64::max);
    let height = ROW * rows.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
font-size=\"14\" role=\"img\" aria-label=\"Nanoseconds over the floor: {group}\">\n\
<style>text{{fill:#333}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n"
    );
    for (index, (name, time)) in rows.iter().enumerate() {
        bar(&mut svg, index, name, *time, longest);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn bar(svg: &mut String, index: usize, name: &str, time: f64, longest: f64) {
    let top = ROW * index as f64 + 5.0;
    let middle = top + 16.0;
    let length = (time / longest * (WIDTH - LABEL - 90.0)).max(1.0);
    let colour = if name.contains("palisade") || !name.contains(':') {
        "#2b7a78"
    } else {
        "#9aa5b1"
    };
    let (edge, end) = (LABEL - 10.0, LABEL + length + 8.0);
    let name = name.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{edge}\" y=\"{middle}\" text-anchor=\"end\">{name}</text>\
<rect x=\"{LABEL}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{colour}\"/>\
<text x=\"{end:.1}\" y=\"{middle}\">{} ns</text>",
        whole(time)
    );
}
