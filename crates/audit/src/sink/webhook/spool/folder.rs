//! A folder that one sink of one process writes, for its owner alone.
//!
//! On Unix the lock is on the folder itself: nothing in it can be removed to get a second one.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use palisade_internal::{hex, private_file};

use super::batch_file::StoredBatch;

/// The longest file that is read. None is written that is longer.
const MAX_FILE: u64 = 2 * 1024 * 1024;
/// The bits of a mode that let others write.
#[cfg(unix)]
const OTHERS_WRITE: u32 = 0o022;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    /// The path, for names of files and for messages.
    path: PathBuf,
    /// The folder on Unix, a lock file in it elsewhere.
    handle: File,
}

impl Folder {
    /// Opens a folder, and makes it if it is missing.
    ///
    /// # Errors
    ///
    /// It is no folder, belongs to another user, or others may write in it.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&path) {
            Ok(()) => private_file::sync_folder(&path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let handle = open_handle(&path)?;
        check_owner(&handle)?;
        Ok(Self { path, handle })
    }

    /// Locks the folder until it is dropped.
    ///
    /// # Errors
    ///
    /// Another sink has it.
    pub(super) fn lock(&self) -> Result<(), TryLockError> {
        self.handle.try_lock()
    }

    /// Returns a folder in this one.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(super) fn subfolder(&self, name: &str) -> io::Result<Self> {
        Self::open(self.path.join(name))
    }

    /// Lists the batches in it, with the names of all its files.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub(super) fn list(&self) -> io::Result<(Vec<StoredBatch>, Vec<String>)> {
        let (mut batches, mut names) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // Not of what a link points to.
            let metadata = entry.metadata()?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if metadata.is_file() {
                let written = metadata.modified().unwrap_or(UNIX_EPOCH);
                let age = written.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                batches.extend(StoredBatch::from_name(&name, metadata.len(), age));
                names.push(name);
            }
        }
        Ok((batches, names))
    }

    /// Writes a file that is whole on the disk afterwards. Of a failed one nothing is left.
    ///
    /// Its time of change is that at which its records were stored, so that they keep their age over a restart.
    ///
    /// # Errors
    ///
    /// The folder was replaced, or errors of the system.
    pub(super) fn write(&self, name: &str, stored_at: Duration, content: &[u8]) -> io::Result<()> {
        self.check_unchanged()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
        let begun = self.path.join(format!("{}.part", hex::encode(&random)));
        let whole = self.path.join(name);
        let written = (|| {
            let mut file = private_file::create_new(&begun)?;
            file.write_all(content)?;
            // A file system without such times gives the records a younger age.
            let _ = file.set_modified(UNIX_EPOCH.checked_add(stored_at).unwrap_or(UNIX_EPOCH));
            file.sync_all()?;
            fs::rename(&begun, &whole)?;
            self.sync()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&begun);
            let _ = fs::remove_file(&whole);
        }
        written
    }

    /// Reads a file. A link is not followed.
    ///
    /// # Errors
    ///
    /// Errors of the system, and [`io::ErrorKind::FileTooLarge`].
    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            // A pipe of that name would otherwise block.
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let flags = i32::try_from(flags.bits()).unwrap_or_default();
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        }
        let file = options.open(self.path.join(name))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut content = Vec::new();
        let read = file.take(MAX_FILE + 1).read_to_end(&mut content)?;
        match u64::try_from(read) {
            Ok(..=MAX_FILE) => Ok(content),
            _ => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    /// Gives a file another name, and another folder.
    ///
    /// # Errors
    ///
    /// The folder was replaced, or errors of the system.
    pub(super) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.check_unchanged()?;
        fs::rename(self.path.join(name), to.path.join(new_name))
    }

    /// Removes a file. None of that name is no error.
    ///
    /// # Errors
    ///
    /// The folder was replaced, or errors of the system.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.check_unchanged()?;
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes an empty file.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub(super) fn touch(&self, name: &str) -> io::Result<()> {
        self.check_unchanged()?;
        let mut options = private_file::options();
        let opened = options.append(true).create(true).open(self.path.join(name));
        opened.map(drop)
    }

    /// Makes the names in it safe on the disk.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub(super) fn sync(&self) -> io::Result<()> {
        private_file::sync_folder(&self.path.join("any"))
    }

    /// Finds a folder that was moved away: what has its name now may be used by another process.
    ///
    /// # Errors
    ///
    /// The folder has another one in its place, or its name is gone.
    #[cfg(unix)]
    fn check_unchanged(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        let (open, named) = (self.handle.metadata()?, fs::metadata(&self.path)?);
        match (open.dev(), open.ino()) == (named.dev(), named.ino()) {
            true => Ok(()),
            false => Err(io::Error::other(
                "the folder was replaced; restart the service",
            )),
        }
    }

    /// Without handles of folders, a replaced folder is not noticed.
    #[cfg(not(unix))]
    fn check_unchanged(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens the folder itself: another folder under the same name is noticed.
///
/// # Errors
///
/// It cannot be opened, or is no folder.
#[cfg(unix)]
fn open_handle(path: &Path) -> io::Result<File> {
    let handle = File::open(path)?;
    match handle.metadata()?.is_dir() {
        true => Ok(handle),
        false => Err(io::Error::other("it is no folder")),
    }
}

/// A folder cannot be opened as a file here.
///
/// # Errors
///
/// The lock file in it cannot be opened or made.
#[cfg(not(unix))]
fn open_handle(path: &Path) -> io::Result<File> {
    let mut options = private_file::options();
    options.append(true).create(true).open(path.join("lock"))
}

/// Refuses a folder of another user, or one that others may write in.
///
/// # Errors
///
/// It belongs to another user, or others may write in it.
#[cfg(unix)]
fn check_owner(handle: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if private_file::others_may(handle, OTHERS_WRITE)? {
        return Err(io::Error::other("others may write in it: chmod 700 it"));
    }
    match handle.metadata()?.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(io::Error::other(
            "it belongs to another user: chown it to the user of the service",
        )),
    }
}

/// On other systems the permissions of the folder must suffice.
#[cfg(not(unix))]
fn check_owner(_: &File) -> io::Result<()> {
    Ok(())
}
