//! Reads the records of a trail back: all of them, or those that a filter admits.
//!
//! [`read_trail`] goes through the older parts and the file that is written, in the order of the
//! chain. [`follow_trail`] goes on with what is written later. It checks no hash: use [`verify_file`](crate::verify_file) for that, before a record is
//! used as evidence.
//!
//! A record is read with all its members, as text and as values: later versions may add members, and a reader of
//! this version still shows them. Memory does not grow with the trail.

mod filter;
mod follow;
mod network;
mod stored_record;
mod unreadable_part;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    vec,
};

pub use self::{
    filter::RecordFilter,
    follow::{TrailFollower, follow_trail},
    stored_record::StoredRecord,
    unreadable_part::UnreadablePart,
};
use crate::{part_reader::PartReader, trail_files};

/// The longest line that is read, as in verification. A longer one is not a record.
const MAX_LINE: u64 = 64 * 1024;

/// Opens a trail for reading: its older parts, oldest first, then the file that is written.
///
/// A server may be writing. Records that it writes after this call may be read or not.
///
/// # Errors
///
/// If the trail does not exist, or one of its files cannot be listed or opened.
///
/// # Examples
///
/// All refusals of one principal:
///
/// ```no_run
/// use palisade_audit::{RecordFilter, read_trail};
///
/// let mut filter = RecordFilter::new().principal("anna").refused();
/// for record in read_trail("audit.jsonl")? {
///     let record = record?;
///     if filter.admits(&record) {
///         println!("{} {:?}", record.time_text(), record.refusal_code());
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_trail(path: impl AsRef<Path>) -> io::Result<TrailReader> {
    let path = trail_files::resolved(path.as_ref())?;
    let (parts, live) = trail_files::listed(&path)?;
    Ok(TrailReader {
        parts: parts.into_iter(),
        live: live.map(|live| (path, live)),
        current: None,
        line: Vec::new(),
        unreadable: 0,
    })
}

/// The records of a trail, in the order of the chain. From [`read_trail`].
///
/// Lines that are no record (damaged, torn, longer than 64 KiB) are skipped and
/// [counted](Self::unreadable_lines). An item is an error if a file cannot be read, such as a damaged compressed part:
/// it [names](UnreadablePart) the file, and the iteration then goes on with the next one. Takes the memory of one line.
///
/// A part that is deleted by retention while it is read is read to its end. One that is deleted before its turn
/// is an error *not found*.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditEvent, AuditLayer, FileSink, event_id, read_trail};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// layer.record(AuditEvent::new(event_id::SERVICE_STARTED));
/// layer.handle().close_blocking()?;
///
/// let mut trail = read_trail(&path)?;
/// let kinds: Vec<_> = trail.by_ref().map(|record| Ok(record?.kind().to_owned())).collect::<Result<_, std::io::Error>>()?;
/// assert_eq!(kinds, ["opened", "event", "closed"]);
/// assert_eq!(trail.unreadable_lines(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TrailReader {
    /// Older parts that were not read yet.
    parts: vec::IntoIter<PathBuf>,
    /// The file that is written.
    live: Option<(PathBuf, File)>,
    /// The file that is read now, with its name.
    current: Option<(PathBuf, BufReader<PartReader>)>,
    /// The line that is read now.
    line: Vec<u8>,
    /// Lines that are no record.
    unreadable: u64,
}

impl TrailReader {
    /// Returns how many lines were skipped so far, because they are no record.
    ///
    /// One is usual after a power failure: the torn last line. Verification says what each of them
    /// is.
    #[must_use]
    pub fn unreadable_lines(&self) -> u64 {
        self.unreadable
    }

    /// Opens the next file. `None` after the last one.
    fn next_file(&mut self) -> Option<io::Result<(PathBuf, BufReader<PartReader>)>> {
        if let Some(part) = self.parts.next() {
            let opened = PartReader::open_named(&part);
            let opened = opened.map(|(name, reader)| (name, BufReader::new(reader)));
            return Some(opened.map_err(|error| UnreadablePart::wrap(&part, error)));
        }
        let (path, live) = self.live.take()?;
        Some(Ok((path, BufReader::new(PartReader::Plain(live)))))
    }

    /// Reads the next line into the buffer. Returns false at the end of the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let Some((_, file)) = &mut self.current else {
            return Ok(false);
        };
        let read = file
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.line)?;
        if read == 0 {
            self.current = None;
            return Ok(false);
        }
        if self.line.last() != Some(&b'\n') {
            // Torn, or too long. The rest of the line is no record either.
            file.skip_until(b'\n')?;
        }
        Ok(true)
    }
}

impl Iterator for TrailReader {
    type Item = io::Result<StoredRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read_line() {
                Ok(true) => match StoredRecord::parse(&self.line) {
                    Some(record) => return Some(Ok(record)),
                    None => self.unreadable = self.unreadable.saturating_add(1),
                },
                Ok(false) => match self.next_file()? {
                    Ok(file) => self.current = Some(file),
                    Err(error) => return Some(Err(error)),
                },
                Err(error) => {
                    let (path, _) = self.current.take()?;
                    return Some(Err(UnreadablePart::wrap(&path, error)));
                }
            }
        }
    }
}
