//! Reads a file of a trail, also one that was compressed with zstd.
//!
//! An older part may be compressed between listing and opening: then its other name is opened. Decompression has two
//! bounds. The window is at most 8 MiB. And each record has a hash, whose 32 bytes cannot be compressed, and at most
//! 32 KiB: so a real part grows by less than a factor of 2048, and a file that grows by more is not read further.

#[cfg(feature = "zstd")]
use std::io::{BufRead, BufReader};
use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::trail_files;

/// The largest window: 2^23 bytes.
#[cfg(feature = "zstd")]
const WINDOW_LOG: u32 = 23;
/// The most bytes that come out of one byte.
#[cfg(feature = "zstd")]
const MOST_GROWTH: u64 = 2048;
/// The bytes that come out in any case.
#[cfg(feature = "zstd")]
const ALLOWANCE: u64 = 1024 * 1024;

/// A file of a trail that is read.
pub(crate) enum PartReader {
    /// As it was written.
    Plain(File),
    /// Compressed.
    #[cfg(feature = "zstd")]
    Zstd(Box<Decompressed<BufReader<File>>>),
}

impl PartReader {
    /// Opens an older part, or any other file of a trail.
    ///
    /// # Errors
    ///
    /// The file is not there, is no regular file, or is compressed and this program is built without the feature `zstd`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let compressed = trail_files::compressed(path);
        match trail_files::open_regular(path) {
            Ok(file) if trail_files::is_compressed(path) => Self::decompress(file),
            Ok(file) => Ok(Self::Plain(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && compressed.exists() => {
                Self::decompress(trail_files::open_regular(&compressed)?)
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(feature = "zstd")]
    fn decompress(file: File) -> io::Result<Self> {
        let reader = Decompressed::new(BufReader::new(file))?;
        Ok(Self::Zstd(Box::new(reader)))
    }

    /// Opens a file with compressed content, whatever its name is.
    #[cfg(feature = "zstd")]
    pub(crate) fn open_compressed(path: &Path) -> io::Result<Self> {
        Self::decompress(trail_files::open_regular(path)?)
    }

    #[cfg(not(feature = "zstd"))]
    fn decompress(_: File) -> io::Result<Self> {
        let problem =
            "the part is compressed, and this program is built without the feature `zstd`";
        Err(io::Error::new(io::ErrorKind::Unsupported, problem))
    }

    /// Returns the file that is written, which is never compressed.
    ///
    /// # Errors
    ///
    /// It is compressed.
    pub(crate) fn plain(&self) -> io::Result<&File> {
        match self {
            Self::Plain(file) => Ok(file),
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            #[cfg(feature = "zstd")]
            Self::Zstd(reader) => reader.read(buffer),
        }
    }
}

/// Only the file that is written is read again from an earlier place.
impl Seek for PartReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.plain()?.seek(to)
    }
}

impl fmt::Debug for PartReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "PartReader(plain)",
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => "PartReader(zstd)",
        })
    }
}

/// What a compressed reader holds, with a bound to how much it grows.
#[cfg(feature = "zstd")]
pub(crate) struct Decompressed<R: BufRead> {
    decoder: zstd::stream::read::Decoder<'static, Counted<R>>,
    produced: u64,
}

/// Counts the bytes that were read.
#[cfg(feature = "zstd")]
struct Counted<R>(R, u64);

#[cfg(feature = "zstd")]
impl<R: BufRead> Decompressed<R> {
    /// Returns a reader of what is compressed in this one.
    ///
    /// # Errors
    ///
    /// There is no memory for the window.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(Counted(reader, 0))?;
        decoder.window_log_max(WINDOW_LOG)?;
        Ok(Self {
            decoder,
            produced: 0,
        })
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.produced = self.produced.saturating_add(read as u64);
        let consumed = self.decoder.get_ref().1;
        if self.produced
            > consumed
                .saturating_mul(MOST_GROWTH)
                .saturating_add(ALLOWANCE)
        {
            let problem = "it decompresses to more than a trail can have";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(read)
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1 = self.1.saturating_add(read as u64);
        Ok(read)
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.1 = self.1.saturating_add(bytes as u64);
        self.0.consume(bytes);
    }
}

#[cfg(all(test, feature = "zstd"))]
mod tests {
    use super::*;

    #[test]
    fn what_grows_by_more_than_a_trail_can_is_not_read_further() {
        let bomb = zstd::encode_all(io::repeat(b'a').take(256 << 20), 3).unwrap();
        assert!(bomb.len() < 64 << 10, "{}", bomb.len());
        let mut reader = Decompressed::new(&*bomb).unwrap();
        let mut read = 0;
        let mut buffer = vec![0; 64 << 10];
        let error = loop {
            match reader.read(&mut buffer) {
                Ok(length) => read += length,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(read <= (1 << 20) + bomb.len() * 2048 + buffer.len());
    }

    #[test]
    fn a_window_that_takes_much_memory_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        io::copy(&mut io::repeat(0).take(1 << 20), &mut encoder).unwrap();
        let wide = encoder.finish().unwrap();
        let mut reader = Decompressed::new(&*wide).unwrap();
        assert!(reader.read(&mut [0; 16]).is_err());
    }
}
