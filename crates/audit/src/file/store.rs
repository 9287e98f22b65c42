//! The file under a journal, behind a trait so that tests can let it fail.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::names;

/// One file that only grows, and its successors.
pub(super) trait Store: Send + 'static {
    /// Returns how many bytes are in the file, all of them ours.
    fn length(&self) -> u64;
    /// Tells whether the file is still there, and nobody else wrote to it.
    fn is_ours(&self) -> bool;
    /// Adds bytes. After an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything safe. After an error nobody knows what is there.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Gives the file another name and opens an empty one. Returns the name.
    fn renew(&mut self, place: Place, first: u64) -> io::Result<String>;
}

/// Where a file goes that is not written any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Beside, as the older part that it is.
    Part,
    /// Out of the chain, with the reason in its name.
    Aside(&'static str),
}

/// A file on a disk.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: File,
    length: u64,
    /// The file has this name already, and there is no new one yet.
    moved: Option<PathBuf>,
    // Held as long as the store lives; the system lets go of it however the process ends.
    _lock: File,
}

impl Disk {
    /// Opens a file to write at its end.
    pub(super) fn open(path: PathBuf, lock: File) -> io::Result<Self> {
        let file = private().append(true).create(true).open(&path)?;
        let length = file.metadata()?.len();
        sync_folder(&path)?;
        Ok(Self {
            path,
            file,
            length,
            moved: None,
            _lock: lock,
        })
    }
}

impl Store for Disk {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_ours(&self) -> bool {
        let (Ok(named), Ok(open)) = (fs::metadata(&self.path), self.file.metadata()) else {
            return false;
        };
        same_file(&named, &open) && open.len() == self.length
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

    fn renew(&mut self, place: Place, first: u64) -> io::Result<String> {
        let to = match self.moved.take() {
            Some(done) => done,
            None => move_away(&self.path, self.free(place, first))?,
        };
        let to = self.moved.insert(to);
        self.file = private().append(true).create_new(true).open(&self.path)?;
        self.length = 0;
        sync_folder(&self.path)?;
        let named = match to.exists() {
            true => name(to),
            false => "gone".to_owned(),
        };
        self.moved = None;
        Ok(named)
    }
}

impl Disk {
    fn free(&self, place: Place, first: u64) -> PathBuf {
        let part = names::part(&self.path, first);
        match place {
            Place::Part if !part.exists() => part,
            Place::Part => names::aside(&self.path, "unsure", first),
            Place::Aside(why) => names::aside(&self.path, why, first),
        }
    }
}

/// Takes the lock that says that a trail is written. `None` if somebody else has it.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = private()
        .append(true)
        .create(true)
        .open(names::lock(path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Returns a file's name without its folder, for a record.
pub(super) fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Renames a file; one that is gone needs no other name.
pub(super) fn move_away(path: &Path, to: PathBuf) -> io::Result<PathBuf> {
    match fs::rename(path, &to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(to),
    }
}

/// Makes names safe: a new file whose folder is not synced may be gone after a power cut.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(names::folder(path))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens files for their owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len()
}
