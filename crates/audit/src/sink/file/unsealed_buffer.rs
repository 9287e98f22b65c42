//! Records that are not on the disk yet, one after another in one buffer.
//!
//! The journal has two: records that wait for a write, and records that wait for a sync. A record
//! that is longer than readers accept is replaced by a short record that says so.

use crate::record::{MAX_RECORD, VERSION};

/// Encoded records that are not sealed yet, each followed by a line feed.
///
/// A record never contains a line feed, so it can separate them.
#[derive(Debug, Default)]
pub(super) struct UnsealedBuffer {
    /// All unsealed records in order, each with its line feed.
    bytes: Vec<u8>,
    /// How many unsealed records there are.
    count: usize,
}

impl UnsealedBuffer {
    /// Adds one unsealed record and returns the length that it had when it was encoded.
    ///
    /// An unsealed record longer than [`MAX_RECORD`] is replaced by a record `cut`: verification would not
    /// read it.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start);
        if length > MAX_RECORD {
            self.bytes.truncate(start);
            let cut = format!("{{\"v\":{VERSION},\"type\":\"cut\",\"cut_from_bytes\":{length}");
            self.bytes.extend_from_slice(cut.as_bytes());
        }
        self.bytes.push(b'\n');
        self.count += 1;
        length
    }

    /// Returns the unsealed records in order, without their line feeds.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter_map(|record| record.strip_suffix(b"\n"))
    }

    /// Returns how many unsealed records there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Removes all unsealed records and keeps the memory for the next ones.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Moves all unsealed records of another buffer to the end of this one.
    pub(super) fn take(&mut self, other: &mut Self) {
        self.bytes.append(&mut other.bytes);
        self.count += std::mem::take(&mut other.count);
    }
}
