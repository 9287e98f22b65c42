//! Files that are there as a whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
};

/// A file in the making, under another name beside its own; dropped before it is finished, it vanishes.
#[derive(Debug)]
pub(crate) struct Pending {
    file: BufWriter<File>,
    made: PathBuf,
    target: PathBuf,
}

impl Pending {
    pub(crate) fn new(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        // A device would be replaced by a file of its name.
        if target.exists() && !target.is_file() {
            let problem = format!("{} exists and is not a file", target.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let made = target.with_file_name(format!(".{}.{}", name.to_string_lossy(), process::id()));
        Ok(Self {
            file: BufWriter::new(File::create_new(&made)?),
            made,
            target: target.to_owned(),
        })
    }

    /// Replaces the beginning of what was written.
    pub(crate) fn rewrite(&mut self, beginning: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(beginning)
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.made, &self.target)
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Once finished there is nothing left under this name.
        drop(fs::remove_file(&self.made));
    }
}
