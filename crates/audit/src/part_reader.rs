//! Reads a file of a trail, also one that was compressed with zstd.
//!
//! An older part may be compressed between listing and opening: then its other name is opened. If both are there, the
//! compressed one is read if it can be read to its end: it got its name only after it was compared with the plain one,
//! and who decompresses a part by hand may leave an incomplete plain one. Otherwise the plain one is read.
//!
//! What the decoder refuses is a [damaged](is_damaged) part, and no failure of the disk. Decompression has two bounds. The window is at most 8 MiB. And each record has a hash, whose 32 bytes cannot be compressed, and at most
//! 32 KiB: so a real part grows by less than a factor of 2048, and a file that grows by more is not read further.

#[cfg(feature = "zstd")]
use std::io::{BufRead, BufReader};
use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
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
        Self::open_named(path).map(|(_, reader)| reader)
    }

    /// Opens a file as [`open`](Self::open) does, and returns the name of the one that is read.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn open_named(path: &Path) -> io::Result<(PathBuf, Self)> {
        let name = chosen(path);
        let file = trail_files::open_regular(&name)?;
        let reader = match trail_files::is_compressed(&name) {
            true => Self::decompress(file)?,
            false => Self::Plain(file),
        };
        Ok((name, reader))
    }

    /// Reads what is compressed in the file.
    ///
    /// # Errors
    ///
    /// The content is none that Zstandard can read.
    #[cfg(feature = "zstd")]
    fn decompress(file: File) -> io::Result<Self> {
        let reader = Decompressed::new(BufReader::new(file))?;
        Ok(Self::Zstd(Box::new(reader)))
    }

    /// Opens a file with compressed content, whatever its name is.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or its content is none that Zstandard can read.
    #[cfg(feature = "zstd")]
    pub(crate) fn open_compressed(path: &Path) -> io::Result<Self> {
        Self::decompress(trail_files::open_regular(path)?)
    }

    /// Refuses: without the feature `zstd`, a compressed part is an error and not skipped.
    ///
    /// # Errors
    ///
    /// Always, with the remedy.
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

/// Returns which form of an older part is read: the plain or the compressed one.
fn chosen(path: &Path) -> PathBuf {
    if trail_files::is_compressed(path) {
        return path.into();
    }
    let compressed = trail_files::compressed(path);
    let is_part = trail_files::first_of(path).is_some();
    if is_part && compressed.exists() && (!path.exists() || is_whole(&compressed)) {
        return compressed;
    }
    path.into()
}

/// Returns whether a compressed part can be read to its end.
#[cfg(feature = "zstd")]
fn is_whole(compressed: &Path) -> bool {
    let read = PartReader::open_compressed(compressed)
        .and_then(|mut reader| io::copy(&mut reader, &mut io::sink()));
    read.is_ok()
}

/// Without the feature `zstd`, only the plain part can be read.
#[cfg(not(feature = "zstd"))]
fn is_whole(_: &Path) -> bool {
    false
}

/// Returns whether an error means that a compressed part is damaged: the decoder refuses what the disk returned.
#[cfg(feature = "zstd")]
pub(crate) fn is_damaged(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<DamagedPart>())
}

/// Without the feature `zstd`, nothing is decompressed.
#[cfg(not(feature = "zstd"))]
pub(crate) fn is_damaged(_: &io::Error) -> bool {
    false
}

/// Why a compressed part cannot be decompressed.
#[cfg(feature = "zstd")]
#[derive(Debug)]
struct DamagedPart(String);

#[cfg(feature = "zstd")]
impl fmt::Display for DamagedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the compressed part is damaged: {}", self.0)
    }
}

#[cfg(feature = "zstd")]
impl std::error::Error for DamagedPart {}

/// Returns the error for a damaged part.
#[cfg(feature = "zstd")]
fn damaged(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, DamagedPart(problem.into()))
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
    /// The decoder, which counts what it reads.
    decoder: zstd::stream::read::Decoder<'static, Counted<R>>,
    /// Bytes that came out. Their ratio to the bytes read is bounded.
    produced: u64,
}

/// Counts the bytes that were read, and notes whether reading failed.
#[cfg(feature = "zstd")]
struct Counted<R> {
    /// Where the compressed bytes come from.
    reader: R,
    /// Compressed bytes that were read.
    consumed: u64,
    /// Whether the last read failed: then the disk is at fault, and not the content.
    failed: bool,
}

#[cfg(feature = "zstd")]
impl<R> Counted<R> {
    /// Notes whether a read failed, and returns its result.
    fn note<T>(failed: &mut bool, result: io::Result<T>) -> io::Result<T> {
        *failed = result.is_err();
        result
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> Decompressed<R> {
    /// Returns a reader of what is compressed in this one.
    ///
    /// # Errors
    ///
    /// There is no memory for the window.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let counted = Counted {
            reader,
            consumed: 0,
            failed: false,
        };
        let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Ok(Self {
            decoder,
            produced: 0,
        })
    }

    /// Tells what the decoder refuses from a reader that fails.
    fn explained(&self, error: io::Error) -> io::Error {
        match self.decoder.get_ref().failed {
            true => error,
            false => damaged(error.to_string()),
        }
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer);
        let read = read.map_err(|error| self.explained(error))?;
        self.produced = self.produced.saturating_add(read as u64);
        if self.produced == 0 && !buffer.is_empty() {
            return Err(damaged("it is empty"));
        }
        let most = self.decoder.get_ref().consumed.saturating_mul(MOST_GROWTH);
        if self.produced > most.saturating_add(ALLOWANCE) {
            return Err(damaged("it decompresses to more than a trail can have"));
        }
        Ok(read)
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = Self::note(&mut self.failed, self.reader.read(buffer))?;
        self.consumed = self.consumed.saturating_add(read as u64);
        Ok(read)
    }
}

#[cfg(feature = "zstd")]
impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Self::note(&mut self.failed, self.reader.fill_buf())
    }

    fn consume(&mut self, bytes: usize) {
        self.consumed = self.consumed.saturating_add(bytes as u64);
        self.reader.consume(bytes);
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
        assert!(is_damaged(&reader.read(&mut [0; 16]).unwrap_err()));
    }

    #[test]
    fn what_the_decoder_refuses_is_told_from_a_reader_that_fails() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("input/output error"))
            }
        }
        let good = zstd::encode_all(&b"a record"[..], 3).unwrap();
        let (begin, _) = good.split_at(good.len() - 4);
        let read = |reader: &mut dyn BufRead| {
            let mut all = Vec::new();
            Decompressed::new(reader)
                .unwrap()
                .read_to_end(&mut all)
                .map(|_| all)
        };
        assert_eq!(read(&mut &*good).unwrap(), b"a record");
        for damaged in [begin, b"", b"no frame at all"] {
            assert!(is_damaged(&read(&mut &*damaged).unwrap_err()));
        }
        let mut fails = BufReader::new(begin.chain(Fails));
        assert!(!is_damaged(&read(&mut fails).unwrap_err()));
    }
}
