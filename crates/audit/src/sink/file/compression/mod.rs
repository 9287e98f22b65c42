//! Compresses older parts with zstd, on a separate thread.
//!
//! A part is written anew beside the old one, synced, read back and compared. Only then it gets its name, and the plain
//! part is removed. After a crash in between both are there, and readers take the compressed one.
//!
//! If both are there, the compressed one is read first. Only one that is equal, or damaged, is replaced: an operator may
//! have begun to decompress a part. Two that differ stay, and one log line names them.
//!
//! The thread and retention change the same files, so both hold [`PartsLock`] while they do. The thread holds it for the
//! last step: a rename, a removal and two syncs of the folder. The writer waits for that if it lists or deletes parts at
//! the same time.
//!
//! A part is compressed only while its length and the highest threshold of low space are free: the last space of the
//! disk is for the records.

pub(super) mod worker;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use self::worker::Worker;
use super::file_locks::PartsLock;

/// The thread that compresses. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Compressor {
    /// `None` once it ends.
    wake: Option<SyncSender<()>>,
    /// Set when the sink is closed. The thread looks at it after each chunk.
    stopping: Arc<AtomicBool>,
    /// Joined when the sink is closed. `None` then.
    thread: Option<JoinHandle<()>>,
}

impl Compressor {
    /// Starts the thread. It compresses what an earlier process left. `reserve` are the bytes that stay free.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub(super) fn start(trail: PathBuf, lock: PartsLock, reserve: u64) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let mut worker = Worker::new(trail, lock, reserve);
        let stopping = Arc::clone(&worker.stopping);
        let thread = thread::Builder::new().name("palisade-audit-zstd".into());
        let thread = thread.spawn(move || {
            while woken.recv().is_ok() {
                worker.compress_all();
            }
        })?;
        let _ = wake.try_send(());
        Ok(Self {
            wake: Some(wake),
            stopping,
            thread: Some(thread),
        })
    }

    /// Tells the thread that there is a new part. It never waits.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            // If it was told already, it will look.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // At most one chunk: after that, another process may open the trail.
            let _ = thread.join();
        }
    }
}
