//! Prices of tokens, and amounts of money in millionths.
//!
//! Money is counted in whole millionths of the currency, which the file does not name. A price is that of a
//! million tokens, so the price of one token is a whole number of millionths of a millionth. Sums are
//! rounded up.

use std::fmt;

use crate::pattern::Pattern;

/// Millionths of one unit of the currency.
const MILLION: u64 = 1_000_000;

/// What tokens of some models cost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PriceEntry {
    /// The models with this price.
    pub(super) models: Vec<Pattern>,
    /// What they cost.
    pub(super) price: Price,
}

/// Millionths for a million tokens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Price {
    /// A million tokens in.
    pub(super) input: u64,
    /// A million tokens out.
    pub(super) output: u64,
    /// Tokens in that are written into a cache of the upstream.
    pub(super) cache_write: u64,
}

impl Price {
    /// Returns the price of tokens in and out, in millionths, rounded up. `written` of the tokens in go into a
    /// cache.
    pub(super) fn for_tokens(self, tokens_in: u64, written: u64, tokens_out: u64) -> u64 {
        let written = written.min(tokens_in);
        let part = |price: u64, tokens: u64| u128::from(price) * u128::from(tokens);
        let sum = part(self.input, tokens_in - written)
            + part(self.cache_write, written)
            + part(self.output, tokens_out);
        u64::try_from(sum.div_ceil(MILLION.into())).unwrap_or(u64::MAX)
    }
}

/// Returns the price of so many units at a price for a million, in millionths, rounded up.
pub(super) fn for_units(price: u64, units: u64) -> u64 {
    let sum = u128::from(price) * u128::from(units);
    u64::try_from(sum.div_ceil(MILLION.into())).unwrap_or(u64::MAX)
}

/// Returns the price of so many milliseconds at a price for a minute, in millionths, rounded up.
pub(super) fn for_millis(price: u64, millis: u64) -> u64 {
    let sum = u128::from(price) * u128::from(millis);
    u64::try_from(sum.div_ceil(60_000)).unwrap_or(u64::MAX)
}

/// Reads a decimal number with at most six digits after the point: `25`, `"2.50"`. `None`: it is none.
pub(super) fn parse_millionths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 6 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<6}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(MILLION)?.checked_add(fraction)
}

/// Writes millionths as a decimal number with at least two digits after the point: `25.00`.
pub(super) struct Money(pub(super) u64);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % MILLION);
        let short = fraction.trim_end_matches('0');
        write!(f, "{}.{short:0<2}", self.0 / MILLION)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decimal_numbers_are_read_exactly() {
        for (text, expected) in [
            ("25", Some(25_000_000)),
            ("2.50", Some(2_500_000)),
            ("0.000001", Some(1)),
            ("0.1", Some(100_000)),
            ("0.0000001", None),
            ("", None),
            (".5", None),
            ("5.", None),
            ("-1", None),
            ("1e3", None),
            ("1,5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_millionths(text), expected, "{text}");
        }
        for text in ["25.00", "2.50", "0.000001", "0.10", "0.123456"] {
            assert_eq!(Money(parse_millionths(text).unwrap()).to_string(), text);
        }
    }

    #[test]
    fn a_price_is_rounded_up() {
        let price = Price {
            input: 2_500_000,
            output: 10_000_000,
            cache_write: 5_000_000,
        };
        assert_eq!(price.for_tokens(0, 0, 0), 0);
        assert_eq!(price.for_tokens(1, 0, 0), 3);
        assert_eq!(price.for_tokens(1_000_000, 0, 1_000_000), 12_500_000);
        assert_eq!(price.for_tokens(u64::MAX, 0, u64::MAX), u64::MAX);
        assert_eq!(
            price.for_tokens(1_000_000, 400_000, 0),
            1_500_000 + 2_000_000
        );
        assert_eq!(price.for_tokens(1, 9, 0), 5);
        assert_eq!(for_millis(6000, 60_000), 6000);
        assert_eq!(for_millis(6000, 1), 1);
        assert_eq!(for_millis(6000, 0), 0);
    }
}
