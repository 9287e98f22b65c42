//! How the watched file is read, and who is told what happens to it.

use std::{io, path::Path};

use palisade_internal::watched_file::{FileFormat, Report};

use super::{KeyFileError, KeyFileReport, document};
use crate::KeyTable;

/// A file of keys.
pub(super) struct KeyFile {
    pub(super) report: Box<dyn Fn(KeyFileReport<'_>) + Send + Sync>,
}

impl FileFormat for KeyFile {
    type Value = KeyTable;
    type Error = KeyFileError;

    fn read(&self, path: &Path, text: &str) -> Result<KeyTable, KeyFileError> {
        document::read(path, text)
    }

    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> KeyFileError {
        KeyFileError::io(path, attempt, problem)
    }

    /// When a key was used last is known to this process alone.
    fn carry_over(&self, mut table: KeyTable, before: &KeyTable) -> KeyTable {
        table.inherit(before);
        table
    }

    fn report(&self, _: &Path, report: Report<'_, KeyTable, KeyFileError>) {
        (self.report)(match report {
            Report::Expired(problem) => KeyFileReport::Expired(problem),
            Report::Kept(problem) => KeyFileReport::Kept(problem),
            Report::Loaded(table) => KeyFileReport::Loaded(table.len()),
        });
    }
}
