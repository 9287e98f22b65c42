//! The values of Roman numerals.

/// Returns the value of a numeral up to 39 that is written as it should be.
pub(crate) fn value(numeral: &str) -> Option<u32> {
    let tens = numeral.len() - numeral.trim_start_matches('X').len();
    let ones = match numeral.get(tens..)? {
        "" => 0,
        "I" => 1,
        "II" => 2,
        "III" => 3,
        "IV" => 4,
        "V" => 5,
        "VI" => 6,
        "VII" => 7,
        "VIII" => 8,
        "IX" => 9,
        _ => return None,
    };
    let value = u32::try_from(tens).ok()? * 10 + ones;
    (tens <= 3 && value > 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_have_their_values() {
        for (numeral, expected) in [
            ("I", 1),
            ("IV", 4),
            ("IX", 9),
            ("XIV", 14),
            ("XIX", 19),
            ("XXXIX", 39),
        ] {
            assert_eq!(value(numeral), Some(expected), "{numeral}");
        }
        for text in ["", "IIII", "VX", "XXXX", "IC", "xi", "VIP"] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
