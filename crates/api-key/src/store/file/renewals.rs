//! Writes digests under the current pepper to the file, in a thread: requests do not wait for a disk.

use std::{
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use palisade_internal::watched_file::WatchedFile;

use super::{KeyFileError, file_format::KeyFile, toml_document};
use crate::record::DigestRenewal;

/// How many renewals may wait. Of more keys that are used at once, the rest is renewed after a restart.
const MOST_WAITING: usize = 65_536;
/// How many are written together at most.
const LARGEST_BATCH: usize = 4096;

/// The renewals that wait for the thread, which starts with the first one.
#[derive(Default)]
pub(super) struct Renewals(OnceLock<Option<SyncSender<DigestRenewal>>>);

impl Renewals {
    /// Passes a renewal to the thread, and never waits. The thread ends with the last clone of the store,
    /// after what waits is written.
    pub(super) fn queue(&self, file: &Arc<WatchedFile<KeyFile>>, renewal: DigestRenewal) {
        let sender = self.0.get_or_init(|| start_thread(file));
        if let Some(sender) = sender {
            drop(sender.try_send(renewal));
        }
    }
}

/// Starts the thread. `None` if the system gives none.
fn start_thread(file: &Arc<WatchedFile<KeyFile>>) -> Option<SyncSender<DigestRenewal>> {
    let (sender, waiting) = sync_channel(MOST_WAITING);
    let file = Arc::clone(file);
    let thread = thread::Builder::new().name("palisade-renew".to_owned());
    let started = thread.spawn(move || write_all(&file, &waiting));
    started.is_ok().then_some(sender)
}

/// Writes renewals until no more can come.
fn write_all(file: &WatchedFile<KeyFile>, waiting: &Receiver<DigestRenewal>) {
    let mut warned = false;
    while let Ok(first) = waiting.recv() {
        let others = waiting.try_iter().take(LARGEST_BATCH - 1);
        let batch: Vec<DigestRenewal> = std::iter::once(first).chain(others).collect();
        if let Err(error) = write(file, &batch)
            && !warned
        {
            warned = true;
            tracing::warn!(target: "palisade", %error, "cannot write digests under the current pepper: keep the other pepper, or let this user write the key file");
        }
    }
}

/// Writes some renewals in one change of the file.
fn write(file: &WatchedFile<KeyFile>, batch: &[DigestRenewal]) -> Result<(), KeyFileError> {
    file.update(|mut table| {
        for renewal in batch {
            table.renew_digest(renewal);
        }
        let text = toml_document::write(file.path(), &table)?;
        Ok((table, text, ()))
    })
}
