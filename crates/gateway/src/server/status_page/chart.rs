//! The requests of the last hour as a picture: one bar for each minute, failed and refused ones on top.
//!
//! The picture is SVG in the page, with the colors of its style. Each bar has a title, which browsers show and screen
//! readers read.

use std::fmt::Write as _;

use serde_json::Value;

/// The size in units of the picture, which is scaled to the window.
const WIDTH: u64 = 960;
const HEIGHT: u64 = 160;
/// The space for labels below.
const LABELS: u64 = 24;
/// From the bottom to the top.
const PARTS: [&str; 3] = ["answered", "refused", "failed"];

/// Draws the minutes, from the oldest to the current one.
pub(super) fn minutes<'a>(minutes: impl Iterator<Item = &'a Value>) -> String {
    let bars: Vec<[u64; 3]> = minutes
        .map(|minute| PARTS.map(|part| minute[part].as_u64().unwrap_or(0)))
        .collect();
    let sum = |bar: &[u64; 3]| {
        bar.iter()
            .fold(0, |sum: u64, part| sum.saturating_add(*part))
    };
    let highest = bars.iter().map(sum).max().unwrap_or(0);
    if highest == 0 {
        return "<p class=\"none\">No request.</p>\n".to_owned();
    }
    let count = bars.len() as u64;
    let mut picture = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Requests by minute, at most {highest}\">\n",
        HEIGHT + LABELS
    );
    for (index, bar) in (0..).zip(&bars) {
        let (left, right) = (WIDTH * index / count, WIDTH * (index + 1) / count);
        let ago = count - index - 1;
        let [answered, refused, failed] = bar;
        let _ = write!(
            picture,
            "<g><title>{ago} min ago: {answered} answered, {refused} refused, {failed} failed</title>"
        );
        let mut below = 0_u64;
        for (part, amount) in PARTS.iter().zip(bar) {
            let (from, to) = (
                scale(below, highest),
                scale(below.saturating_add(*amount), highest),
            );
            if to > from {
                let _ = write!(
                    picture,
                    "<rect class=\"{part}\" x=\"{left}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                    HEIGHT - to,
                    (right - left).saturating_sub(2).max(1),
                    to - from,
                );
            }
            below = below.saturating_add(*amount);
        }
        picture.push_str("</g>\n");
    }
    let bottom = HEIGHT + LABELS - 6;
    let _ = write!(
        picture,
        "<text x=\"0\" y=\"{bottom}\">{} min ago</text>\
         <text x=\"{WIDTH}\" y=\"{bottom}\" text-anchor=\"end\">now, at most {highest} a minute</text>\n</svg>\n",
        count.saturating_sub(1)
    );
    picture
}

/// The height of so many requests. One is always seen.
fn scale(amount: u64, highest: u64) -> u64 {
    let height = u128::from(amount) * u128::from(HEIGHT);
    let height = height.div_ceil(u128::from(highest.max(1)));
    u64::try_from(height).unwrap_or(HEIGHT).min(HEIGHT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_and_parts_do_not_overlap() {
        let rows = [
            json!({ "answered": 8, "refused": 0, "failed": 0 }),
            json!({ "answered": 2, "refused": 1, "failed": 1 }),
        ];
        let picture = minutes(rows.iter());
        for part in [
            "class=\"answered\" x=\"0\" y=\"0\" width=\"478\" height=\"160\"",
            "class=\"answered\" x=\"480\" y=\"120\" width=\"478\" height=\"40\"",
            "class=\"refused\" x=\"480\" y=\"100\" width=\"478\" height=\"20\"",
            "class=\"failed\" x=\"480\" y=\"80\" width=\"478\" height=\"20\"",
        ] {
            assert!(picture.contains(part), "{part} in {picture}");
        }
    }

    #[test]
    fn nothing_and_very_much_are_drawn() {
        assert!(minutes([json!({})].iter()).contains("No request"));
        let much = json!({ "answered": u64::MAX, "refused": u64::MAX, "failed": 1 });
        assert!(minutes([much].iter()).contains("height=\"160\""));
    }
}
