//! What a journal needs of the files that it writes.

use std::{io, path::PathBuf};

use super::checked_part::Checked;
use crate::chain::Seal;

/// The file that a journal appends to, with its older parts.
pub(super) trait Store: Send + 'static {
    /// Returns the length of the file in bytes, as this process wrote it.
    fn length(&self) -> u64;
    /// Checks whether the file still has its name and its length. Called before each write.
    fn condition(&self) -> Condition;
    /// Appends bytes. After an error some of them may be in the file: the journal then cuts it to its last good
    /// length.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything durable. After an error it is unknown what is on the disk, and a second sync may succeed
    /// without writing anything: the journal then begins a new file.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to a length in bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Renames the file and opens an empty one. Returns the new name, if there was a file.
    ///
    /// `first` is the number of its first record. A call that failed halfway can be repeated.
    fn renew(&mut self, place: RenamedTo, first: u64) -> io::Result<Option<String>>;
    /// Copies the first `length` bytes of the open file to the part that it would have become.
    ///
    /// Used if the file was deleted while it was open: the open handle still has all records.
    fn restore(&mut self, first: u64, length: u64) -> io::Result<()>;
    /// Returns the free bytes on the disk for this user. `None` if that is not known.
    fn free_bytes(&self) -> Option<u64>;
    /// Lists the older parts, oldest first.
    fn parts(&self) -> io::Result<Vec<Part>>;
    /// Checks all records of an older part under the seal of the writer, and returns the last one.
    fn check_end(&self, part: &Part, seal: &Seal) -> io::Result<Checked>;
    /// Checks the opening record of the file after an older part, and returns the record that it follows. `next` is that
    /// part; `None` is the file that is written.
    fn check_start(&self, next: Option<&Part>, seal: &Seal) -> io::Result<Checked>;
    /// Deletes an older part, and syncs the folder.
    fn delete(&mut self, part: &Part) -> io::Result<()>;
}

/// The state of the file under its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Condition {
    /// Another process cut the file or wrote to it.
    Changed,
    /// The file is as this process wrote it.
    Good,
    /// The name belongs to another file, or to none.
    Unnamed,
}

/// The new name of a file that is not written any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RenamedTo {
    /// An older part of the trail: verification reads it.
    Part,
    /// Out of the trail, with the reason in its name. Verification does not read it.
    Aside(&'static str),
}

/// An older part of the trail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    /// Its path.
    pub(super) path: PathBuf,
    /// The number of its first record, taken from its name.
    pub(super) first: u64,
    /// Its length.
    pub(super) bytes: u64,
    /// When it was last written, as time since the Unix epoch.
    pub(super) modified: std::time::Duration,
}
