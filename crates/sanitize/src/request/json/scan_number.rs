//! Numbers of JSON: their grammar, and how many digits they may have.

use super::found::{Flaw, Value};
use super::scan::Scanner;

impl<'t> Scanner<'t, '_> {
    /// Reads a number by the grammar of RFC 8259. Its value is not needed.
    ///
    /// Leading zeros, a lone minus sign and a point without digits are refused. The value is copied, not
    /// computed, but the handler computes it: digits and exponent are limited.
    ///
    /// # Errors
    ///
    /// [`Flaw::Syntax`] for what is no number, [`Flaw::Number`] beyond the limits.
    pub(super) fn scan_number(&mut self) -> Result<Value<'t>, Flaw> {
        let start = self.at;
        self.skip_bytes(|byte| byte == b'-', 1);
        let zero = self.skip_bytes(|byte| byte == b'0', 1) == 1;
        let digits = if zero { 1 } else { self.scan_digits() };
        let mut whole = digits > 0;
        if self.skip_bytes(|byte| byte == b'.', 1) == 1 {
            whole &= self.scan_digits() > 0;
        }
        let mut exponent = 0;
        if self.skip_bytes(|byte| matches!(byte, b'e' | b'E'), 1) == 1 {
            self.skip_bytes(|byte| matches!(byte, b'+' | b'-'), 1);
            let start = self.at;
            whole &= self.scan_digits() > 0;
            exponent = self.value_of_digits(start);
        }
        let written = self.text.get(start..self.at).unwrap_or_default().bytes();
        let digits = written.filter(u8::is_ascii_digit).count();
        match whole {
            false => Err(Flaw::Syntax),
            true if digits > self.caps.digits || exponent > self.caps.exponent => Err(Flaw::Number),
            true => Ok(Value::Other),
        }
    }

    /// Returns the value of the digits from a place to the next byte. Above the limit of `usize`, that limit.
    fn value_of_digits(&self, start: usize) -> usize {
        let digits = self.text.get(start..self.at).unwrap_or_default();
        let digits = digits
            .bytes()
            .map(|digit| usize::from(digit.saturating_sub(b'0')));
        digits.fold(0, |sum, digit| sum.saturating_mul(10).saturating_add(digit))
    }

    /// Reads digits. Returns how many.
    fn scan_digits(&mut self) -> usize {
        self.skip_bytes(|byte| byte.is_ascii_digit(), usize::MAX)
    }
}
