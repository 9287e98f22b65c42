//! What an intact trail holds.

use crate::Anchor;

/// What was found in a trail that verifies.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Records, of every type.
    pub records: u64,
    /// Requests that are recorded, whole or by their head.
    pub requests: u64,
    /// Requests whose head is recorded and whose end is not: still running, or the process was killed.
    pub unfinished: u64,
    /// Requests that the writer could not record, by its own count.
    pub lost: u64,
    /// Requests that were refused because they could not be recorded.
    pub turned_away: u64,
    /// How often the writer had to set something aside and go on.
    pub recoveries: u64,
    /// Bytes of torn lines that were set aside.
    pub torn_bytes: u64,
    /// Files.
    pub files: u64,
    /// The number of the first record: above 1 where earlier files are kept elsewhere.
    pub first: u64,
    /// The last record. Keep it outside, and cutting shows.
    pub last: Anchor,
    /// The name of the key that the trail was written with.
    pub key: Option<String>,
}

impl Default for VerifyReport {
    fn default() -> Self {
        Self {
            records: 0,
            requests: 0,
            unfinished: 0,
            lost: 0,
            turned_away: 0,
            recoveries: 0,
            torn_bytes: 0,
            files: 0,
            first: 0,
            last: Anchor::GENESIS,
            key: None,
        }
    }
}
