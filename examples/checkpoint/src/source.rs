//! Where a checkpoint's bytes come from.

use std::{
    fmt,
    fs::File,
    io::{Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use crc32fast::Hasher;

use crate::error::CheckpointError;

/// A file, or bytes in memory, read in pieces.
pub struct Source {
    stream: Box<dyn Stream>,
    length: u64,
}

trait Stream: Read + Seek {}

impl<T: Read + Seek> Stream for T {}

impl Source {
    /// Opens a file. Nothing of it is read yet.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or is a folder, a device or a pipe.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        // A device or a pipe has no length, and reading one may never end.
        if !metadata.is_file() {
            return Err("not a file".to_owned().into());
        }
        Ok(Self {
            stream: Box::new(file),
            length: metadata.len(),
        })
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Reads a piece; one that is not all there is an error before memory is used for it.
    pub(crate) fn read(&mut self, start: u64, length: u64) -> Result<Vec<u8>, String> {
        let end = start.checked_add(length);
        if end.is_none_or(|end| end > self.length) {
            return Err("the file ends before its content does".to_owned());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|error| error.to_string())?];
        let read = self.reader(start)?.read_exact(&mut bytes);
        read.map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// Returns everything from `start` on as a reader.
    pub(crate) fn reader(&mut self, start: u64) -> Result<&mut dyn Read, String> {
        let moved = self.stream.seek(SeekFrom::Start(start));
        moved.map_err(|error| error.to_string())?;
        Ok(&mut self.stream)
    }
}

impl Source {
    /// Feeds a piece to a checksum without keeping it.
    pub(crate) fn checksum(
        &mut self,
        start: u64,
        length: u64,
        sum: &mut Hasher,
    ) -> Result<(), String> {
        let mut piece = self.reader(start)?.take(length);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match piece.read(&mut buffer).map_err(|error| error.to_string())? {
                0 => return Ok(()),
                read => sum.update(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self {
            stream: Box::new(Cursor::new(bytes)),
            length,
        }
    }
}

impl From<&'static [u8]> for Source {
    fn from(bytes: &'static [u8]) -> Self {
        Self {
            stream: Box::new(Cursor::new(bytes)),
            length: bytes.len() as u64,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
