//! Connects the key file to the watcher of files: how it is read, and where reports go.

use std::{io, path::Path};

use palisade_internal::watched_file::{FileFormat, Report};

use super::{KeyFileError, KeyFileReport, toml_document};
use crate::store::{KeyEvent, KeyTable};

/// The format of a watched key file.
pub(super) struct KeyFile {
    /// The function of [`FileKeyStoreBuilder::on_report`](super::FileKeyStoreBuilder::on_report).
    pub(super) report: Box<dyn Fn(KeyFileReport<'_>) + Send + Sync>,
    /// The function of [`FileKeyStoreBuilder::on_change`](super::FileKeyStoreBuilder::on_change).
    pub(super) changed: Option<Box<dyn Fn(&KeyEvent) + Send + Sync>>,
}

impl FileFormat for KeyFile {
    type Value = KeyTable;
    type Error = KeyFileError;

    fn read(&self, path: &Path, text: &str) -> Result<KeyTable, KeyFileError> {
        toml_document::read(path, text)
    }

    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> KeyFileError {
        KeyFileError::from_io(path, attempt, problem)
    }

    /// Keeps the times of last use, which only this process knows, and tells what changed.
    fn carry_over(&self, mut table: KeyTable, before: &KeyTable) -> KeyTable {
        table.inherit_last_used(before);
        if let Some(changed) = &self.changed {
            table.changes_since(before).iter().for_each(changed);
        }
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
