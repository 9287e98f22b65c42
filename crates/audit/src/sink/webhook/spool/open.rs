//! Opens a spool with what an earlier process left in it.

use std::{
    cmp::Reverse,
    fs::TryLockError,
    io,
    path::PathBuf,
    sync::{Condvar, Mutex},
};

use tokio::sync::Notify;

use super::{
    Spool, SpoolSettings, State,
    batch_file::{StoredBatch, marker, number_of_marker},
    folder::Folder,
    refused::RefusedBatches,
};
use crate::{error::AuditBuildError, key::AuditKey};

/// The part of the spool's limit that refused batches may take.
const REFUSED_PART: u64 = 4;

impl Spool {
    /// Opens a folder with the batches of an earlier process, and makes it if it is missing.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::Locked`] if another sink uses it.
    /// - [`AuditBuildError::Storage`] if it cannot be used, belongs to another user, or others may write in it.
    pub(in crate::sink::webhook) fn open(
        path: PathBuf,
        settings: SpoolSettings,
    ) -> Result<Self, AuditBuildError> {
        let named = path.clone();
        let storage = |error| AuditBuildError::Storage { path: named, error };
        let folder = match Folder::open(path.clone()) {
            Ok(folder) => folder,
            Err(error) => return Err(storage(error)),
        };
        match folder.lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AuditBuildError::Locked { path }),
            Err(TryLockError::Error(error)) => return Err(storage(error)),
        }
        Self::of_folder(folder, settings).map_err(storage)
    }

    /// # Errors
    ///
    /// A file in the folder cannot be listed, read or removed.
    fn of_folder(folder: Folder, settings: SpoolSettings) -> io::Result<Self> {
        let refused = RefusedBatches::open(&folder, settings.limit / REFUSED_PART)?;
        let (batches, names) = folder.list()?;
        for name in names.iter().filter(|name| is_begun(name)) {
            folder.remove(name)?;
        }
        let batches = without_left_over(&folder, settings.key.as_ref(), batches)?;
        let marked = marked(&folder, &names)?;
        let stored = batches.iter().map(|batch| batch.last).max().unwrap_or(0);
        let state = State {
            batches: batches.into(),
            next: marked.max(stored).saturating_add(1),
            marked,
            merge_bytes: settings.batch_bytes,
            ..State::default()
        };
        Ok(Self {
            folder,
            refused,
            settings,
            state: Mutex::new(state),
            changed: Condvar::new(),
            stopped: Notify::new(),
        })
    }
}

/// Returns whether a file was begun and never ended.
fn is_begun(name: &str) -> bool {
    let random = name.strip_suffix(".part");
    random.is_some_and(|it| it.len() == 16 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Sorts batches by number, and removes those within the range of another one: a merge or a split did not end.
///
/// # Errors
///
/// A file that is left over cannot be removed.
fn without_left_over(
    folder: &Folder,
    key: Option<&AuditKey>,
    mut batches: Vec<StoredBatch>,
) -> io::Result<Vec<StoredBatch>> {
    batches.sort_by_key(|batch| (batch.first, Reverse(batch.last)));
    let mut kept: Vec<StoredBatch> = Vec::new();
    for batch in batches {
        let wider = kept.last().filter(|wider| batch.last <= wider.last);
        // A file that only pretends to hold the records removes none.
        let is_left_over = wider.is_some_and(|wider| {
            let content = folder.read(&wider.name());
            content.is_ok_and(|content| wider.decode(key, &content).is_ok())
        });
        match is_left_over {
            true => folder.remove(&batch.name())?,
            false => kept.push(batch),
        }
    }
    Ok(kept)
}

/// Returns the number in the name of the marker file. Makes one if there is none.
///
/// # Errors
///
/// The marker cannot be written, or an older one not be removed.
fn marked(folder: &Folder, names: &[String]) -> io::Result<u64> {
    let numbers = names.iter().filter_map(|name| number_of_marker(name));
    if let Some(highest) = numbers.clone().max() {
        for lower in numbers.filter(|number| *number < highest) {
            folder.remove(&marker(lower))?;
        }
        return Ok(highest);
    }
    folder.touch(&marker(0))?;
    folder.sync()?;
    Ok(0)
}
