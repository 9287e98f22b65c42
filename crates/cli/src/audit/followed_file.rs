//! Lines of a file that another process appends to.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use palisade_internal::folder_watch::FolderWatch;

/// A file whose lines are read as they are written. One that is replaced is read from its beginning.
pub(super) struct FollowedFile {
    path: PathBuf,
    watch: FolderWatch,
    file: BufReader<File>,
}

impl FollowedFile {
    /// Opens a file and begins to watch its folder.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or its folder cannot be watched.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        // Before the file is read: no change is missed.
        let watch = FolderWatch::open(folder.unwrap_or(Path::new(".")))?;
        Ok(Self {
            path: path.into(),
            watch,
            file: BufReader::new(File::open(path)?),
        })
    }

    /// Appends the rest of the next line to `line`, or as much of it as `most` allows. Sleeps until there is one.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the folder not be watched any more.
    pub(super) fn read_line(&mut self, most: u64, line: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let space = most.saturating_sub(line.len() as u64);
            (&mut self.file).take(space).read_until(b'\n', line)?;
            if line.ends_with(b"\n") || line.len() as u64 >= most {
                return Ok(());
            }
            match self.replacing_file() {
                Some(file) => {
                    line.clear();
                    self.file = file;
                }
                None => self.watch.wait()?,
            }
        }
    }

    /// Returns the file that has the name now, if it is another one.
    fn replacing_file(&self) -> Option<BufReader<File>> {
        let named = File::open(&self.path).ok()?;
        let same = same_file(&named, self.file.get_ref()).unwrap_or(true);
        (!same).then(|| BufReader::new(named))
    }
}

/// Returns whether two open files are one.
///
/// # Errors
///
/// The operating system does not tell what the files are.
#[cfg(unix)]
fn same_file(one: &File, other: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(not(unix))]
fn same_file(_: &File, _: &File) -> io::Result<bool> {
    Ok(true)
}
