//! Numbers as decimal digits, without the machinery of `std::fmt`: for header fields and records, which are
//! written for each request.

/// Passes the decimal digits of a number to a function, without an allocation.
///
/// ```
/// use palisade_internal::decimal;
///
/// assert_eq!(decimal::with_digits(1207, <[u8]>::to_vec), b"1207");
/// assert_eq!(decimal::with_digits(0, <[u8]>::to_vec), b"0");
/// ```
pub fn with_digits<T>(number: u64, read: impl FnOnce(&[u8]) -> T) -> T {
    read(itoa::Buffer::new().format(number).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u64) -> String {
        with_digits(number, |digits| String::from_utf8(digits.to_vec()).unwrap())
    }

    #[test]
    fn the_smallest_and_the_largest_number_are_whole() {
        assert_eq!(text(0), "0");
        assert_eq!(text(u64::MAX), "18446744073709551615");
    }

    #[test]
    fn digits_are_those_of_display() {
        let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
        for number in powers.flat_map(|power| [power - 1, power, power + 1]) {
            assert_eq!(text(number), number.to_string());
        }
    }
}
