//! The file of one batch: its name, and its content with a code that shows changes.
//!
//! A name is `<first>-<last>-<identifier>` with the numbers of the records, and the kind. The content is one line with an
//! HMAC-SHA-256 over numbers, identifier and records, and then the records, one a line.

use std::{io, time::Duration};

use hmac::{Hmac, Mac as _};
use palisade_internal::hex;
use sha2::Sha256;

use crate::key::AuditKey;

/// The most records of a batch.
pub(in crate::sink::webhook) const MAX_RECORDS: u64 = 512;
/// The digits of a number in a name. Names sort by number.
const DIGITS: usize = 20;
/// The largest number of a record.
const MAX_NUMBER: u64 = 1 << 60;
/// The length of an identifier.
const ID_DIGITS: usize = 32;
/// What the first line begins with.
const VERSION: &[u8] = b"palisade-batch/1 ";
/// The length of a code in hexadecimal digits.
const CODE_DIGITS: usize = 64;
/// The length of the first line.
pub(super) const HEADER_BYTES: u64 = 17 + 64 + 1;
/// The space that a file system gives out at once.
const BLOCK: u64 = 4096;

/// A batch in the folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::sink::webhook) struct StoredBatch {
    /// The number of its first record.
    pub(super) first: u64,
    /// The number of its last record.
    pub(super) last: u64,
    /// Random, and the same in each try.
    pub(super) random: String,
    /// Whether its records stay together: it is sent as it is.
    pub(super) sealed: bool,
    /// The bytes of the file.
    pub(super) length: u64,
    /// When it was stored, since the Unix epoch.
    pub(super) stored_at: Duration,
}

impl StoredBatch {
    /// Describes a new batch with these records.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub(super) fn new(
        (first, last): (u64, u64),
        body: &[u8],
        sealed: bool,
        stored_at: Duration,
    ) -> io::Result<Self> {
        let mut random = [0; ID_DIGITS / 2];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
        Ok(Self {
            first,
            last,
            random: hex::encode(&random),
            sealed,
            length: file_length(body),
            stored_at,
        })
    }

    /// Describes a batch with these numbers, for tests.
    #[cfg(test)]
    pub(in crate::sink::webhook) fn of_records(first: u64, last: u64) -> Self {
        Self::new((first, last), b"", true, Duration::ZERO).expect("the system has random bytes")
    }

    /// Returns how many records are in it.
    pub(in crate::sink::webhook) fn records(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// Returns whether all of its records are among those of another one: it is that one, or a part of it.
    pub(in crate::sink::webhook) fn is_part_of(&self, other: &Self) -> bool {
        other.first <= self.first && self.last <= other.last
    }

    /// Returns the identifier that a receiver gets: the numbers of the records, and a random part.
    pub(in crate::sink::webhook) fn id(&self) -> String {
        let Self { first, last, .. } = self;
        format!("{first}-{last}-{}", self.random)
    }

    /// Returns the name of the file.
    pub(super) fn name(&self) -> String {
        let Self { first, last, .. } = self;
        let kind = if self.sealed { "sending" } else { "batch" };
        format!("{first:0DIGITS$}-{last:0DIGITS$}-{}.{kind}", self.random)
    }

    /// Reads a name. `None`: it is no batch.
    pub(super) fn from_name(name: &str, length: u64, stored_at: Duration) -> Option<Self> {
        let (stem, kind) = name.split_once('.')?;
        let mut parts = stem.split('-');
        let (first, last) = (number(parts.next()?)?, number(parts.next()?)?);
        let random = parts.next()?;
        let is_random = random.len() == ID_DIGITS && random.bytes().all(is_digit);
        let is_kind = kind == "sending" || kind == "batch";
        let in_range = first <= last && last - first < MAX_RECORDS && last <= MAX_NUMBER;
        (is_random && is_kind && in_range && parts.next().is_none()).then(|| Self {
            first,
            last,
            random: random.to_owned(),
            sealed: kind == "sending",
            length,
            stored_at,
        })
    }

    /// Returns the space on the disk: whole blocks.
    pub(super) fn disk_bytes(&self) -> u64 {
        disk_bytes(self.length)
    }

    /// Writes the content.
    pub(super) fn encode(&self, key: Option<&AuditKey>, body: &[u8]) -> Vec<u8> {
        let code = match key {
            Some(key) => hex::encode(&self.mac(key, body).finalize().into_bytes()),
            None => "-".repeat(CODE_DIGITS),
        };
        [VERSION, code.as_bytes(), b"\n", body].concat()
    }

    /// Returns the records of a content.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if it was not written by a sink with this key, or was changed.
    pub(super) fn decode(&self, key: Option<&AuditKey>, content: &[u8]) -> io::Result<Vec<u8>> {
        self.checked(key, content)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| {
                let problem = "the file was changed, or has another key";
                io::Error::new(io::ErrorKind::InvalidData, problem)
            })
    }

    /// Returns the records, if their number is that of the name and the code is right.
    fn checked<'a>(&self, key: Option<&AuditKey>, content: &'a [u8]) -> Option<&'a [u8]> {
        let (code, rest) = content
            .strip_prefix(VERSION)?
            .split_at_checked(CODE_DIGITS)?;
        let body = rest.strip_prefix(b"\n")?;
        let lines = body.iter().filter(|byte| **byte == b'\n').count();
        let is_whole = body.ends_with(b"\n") && u64::try_from(lines) == Ok(self.records());
        let is_valid = match key {
            // Not compared as text: that would take longer for a longer common part.
            Some(key) => {
                let code: [u8; CODE_DIGITS / 2] = hex::decode(code)?;
                self.mac(key, body).verify_slice(&code).is_ok()
            }
            None => true,
        };
        (is_whole && is_valid).then_some(body)
    }

    /// Begins the code of a batch. Its name is hashed too, so that two files cannot be exchanged.
    fn mac(&self, key: &AuditKey, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = key.start("spooled batch");
        mac.update(self.id().as_bytes());
        mac.update(b"\n");
        mac.update(body);
        mac
    }
}

/// Returns the length of the file for these records.
pub(super) fn file_length(body: &[u8]) -> u64 {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    length.saturating_add(HEADER_BYTES)
}

/// Returns the space that a file of this length takes.
pub(super) fn disk_bytes(length: u64) -> u64 {
    length.div_ceil(BLOCK).saturating_mul(BLOCK)
}

/// Reads a number of a fixed length, as names of files have it.
fn number(text: &str) -> Option<u64> {
    let is_number = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Reads the name of the file that has the number of the last record that was sent.
pub(super) fn number_of_marker(name: &str) -> Option<u64> {
    number(name.strip_suffix(".last")?).filter(|number| *number <= MAX_NUMBER)
}

/// Returns the name of that file.
pub(super) fn marker(last: u64) -> String {
    format!("{last:0DIGITS$}.last")
}

/// Tells whether a byte is a hexadecimal digit, in lower case.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AuditKey {
        AuditKey::from_bytes(*b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8").unwrap()
    }

    #[test]
    fn a_batch_that_was_changed_is_not_read() {
        let batch = StoredBatch::new((7, 8), b"{}\n{}\n", false, Duration::ZERO).unwrap();
        let content = batch.encode(Some(&key()), b"{}\n{}\n");
        assert_eq!(content.len() as u64, batch.length);
        assert_eq!(batch.decode(Some(&key()), &content).unwrap(), b"{}\n{}\n");
        for at in 0..content.len() {
            let mut changed = content.clone();
            changed[at] ^= 1;
            assert!(batch.decode(Some(&key()), &changed).is_err(), "byte {at}");
            assert!(
                batch.decode(Some(&key()), &content[..at]).is_err(),
                "cut at {at}"
            );
        }
        let moved = StoredBatch {
            first: 8,
            last: 9,
            ..batch.clone()
        };
        assert!(
            moved.decode(Some(&key()), &content).is_err(),
            "under another number"
        );
        let renamed = StoredBatch {
            random: "0".repeat(32),
            ..batch.clone()
        };
        assert!(
            renamed.decode(Some(&key()), &content).is_err(),
            "with another identifier"
        );
        let other = AuditKey::generate().unwrap();
        assert!(batch.decode(Some(&other), &content).is_err());
        let unsigned = batch.encode(None, b"{}\n{}\n");
        assert!(batch.decode(None, &unsigned).is_ok());
        assert!(
            batch.decode(None, &unsigned[..unsigned.len() - 3]).is_err(),
            "a line is missing"
        );
        assert!(
            batch.decode(Some(&key()), &unsigned).is_err(),
            "without a code"
        );
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let batch = StoredBatch::new((7, 518), b"", true, Duration::ZERO).unwrap();
        let read = |name: &str| StoredBatch::from_name(name, HEADER_BYTES, Duration::ZERO);
        assert_eq!(read(&batch.name()), Some(batch.clone()));
        let wide = StoredBatch {
            last: 519,
            ..batch.clone()
        };
        assert_eq!(read(&wide.name()), None, "more records than a batch has");
        let high = StoredBatch {
            first: u64::MAX,
            last: u64::MAX,
            ..batch.clone()
        };
        assert_eq!(read(&high.name()), None);
        for name in ["", "lock", "x.batch", "1-2-3.batch", "-.sending"] {
            assert_eq!(read(name), None, "{name}");
        }
        assert_eq!(number_of_marker(&marker(17)), Some(17));
        assert_eq!(number_of_marker("17.last"), None);
    }
}
