//! The files of a journal: append, sync, truncate, rename, lock and delete.
//!
//! [`Store`] is a trait so that tests can make any step fail. [`Disk`] is the implementation for
//! real files. New files have mode 0600, and one process at a time holds the lock. Folders, FIFOs
//! and devices are refused before they are opened, as opening them could block. Errors are
//! returned: the journal decides what to do.

use std::{
    fs::{self, File, Metadata},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use palisade_internal::private_file;

pub(super) use super::store::{Condition, Part, RenamedTo, Store};
use super::{
    checked_part::{Checked, check_end, check_start},
    file_locks::{PartsLock, demand_regular, take_lock},
};
use crate::{
    chain::Seal,
    part_reader::{PartReader, is_damaged},
    trail_files,
};

/// A real file, with the lock of its trail.
#[derive(Debug)]
pub(super) struct Disk {
    /// The path of the file that is written.
    path: PathBuf,
    /// Open for reading and appending.
    file: File,
    /// Bytes that this process has seen or written. A different length means that another process
    /// wrote.
    length: u64,
    /// Set if the file was renamed and the new one could not be opened yet; the next call continues
    /// there.
    moved: Option<PathBuf>,
    /// Held while older parts are listed and deleted.
    parts: PartsLock,
    // Held as long as the store lives; the system lets go of it however the process ends.
    _lock: File,
}

impl Disk {
    /// Opens a file to append to, and creates it if it is missing. `None` if another process writes to it.
    ///
    /// # Errors
    ///
    /// The path is not a regular file, or others could read it and that cannot be repaired.
    pub(super) fn open(path: PathBuf, lock: File) -> io::Result<Option<Self>> {
        demand_regular(&path)?;
        let file = data_options().create(true).open(&path)?;
        if !take_lock(&file)? {
            return Ok(None);
        }
        repair_mode(&path, &file)?;
        let length = file.metadata()?.len();
        private_file::sync_folder(&path)?;
        Ok(Some(Self {
            path,
            file,
            length,
            moved: None,
            parts: PartsLock::default(),
            _lock: lock,
        }))
    }

    /// Returns what is held while older parts are changed, for the thread that compresses them.
    #[cfg(feature = "zstd")]
    pub(super) fn parts_lock(&self) -> PartsLock {
        self.parts.clone()
    }

    /// Returns the new name. An existing part is never overwritten: the file then goes aside as
    /// `unsure`.
    fn free_name(&self, place: RenamedTo, first: u64) -> PathBuf {
        let part = trail_files::part(&self.path, first);
        match place {
            RenamedTo::Part if !part.exists() && !trail_files::compressed(&part).exists() => part,
            RenamedTo::Part => trail_files::aside(&self.path, "unsure", first),
            RenamedTo::Aside(why) => trail_files::aside(&self.path, why, first),
        }
    }
}

impl Store for Disk {
    fn length(&self) -> u64 {
        self.length
    }

    fn condition(&self) -> Condition {
        let Ok(open) = self.file.metadata() else {
            return Condition::Changed;
        };
        match fs::metadata(&self.path) {
            Ok(named) if same_file(&named, &open) => match open.len() == self.length {
                true => Condition::Good,
                false => Condition::Changed,
            },
            _ => Condition::Unnamed,
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        Ok(())
    }

    fn renew(&mut self, place: RenamedTo, first: u64) -> io::Result<Option<String>> {
        let to = match self.moved.take() {
            Some(done) => done,
            None => move_away(&self.path, self.free_name(place, first))?,
        };
        let to = self.moved.insert(to);
        let file = data_options().create_new(true).open(&self.path)?;
        // No other process can have it: this one holds the lock file, and the name was free.
        take_lock(&file)?;
        self.file = file;
        self.length = 0;
        private_file::sync_folder(&self.path)?;
        let named = to.exists().then(|| name(to));
        self.moved = None;
        Ok(named)
    }

    fn restore(&mut self, first: u64, length: u64) -> io::Result<()> {
        let to = trail_files::part(&self.path, first);
        let mut copy = private_file::create_new(&to)?;
        let copied = (|| {
            self.file.seek(SeekFrom::Start(0))?;
            let bytes = io::copy(&mut (&self.file).take(length), &mut copy)?;
            if bytes < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            copy.sync_all()?;
            private_file::sync_folder(&to)
        })();
        if copied.is_err() {
            let _ = fs::remove_file(&to);
        }
        copied
    }

    fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.file)
    }

    fn parts(&self) -> io::Result<Vec<Part>> {
        let _held = self.parts.hold();
        let parts = trail_files::parts(&self.path)?;
        parts.into_iter().map(described).collect()
    }

    fn check_end(&self, part: &Part, seal: &Seal) -> io::Result<Checked> {
        opened(&part.path, |reader| check_end(seal, reader))
    }

    fn check_start(&self, next: Option<&Part>, seal: &Seal) -> io::Result<Checked> {
        let path = next.map_or(&self.path, |next| &next.path);
        opened(path, |reader| check_start(seal, reader))
    }

    fn delete(&mut self, part: &Part) -> io::Result<()> {
        let _held = self.parts.hold();
        // It may have been compressed since it was listed.
        let plain = trail_files::plain(&part.path);
        remove(&trail_files::compressed(&plain))?;
        remove(&plain)?;
        private_file::sync_folder(&self.path)
    }
}

/// Opens a file of the trail for a check.
fn opened(
    path: &Path,
    check: impl FnOnce(&mut BufReader<PartReader>) -> io::Result<Checked>,
) -> io::Result<Checked> {
    match PartReader::open(path) {
        Ok(reader) => check(&mut BufReader::with_capacity(64 * 1024, reader)),
        Err(error) if is_damaged(&error) => Ok(Checked::Damaged),
        Err(error) => Err(error),
    }
}

/// Returns an older part with its length and its time.
///
/// # Errors
///
/// The part is gone, or cannot be looked at.
fn described(path: PathBuf) -> io::Result<Part> {
    let metadata = fs::metadata(&path)?;
    let modified = metadata.modified()?;
    Ok(Part {
        first: trail_files::first_of(&path).unwrap_or(0),
        bytes: metadata.len(),
        modified: modified
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default(),
        path,
    })
}

/// Returns the free bytes for this user on the disk of a file. `None` if that is not known.
#[cfg(unix)]
pub(super) fn free_bytes(file: &File) -> Option<u64> {
    let disk = rustix::fs::fstatvfs(file).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_: &File) -> Option<u64> {
    None
}

/// Removes a file that may not be there.
///
/// # Errors
///
/// The file is there and cannot be removed.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the options of a data file: read, append, mode 0600 if it is created.
fn data_options() -> fs::OpenOptions {
    let mut options = private_file::options();
    options.read(true).append(true);
    options
}

/// Removes permissions that others have on a file, and logs a warning.
///
/// The file may come from another program. Its group keeps read access; everyone else loses all.
///
/// # Errors
///
/// The mode cannot be read or changed.
#[cfg(unix)]
fn repair_mode(path: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let repaired = mode & 0o740;
    if mode == repaired {
        return Ok(());
    }
    let done = file.set_permissions(fs::Permissions::from_mode(repaired));
    done.map_err(|error| {
        let mode = format!("its mode is {mode:o}, others may read or write it: chmod 600 it");
        io::Error::new(error.kind(), mode)
    })?;
    tracing::warn!(
        target: "palisade::audit",
        file = %path.display(),
        from = format_args!("{mode:o}"),
        to = format_args!("{repaired:o}"),
        "others could read or write the audit file; took that away"
    );
    Ok(())
}

#[cfg(not(unix))]
fn repair_mode(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Returns the name of a file without its folder, for a record.
pub(super) fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Renames a file and returns the new path. A missing file is not an error.
///
/// # Errors
///
/// The file is there and cannot be renamed.
pub(super) fn move_away(path: &Path, to: PathBuf) -> io::Result<PathBuf> {
    match fs::rename(path, &to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(to),
    }
}

/// Returns whether both are the same file: device and inode.
#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len()
}
