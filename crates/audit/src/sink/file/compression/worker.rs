//! What the thread does with one part after the other.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use palisade_internal::{hex, private_file};
use sha2::{Digest as _, Sha256};

use crate::{
    part_reader::{PartReader, is_damaged},
    sink::file::{file_locks::PartsLock, storage},
    trail_files,
};

/// The level of compression: that of the command `zstd`.
const LEVEL: i32 = 3;
/// The window: 2 MiB.
const WINDOW_LOG: u32 = 21;
/// How much is read between two looks at whether to stop.
const CHUNK: usize = 64 * 1024;

/// The state of the thread.
pub(in crate::sink::file) struct Worker {
    /// The file that is written. Its parts are beside it.
    trail: PathBuf,
    /// Held while parts are replaced, so that no reader finds half of them.
    lock: PartsLock,
    /// Bytes that stay free on the disk.
    reserve: u64,
    /// Set when the sink is closed.
    pub(super) stopping: Arc<AtomicBool>,
    /// Whether the last round failed.
    failing: bool,
    /// Parts that are not tried again, with length and time.
    left: BTreeMap<PathBuf, (u64, SystemTime)>,
}

/// Why a part was not compressed.
pub(in crate::sink::file) enum Problem {
    /// It stays as it is, and is not tried again as long as it does not change.
    Leave(io::Error),
    /// It is tried again in the next round.
    Retry(io::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Retry(error)
    }
}

impl Worker {
    /// Returns a worker that has compressed nothing.
    pub(in crate::sink::file) fn new(trail: PathBuf, lock: PartsLock, reserve: u64) -> Self {
        Self {
            trail,
            lock,
            reserve,
            stopping: Arc::default(),
            failing: false,
            left: BTreeMap::new(),
        }
    }

    /// Compresses all plain parts, oldest first. A part that cannot be compressed stays as it is.
    pub(in crate::sink::file) fn compress_all(&mut self) {
        let result = self.compress_each();
        if !self.stopping.load(Ordering::Relaxed) {
            self.tell(result.err());
        }
    }

    /// Compresses part by part. A full disk ends the round: the next parts would find it full too.
    ///
    /// # Errors
    ///
    /// The first problem. The parts after it were compressed, unless the disk is full.
    fn compress_each(&mut self) -> io::Result<()> {
        let mut parts = trail_files::parts(&self.trail)?;
        parts.retain(|part| !trail_files::is_compressed(part));
        self.left.retain(|part, _| parts.contains(part));
        let mut first = Ok(());
        for part in parts {
            match self.compress(&part) {
                Ok(()) => {}
                Err(Problem::Leave(error)) => self.leave(part, &error),
                Err(Problem::Retry(error)) => {
                    let ends = is_full(&error) || self.stopping.load(Ordering::Relaxed);
                    first = first.and(Err(error));
                    if ends {
                        break;
                    }
                }
            }
        }
        first
    }

    /// Logs that a part is left as it is, once.
    fn leave(&mut self, part: PathBuf, error: &io::Error) {
        let errno = error.raw_os_error();
        tracing::error!(target: "palisade::audit", part = %part.display(), %error, errno, "leaves an older part of the audit trail as it is");
        if let Ok(state) = state_of(&part) {
            self.left.insert(part, state);
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

    /// Compresses one part, or removes it if that was done.
    ///
    /// # Errors
    ///
    /// The part cannot be read, its compressed form not be written, or there is too little space.
    /// The plain part stays.
    fn compress(&self, part: &Path) -> Result<(), Problem> {
        let source = match trail_files::open_regular(part) {
            // Retention deleted it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            source => source?,
        };
        let before = source.metadata()?;
        if self.left.get(part) == Some(&(before.len(), before.modified()?)) {
            return Ok(());
        }
        if self.is_done(part, &source)? {
            return self.replace(part, None, &before);
        }
        self.demand_space(&source, before.len())?;
        let begun = trail_files::begun(part, &unique()?);
        let result = self.compress_to(part, &begun, source, &before);
        if result.is_err() {
            let _ = fs::remove_file(&begun);
        }
        result
    }

    /// Returns whether the compressed part is there and equal. One that is damaged is written again.
    ///
    /// # Errors
    ///
    /// The compressed part can be read and differs, so one of both was changed: an operator has to
    /// decide.
    fn is_done(&self, part: &Path, source: &File) -> Result<bool, Problem> {
        let compressed = trail_files::compressed(part);
        let read = PartReader::open_compressed(&compressed).and_then(|it| self.digest(it));
        let there = match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) if is_damaged(&error) => return Ok(false),
            there => there?,
        };
        if there != self.digest(source)? {
            let problem = "its compressed form can be read and differs: compare both, and remove the wrong one";
            return Err(Problem::Leave(io::Error::other(problem)));
        }
        // The program that wrote it may not have synced it.
        File::open(&compressed)?.sync_all()?;
        Ok(true)
    }

    /// Refuses to take the last space of the disk. If it is not known, compressing goes on.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::StorageFull`], with how many bytes are free.
    fn demand_space(&self, source: &File, length: u64) -> io::Result<()> {
        let needed = length.saturating_add(self.reserve);
        match storage::free_bytes(source) {
            Some(free) if free < needed => {
                let problem = format!("{free} bytes are free, and {needed} must be");
                Err(io::Error::new(io::ErrorKind::StorageFull, problem))
            }
            _ => Ok(()),
        }
    }

    /// Compresses a part, reads it back, and replaces it only if nothing differs.
    ///
    /// # Errors
    ///
    /// The target cannot be written or synced, or what was read back differs.
    fn compress_to(
        &self,
        part: &Path,
        begun: &Path,
        source: File,
        before: &Metadata,
    ) -> Result<(), Problem> {
        let target = private_file::create_new(begun)?;
        let written = self.write(source, &target)?;
        keep_readers(before, &target)?;
        target.set_modified(before.modified()?)?;
        target.sync_all()?;
        let read = self.digest(PartReader::open_compressed(begun)?)?;
        if written != read {
            let problem = "the compressed part differs from the plain one";
            return Err(io::Error::other(problem).into());
        }
        self.replace(part, Some((begun, &target)), before)
    }

    /// Compresses a file, and returns the digest of what was read.
    ///
    /// # Errors
    ///
    /// Reading or writing fails, or the sink is closed meanwhile.
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

    /// Returns the SHA-256 of what a reader gives.
    ///
    /// # Errors
    ///
    /// Reading fails, or the sink is closed meanwhile.
    fn digest(&self, mut reader: impl Read) -> io::Result<[u8; 32]> {
        let mut digest = Sha256::new();
        self.each_chunk(&mut reader, |chunk| {
            digest.update(chunk);
            Ok(())
        })?;
        Ok(digest.finalize().into())
    }

    /// Reads to the end, and gives up when the sink is closed.
    ///
    /// # Errors
    ///
    /// Those of reader and function, and [`io::ErrorKind::Interrupted`] when the sink is closed.
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

    /// Gives the compressed part its name, if it was written now, and removes the plain one, if that is still what was
    /// read.
    ///
    /// # Errors
    ///
    /// A file was changed or replaced in the meantime, or the system refuses. Of a plain part that cannot be removed,
    /// [`Problem::Leave`]: it would be read again in each round.
    pub(in crate::sink::file) fn replace(
        &self,
        part: &Path,
        begun: Option<(&Path, &File)>,
        before: &Metadata,
    ) -> Result<(), Problem> {
        let _held = self.lock.hold();
        let state = match state_of(part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Retention deleted it in the meantime.
                return begun.map_or(Ok(()), |(begun, _)| Ok(fs::remove_file(begun)?));
            }
            state => state?,
        };
        if state != (before.len(), before.modified()?) {
            let problem = "the part was changed while it was compressed";
            return Err(io::Error::other(problem).into());
        }
        if let Some((begun, target)) = begun {
            if !trail_files::is_at(begun, &target.metadata()?) {
                let problem = "another process replaced the file that was compressed";
                return Err(io::Error::other(problem).into());
            }
            fs::rename(begun, trail_files::compressed(part))?;
        }
        private_file::sync_folder(part)?;
        fs::remove_file(part).map_err(Problem::Leave)?;
        Ok(private_file::sync_folder(part)?)
    }
}

/// Returns length and time of a file.
///
/// # Errors
///
/// The file is not there, or the system keeps no time of change.
fn state_of(part: &Path) -> io::Result<(u64, SystemTime)> {
    let metadata = fs::metadata(part)?;
    Ok((metadata.len(), metadata.modified()?))
}

/// Returns a random text for the name of a file.
///
/// # Errors
///
/// The system has no random bytes.
fn unique() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(&bytes))
}

/// Returns whether there is no space, for anyone or for this user.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Lets the group read the compressed part if it may read the plain one. Others may not.
///
/// # Errors
///
/// The mode cannot be changed. That the group cannot be changed is no error.
#[cfg(unix)]
fn keep_readers(plain: &Metadata, target: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if private_file::give_to_owner_of(plain, target).is_err() {
        // Another group must not read it: it stays with mode 0600.
        return Ok(());
    }
    let mode = 0o600 | plain.permissions().mode() & 0o040;
    target.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_readers(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}
