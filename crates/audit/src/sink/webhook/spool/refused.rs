//! The folder of batches that the receiver refuses. They are kept for the operator, in bounded space.

use std::io;

use super::{batch_file::StoredBatch, folder::Folder};

/// The most files in it.
const MAX_FILES: usize = 1024;

/// The folder, with what is in it.
#[derive(Debug)]
pub(super) struct RefusedBatches {
    folder: Folder,
    /// The most bytes in it.
    limit: u64,
}

impl RefusedBatches {
    /// Opens the folder, and makes it if it is missing.
    ///
    /// # Errors
    ///
    /// As [`Folder::open`].
    pub(super) fn open(spool: &Folder, limit: u64) -> io::Result<Self> {
        let folder = spool.subfolder("refused")?;
        Ok(Self { folder, limit })
    }

    /// Moves a batch into it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::StorageFull`] if there is no place, or errors of the system. The batch is where it was then.
    pub(super) fn take(&self, spool: &Folder, batch: &StoredBatch) -> io::Result<()> {
        // Listed each time: the operator empties it while the service runs.
        let (batches, _) = self.folder.list()?;
        let bytes: u64 = batches.iter().map(StoredBatch::disk_bytes).sum();
        if batches.len() >= MAX_FILES || bytes.saturating_add(batch.disk_bytes()) > self.limit {
            let problem = "the folder of refused batches is full: empty it";
            return Err(io::Error::new(io::ErrorKind::StorageFull, problem));
        }
        spool.rename(&batch.name(), &self.folder, &batch.name())?;
        self.folder.sync()?;
        spool.sync()
    }
}
