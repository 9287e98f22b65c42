//! Pictures of the report, as SVG inside the page.
//!
//! Colors come from the style of the page, so that both themes fit. Each bar has a `title`, which
//! browsers show and screen readers read.
//!
//! A picture has no text: the page scales its width and not its height, and letters would become too small on a phone.
//! Labels are text of the page beside it.
//!
//! There is no chart library: bars are rectangles, and a dependency for them would bring fonts, or scripts.

use std::fmt::Write as _;

use palisade_internal::html::escape_visibly;

use super::{Latency, Timeline, html::duration};
use crate::record::timestamp::rfc3339;

/// The size of a picture in its own units. The page scales it to the width of the window and to a fixed height.
const WIDTH: u64 = 960;
const HEIGHT: u64 = 180;

/// A part of a bar: what it counts, its class in the style of the page, and how much it is.
type Part = (&'static str, &'static str, u64);

/// Draws answered and refused requests over time: one bar for each interval, refusals on top.
pub(super) fn timeline(timeline: &Timeline) -> String {
    let (start, length, intervals) = timeline.intervals();
    let bar = |(index, interval): (u64, &super::timeline::Interval)| {
        let from = start.saturating_add(length.saturating_mul(index));
        let time = rfc3339(std::time::Duration::from_secs(from));
        let label = time.get(..19).unwrap_or_default().replace('T', " ");
        let parts = [
            ("answered", "answered", interval.answered),
            ("refused", "refused", interval.refused),
        ];
        (label, parts.to_vec())
    };
    let bars: Vec<(String, Vec<Part>)> = (0..).zip(intervals).map(bar).collect();
    bars_of("Requests over time", &bars)
}

/// Draws how many requests took how long: one bar for each interval, from the shortest to the longest.
pub(super) fn latency(latency: &Latency) -> String {
    let bar = |(end, count)| {
        (
            format!("up to {}", duration(end)),
            vec![("requests", "answered", count)],
        )
    };
    let bars: Vec<(String, Vec<Part>)> = latency.intervals().map(bar).collect();
    bars_of("Requests by duration", &bars)
}

/// Draws bars side by side, each of stacked parts. Labels are below the first and the last one, the highest number above.
///
/// Positions are computed in whole units of the picture, so that bars neither overlap nor leave a gap.
fn bars_of(name: &str, bars: &[(String, Vec<Part>)]) -> String {
    let total = |parts: &[Part]| {
        parts
            .iter()
            .fold(0, |sum: u64, part| sum.saturating_add(part.2))
    };
    let highest = bars
        .iter()
        .map(|(_, parts)| total(parts))
        .max()
        .unwrap_or(0);
    let count = u64::try_from(bars.len()).unwrap_or(u64::MAX);
    if highest == 0 {
        return "<p class=none>Nothing to draw.</p>".to_owned();
    }
    let mut svg = format!(
        "<p class=\"axis most\">{highest} at most</p>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=none role=img aria-label=\"{}\">",
        escape_visibly(name)
    );
    for (index, (label, parts)) in (0..).zip(bars) {
        let (left, right) = (WIDTH * index / count, WIDTH * (index + 1) / count);
        let width = (right - left).saturating_sub(1).max(1);
        let counts: Vec<String> = parts
            .iter()
            .map(|(what, _, amount)| format!("{amount} {what}"))
            .collect();
        let _ = write!(
            svg,
            "<g><title>{}: {}</title>",
            escape_visibly(label),
            counts.join(", ")
        );
        let mut below = 0_u64;
        for (_, class, amount) in parts {
            let (from, to) = (
                height_of(below, highest),
                height_of(below + amount, highest),
            );
            below += amount;
            let _ = write!(
                svg,
                "<rect class={class} x={left} y={} width={width} height={} />",
                HEIGHT - to,
                to - from
            );
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg><p class=axis>");
    let (first, last) = (bars.first(), bars.last().filter(|_| count > 1));
    for (label, _) in first.into_iter().chain(last) {
        let _ = write!(svg, "<span>{}</span>", escape_visibly(label));
    }
    svg.push_str("</p>");
    svg
}

/// Returns the height of an amount. Any amount above 0 is at least one unit high.
fn height_of(amount: u64, highest: u64) -> u64 {
    let height = u128::from(HEIGHT - 16) * u128::from(amount) / u128::from(highest.max(1));
    u64::try_from(height)
        .unwrap_or(HEIGHT)
        .max(u64::from(amount > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_picture_and_a_small_one_is_seen() {
        assert_eq!(height_of(1000, 1000), HEIGHT - 16);
        assert_eq!(height_of(1, 1_000_000), 1);
        assert_eq!(height_of(0, 1_000_000), 0);
        assert_eq!(height_of(u64::MAX, u64::MAX), HEIGHT - 16);
    }

    #[test]
    fn a_picture_of_nothing_is_a_sentence() {
        assert!(!timeline(&Timeline::default()).contains("svg"));
    }
}
