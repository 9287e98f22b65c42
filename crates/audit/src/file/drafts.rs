//! Records that are not safe yet, one after the other in one buffer.

/// Bodies of records. They hold no line feed, so that is what stands between them.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    bytes: Vec<u8>,
    count: usize,
}

impl Drafts {
    /// Adds one.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.bytes.push(b'\n');
        self.count += 1;
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
