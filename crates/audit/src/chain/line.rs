//! One line, taken apart from its end, where only the writer of the trail puts bytes.

use super::anchor::{number, unhex};

pub(super) const SEQUENCE: &str = ",\"seq\":";
pub(super) const HASH: &str = ",\"hash\":\"";
pub(super) const END: &str = "\"}";
const HASH_DIGITS: usize = 64;

/// The parts of a line that the chain is about.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// What the hash covers.
    pub(crate) sealed: &'a [u8],
    pub(crate) sequence: u64,
    pub(crate) hash: [u8; 32],
}

impl<'a> Line<'a> {
    /// Takes a line (without its line feed) apart. Every spelling but the writer's own is refused.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(END.as_bytes())?;
        let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HASH_DIGITS)?)?;
        let sealed = rest.strip_suffix(HASH.as_bytes())?;
        let digits = sealed.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let (before, sequence) = sealed.split_at_checked(sealed.len() - digits.count())?;
        if !before.ends_with(SEQUENCE.as_bytes()) {
            return None;
        }
        Some(Self {
            sealed,
            sequence: number(sequence)?,
            hash: unhex(hash)?,
        })
    }
}
