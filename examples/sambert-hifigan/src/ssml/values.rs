//! Values of attributes.

use crate::style::Style;

/// Seconds of silence that one break may ask for.
pub(super) const LONGEST_BREAK: f32 = 10.0;

/// Seconds up to which a break is a comma: the pause that models have learned for one is about as long.
const COMMA: f32 = 0.25;

/// Seconds after which the next sentence begins again although no full stop is there.
const STRONGEST: f32 = 0.8;

/// A break, as it is spoken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gap {
    /// None.
    Nothing,
    /// The end of a phrase: lengthened, no pause.
    Phrase,
    /// The pause of a comma, as the model has learned it.
    Comma,
    /// The end of a sentence.
    Sentence,
    /// The end of a sentence, and at least so many seconds at the voice's own speed.
    Long(f32),
    /// So many seconds, exactly.
    Silence(f32),
}

pub(super) const TIMES: &str = "0 to 10 seconds, such as 300ms or 1.5s";

/// Reads how long a break is.
pub(super) fn time(value: &str) -> Option<Gap> {
    let (number, unit) = match value.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (value.strip_suffix('s')?, 1.0),
    };
    let seconds = decimal(number)? * unit;
    match seconds {
        0.0 => Some(Gap::Nothing),
        ..=COMMA => Some(Gap::Comma),
        ..=LONGEST_BREAK => Some(Gap::Silence(seconds)),
        _ => None,
    }
}

pub(super) const STRENGTHS: &str = "none, x-weak, weak, medium, strong, x-strong";

/// Reads how strong a break is.
pub(super) fn strength(value: &str) -> Option<Gap> {
    Some(match value {
        "none" | "x-weak" => Gap::Nothing,
        "weak" => Gap::Phrase,
        "medium" => Gap::Comma,
        "strong" => Gap::Sentence,
        "x-strong" => Gap::Long(STRONGEST),
        _ => return None,
    })
}

/// Returns the rates that give a style a speed within its bounds.
pub(super) fn rates(base: f32) -> String {
    let (slowest, fastest) = (Style::SLOWEST / base, Style::FASTEST / base);
    format!(
        "x-slow, slow, medium, fast, x-fast, a factor such as 1.2 or 120%, a change such as +20%; \
         all in all {slowest:.2} to {fastest:.2}"
    )
}

/// Reads a rate: a factor of the style's speed; `current` is the one that a change starts from.
pub(super) fn rate(value: &str, current: f32) -> Option<f32> {
    let named = match value {
        "x-slow" => Some(0.6),
        "slow" => Some(0.8),
        "medium" | "default" => Some(1.0),
        "fast" => Some(1.25),
        "x-fast" => Some(1.6),
        _ => None,
    };
    if named.is_some() {
        return named;
    }
    let percent = |value: &str| Some(decimal(value.strip_suffix('%')?)? / 100.0);
    match (value.strip_prefix('+'), value.strip_prefix('-')) {
        (Some(more), _) => Some(current * (1.0 + percent(more)?)),
        (_, Some(less)) => Some(current * (1.0 - percent(less)?)),
        _ => percent(value).or_else(|| decimal(value)),
    }
}

/// Reads a number without sign and exponent.
pub(super) fn decimal(text: &str) -> Option<f32> {
    let plain = text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_bounded_and_short_ones_are_commas() {
        assert_eq!(time("300ms"), Some(Gap::Silence(0.3)));
        assert_eq!(time("1.5s"), Some(Gap::Silence(1.5)));
        assert_eq!(time("10s"), Some(Gap::Silence(10.0)));
        assert_eq!(time("0.25s"), Some(Gap::Comma));
        assert_eq!(time("0s"), Some(Gap::Nothing));
        for wrong in [
            "", "s", "ms", "1", "-1s", "+1s", "1e3s", "infs", "NaNs", "10001ms", "1 s", "1m",
            "１s", ".s",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rates_are_names_factors_and_changes() {
        assert_eq!(rate("slow", 1.6), Some(0.8));
        assert_eq!(rate("80%", 1.6), Some(0.8));
        assert_eq!(rate("1.2", 1.6), Some(1.2));
        assert_eq!(rate("+50%", 1.5), Some(2.25));
        assert_eq!(rate("-50%", 1.5), Some(0.75));
        for wrong in [
            "", "quick", "%", "+", "+20", "--1%", "1e2", "inf", "NaN", "1,2",
        ] {
            assert_eq!(rate(wrong, 1.0), None, "{wrong}");
        }
    }
}
