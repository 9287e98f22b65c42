//! The number and hash of one record, to be stored elsewhere: it detects that the end was cut
//! off.
//!
//! Also reads the numbers and hexadecimal digits of lines, in one spelling only.

use std::{error, fmt, str::FromStr};

use palisade_internal::hex;

/// The number of a record and its hash, written as `NUMBER:HASH`.
///
/// An attacker who can write the trail can remove records from its end, and the rest still
/// verifies. An anchor that was stored elsewhere (in a ticket, in a log on another machine, on
/// paper) detects that: give it to [`VerifyOptions::anchor`](crate::VerifyOptions::anchor).
///
/// Anchors come from [`VerifyReport::last`](crate::VerifyReport::last) and from the log lines of
/// the writer at each rotation and at the close.
///
/// ```
/// use palisade_audit::Anchor;
///
/// let kept = format!("7:{}", "0a".repeat(32));
/// let anchor: Anchor = kept.parse()?;
/// assert_eq!(anchor.sequence(), 7);
/// assert_eq!(anchor.to_string(), kept);
/// # Ok::<(), palisade_audit::InvalidAnchor>(())
/// ```
///
/// A hash in upper case is refused:
///
/// ```
/// use palisade_audit::Anchor;
///
/// let upper = format!("7:{}", "0A".repeat(32));
/// assert!(upper.parse::<Anchor>().is_err());
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Anchor {
    /// The number of the record; 0 before the first one.
    sequence: u64,
    /// The hash of the record; all zero before the first one.
    hash: [u8; 32],
}

impl Anchor {
    /// The position before the first record of a trail.
    pub(crate) const GENESIS: Self = Self::new(0, [0; 32]);

    /// Returns the anchor of a record. The first record of a trail has the number 1.
    #[must_use]
    pub const fn new(sequence: u64, hash: [u8; 32]) -> Self {
        Self { sequence, hash }
    }

    /// Returns the number of the record; the first of a trail is 1.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the hash of the record: SHA-256, or HMAC-SHA-256 if the trail has a key.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anchor({self})")
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex::encode(&self.hash))
    }
}

impl FromStr for Anchor {
    type Err = InvalidAnchor;

    fn from_str(text: &str) -> Result<Self, InvalidAnchor> {
        let (sequence, hash) = text.trim().split_once(':').ok_or(InvalidAnchor)?;
        let hash = hex::decode(hash.as_bytes()).ok_or(InvalidAnchor)?;
        let sequence = number(sequence.as_bytes()).ok_or(InvalidAnchor)?;
        Ok(Self::new(sequence, hash))
    }
}

/// The text is not an [`Anchor`]: `NUMBER:HASH` with 64 lower case hexadecimal digits.
///
/// The number has no sign and no leading zero. Spaces around the text are ignored.
///
/// # Examples
///
/// ```
/// use palisade_audit::Anchor;
///
/// let error = "7:0a0b".parse::<Anchor>().unwrap_err();
/// assert_eq!(error.to_string(), "an anchor is NUMBER:HASH, with 64 lower case hexadecimal digits");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidAnchor;

impl fmt::Display for InvalidAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an anchor is NUMBER:HASH, with 64 lower case hexadecimal digits")
    }
}

impl error::Error for InvalidAnchor {}

/// Reads a decimal number above zero without sign, space or leading zero.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    match digits {
        [b'0', _, ..] | [] => None,
        _ if !digits.iter().all(u8::is_ascii_digit) => None,
        _ => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_of_an_anchor_are_refused() {
        let hash = "0a".repeat(32);
        assert!(format!("12:{hash}").parse::<Anchor>().is_ok());
        for wrong in [
            format!("012:{hash}"),
            format!("+12:{hash}"),
            format!("12:{}", hash.to_uppercase()),
            format!("12:{hash}0a"),
            "12:".to_owned(),
            hash,
        ] {
            assert_eq!(wrong.parse::<Anchor>(), Err(InvalidAnchor), "{wrong}");
        }
    }
}
