//! Compresses older parts with zstd, on a separate thread.
//!
//! A part is written anew beside the old one, synced, read back and compared. Only then it gets its name, and the plain
//! part is removed. After a crash in between both are there: the plain one counts, and is compressed again at the next
//! start.
//!
//! The thread and retention change the same files, so both hold [`PartsLock`] while they do. The thread holds it for the
//! last step only: the writer does not wait for it.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use palisade_internal::private_file;
use sha2::{Digest as _, Sha256};

use super::storage::PartsLock;
use crate::{part_reader::PartReader, trail_files};

/// The level of compression: that of the command `zstd`.
const LEVEL: i32 = 3;
/// The window: 2 MiB.
const WINDOW_LOG: u32 = 21;
/// How much is read between two looks at whether to stop.
const CHUNK: usize = 64 * 1024;

/// The thread that compresses. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Compressor {
    /// `None` once it ends.
    wake: Option<SyncSender<()>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Compressor {
    /// Starts the thread. It compresses what an earlier process left.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub(super) fn start(trail: PathBuf, lock: PartsLock) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let stopping = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            trail,
            lock,
            stopping: Arc::clone(&stopping),
            failing: false,
        };
        let thread = thread::Builder::new().name("palisade-audit-zstd".into());
        let thread = thread.spawn(move || {
            let mut worker = worker;
            worker.remove_unfinished();
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

/// The state of the thread.
struct Worker {
    trail: PathBuf,
    lock: PartsLock,
    stopping: Arc<AtomicBool>,
    /// Whether the last part could not be compressed.
    failing: bool,
}

impl Worker {
    /// Compresses all plain parts, oldest first. A part that cannot be compressed stays as it is.
    fn compress_all(&mut self) {
        let parts = trail_files::parts(&self.trail).unwrap_or_default();
        for part in parts
            .iter()
            .filter(|part| !trail_files::is_compressed(part))
        {
            let result = self.compress(part);
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            self.tell(result.err());
        }
    }

    /// Logs that compressing began to fail, or works again.
    fn tell(&mut self, problem: Option<io::Error>) {
        let failed = std::mem::replace(&mut self.failing, problem.is_some());
        match (failed, problem) {
            (false, Some(error)) => {
                let errno = error.raw_os_error();
                tracing::error!(target: "palisade::audit", %error, errno, "cannot compress an older part of the audit trail; it stays as it is");
            }
            (true, None) => {
                tracing::info!(target: "palisade::audit", "compresses older parts of the audit trail again");
            }
            _ => {}
        }
    }

    /// Removes what an earlier process did not finish.
    fn remove_unfinished(&self) {
        for file in trail_files::unfinished(&self.trail).unwrap_or_default() {
            let _ = fs::remove_file(file);
        }
    }

    fn compress(&self, part: &Path) -> io::Result<()> {
        let begun = trail_files::begun(part);
        let result = self.compress_to(part, &begun);
        if result.is_err() {
            let _ = fs::remove_file(&begun);
        }
        result
    }

    fn compress_to(&self, part: &Path, begun: &Path) -> io::Result<()> {
        let source = trail_files::open_regular(part)?;
        let before = source.metadata()?;
        match fs::remove_file(begun) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let target = private_file::create_new(begun)?;
        let written = self.write(source, &target)?;
        target.set_modified(before.modified()?)?;
        target.sync_all()?;
        let read = self.digest(PartReader::open_compressed(begun)?)?;
        if written != read {
            return Err(io::Error::other(
                "the compressed part differs from the plain one",
            ));
        }
        self.replace(part, begun, &before)
    }

    /// Compresses a file, and returns the digest of what was read.
    fn write(&self, mut source: File, target: &File) -> io::Result<[u8; 32]> {
        let mut encoder = zstd::stream::write::Encoder::new(target, LEVEL)?;
        encoder.window_log(WINDOW_LOG)?;
        encoder.include_checksum(true)?;
        let mut digest = Sha256::new();
        self.each_chunk(&mut source, |chunk| {
            digest.update(chunk);
            encoder.write_all(chunk)
        })?;
        encoder.finish()?;
        Ok(digest.finalize().into())
    }

    fn digest(&self, mut reader: impl Read) -> io::Result<[u8; 32]> {
        let mut digest = Sha256::new();
        self.each_chunk(&mut reader, |chunk| {
            digest.update(chunk);
            Ok(())
        })?;
        Ok(digest.finalize().into())
    }

    /// Reads to the end, and gives up when the sink is closed.
    fn each_chunk(
        &self,
        reader: &mut impl Read,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            if self.stopping.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match reader.read(&mut buffer)? {
                0 => return Ok(()),
                read => take(buffer.get(..read).unwrap_or_default())?,
            }
        }
    }

    /// Gives the compressed part its name, and removes the plain one, if that is still what was read.
    fn replace(&self, part: &Path, begun: &Path, before: &Metadata) -> io::Result<()> {
        let _held = self.lock.hold();
        let now = fs::metadata(part)?;
        if now.len() != before.len() || now.modified()? != before.modified()? {
            return Err(io::Error::other(
                "the part was changed while it was compressed",
            ));
        }
        fs::rename(begun, trail_files::compressed(part))?;
        private_file::sync_folder(part)?;
        fs::remove_file(part)?;
        private_file::sync_folder(part)
    }
}
