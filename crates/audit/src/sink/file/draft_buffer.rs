//! Records that are not on the disk yet, one after another in one buffer.
//!
//! The journal has two: records that wait for a write, and records that wait for a sync. A record that
//! is longer than readers accept is replaced by a short record that says so.

use crate::record::MAX_RECORD;

/// Bodies of records. They hold no line feed, so that is what stands between them.
#[derive(Debug, Default)]
pub(super) struct DraftBuffer {
    bytes: Vec<u8>,
    count: usize,
}

impl DraftBuffer {
    /// Adds one, and returns its length. One that is too long for readers is replaced by a record
    /// that says so: nothing may be written that verification would not read.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start);
        if length > MAX_RECORD {
            self.bytes.truncate(start);
            let cut = format!("{{\"v\":1,\"type\":\"cut\",\"cut_from_bytes\":{length}");
            self.bytes.extend_from_slice(cut.as_bytes());
        }
        self.bytes.push(b'\n');
        self.count += 1;
        length
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter_map(|draft| draft.strip_suffix(b"\n"))
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Moves all of another's to the end of these.
    pub(super) fn take(&mut self, other: &mut Self) {
        self.bytes.append(&mut other.bytes);
        self.count += std::mem::take(&mut other.count);
    }
}
