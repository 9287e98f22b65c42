//! Follows a trail while it is written, over rotations.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use palisade_internal::folder_watch::FolderWatch;

use super::{MAX_LINE, StoredRecord, UnreadablePart};
use crate::{part_reader::PartReader, trail_files};

/// Begins to follow a trail, with the records of its latest older part and of the file that is written.
///
/// # Errors
///
/// The trail does not exist, a file cannot be opened, or its folder cannot be watched.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditEvent, AuditLayer, FileSink, follow_trail};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// let mut trail = follow_trail(&path)?;
/// layer.record(AuditEvent::new("app.exported"));
/// loop {
///     match trail.next_record()? {
///         Some(record) if record.event_id() == Some("app.exported") => break,
///         Some(_) => {}
///         None => trail.wait()?, // sleeps until the file changes
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn follow_trail(path: impl AsRef<Path>) -> io::Result<TrailFollower> {
    let path = trail_files::resolved(path.as_ref())?;
    // Before the first file is read: no change is missed.
    let watch = FolderWatch::open(trail_files::folder(&path))?;
    let (mut parts, live) = trail_files::listed(&path)?;
    parts.drain(..parts.len().saturating_sub(1));
    Ok(TrailFollower {
        path,
        watch,
        parts: parts.into(),
        live: live.map(PartReader::Plain).map(BufReader::new),
        current: None,
        line: Vec::new(),
        skips_line: false,
        last: 0,
        repeated: 0,
        unreadable: 0,
    })
}

/// The records of a trail, also those that are written later. From [`follow_trail`].
///
/// No record is left out or returned twice when the file is rotated. Hashes are not checked.
#[derive(Debug)]
pub struct TrailFollower {
    /// The path of the file that is written.
    path: PathBuf,
    /// Tells when a file changes.
    watch: FolderWatch,
    /// Older parts that are read before the file that is written.
    parts: VecDeque<PathBuf>,
    /// The file that is written, until it is read.
    live: Option<BufReader<PartReader>>,
    /// The file that is read now.
    current: Option<Current>,
    /// What was read of the next line.
    line: Vec<u8>,
    /// Whether the rest of a line is skipped that is too long for a record.
    skips_line: bool,
    /// The number of the last record.
    last: u64,
    /// Records up to this number were returned before the file became shorter.
    repeated: u64,
    /// Lines that are no record.
    unreadable: u64,
}

/// A file that is read.
#[derive(Debug)]
struct Current {
    /// Its name.
    path: PathBuf,
    file: BufReader<PartReader>,
    /// Whether a writer may append to it.
    grows: bool,
    /// Where the next line begins.
    next: u64,
}

impl TrailFollower {
    /// Returns the next record. `None` if there is none yet: [`wait`](Self::wait) for a change then.
    ///
    /// # Errors
    ///
    /// - An [`UnreadablePart`] if an older part cannot be read, as it is damaged or was deleted before its turn. The
    ///   next call goes on with the next file.
    /// - Another error if the file that is written cannot be read. The next call tries again.
    pub fn next_record(&mut self) -> io::Result<Option<StoredRecord>> {
        loop {
            let read = self.read_line();
            if !read.map_err(|error| self.leave_part(error))? {
                if !self.go_on()? {
                    return Ok(None);
                }
                continue;
            }
            let record = StoredRecord::parse(&self.line);
            self.line.clear();
            match record {
                Some(record) => {
                    let number = record.sequence().unwrap_or(self.last);
                    if number > self.repeated {
                        self.last = number;
                        return Ok(Some(record));
                    }
                }
                None => self.unreadable = self.unreadable.saturating_add(1),
            }
        }
    }

    /// Sleeps until a file of the trail may have changed. It may return without a new record.
    ///
    /// # Errors
    ///
    /// The operating system fails.
    pub fn wait(&mut self) -> io::Result<()> {
        self.watch.wait()
    }

    /// Returns how many lines were skipped so far, because they are no record.
    #[must_use]
    pub fn unreadable_lines(&self) -> u64 {
        self.unreadable
    }

    /// Reads up to the end of the next line. Returns false if the file does not have it yet.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn read_line(&mut self) -> io::Result<bool> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        loop {
            let read = u64::try_from(self.line.len()).unwrap_or(u64::MAX);
            let space = MAX_LINE.saturating_sub(read);
            (&mut current.file)
                .take(space)
                .read_until(b'\n', &mut self.line)?;
            let whole = self.line.ends_with(b"\n");
            let length = u64::try_from(self.line.len()).unwrap_or(u64::MAX);
            let too_long = !whole && length >= MAX_LINE;
            if !whole && !too_long {
                return self.leave_line().map(|()| false);
            }
            current.next = current.next.saturating_add(length);
            if whole && !std::mem::take(&mut self.skips_line) {
                return Ok(true);
            }
            // The rest of a long line is no record either. It counts once.
            self.unreadable = self
                .unreadable
                .saturating_add(u64::from(too_long && !self.skips_line));
            self.skips_line = too_long;
            self.line.clear();
        }
    }

    /// Goes back to where the line begins whose end is not there yet: the writer may cut it off, and write another one
    /// in its place.
    ///
    /// If the file became shorter than that, goes to the end of its last whole line.
    ///
    /// # Errors
    ///
    /// The length of the file cannot be read, or its position not be changed.
    fn leave_line(&mut self) -> io::Result<()> {
        let Some(current) = self.current.as_mut().filter(|current| current.grows) else {
            return Ok(());
        };
        let file = current.file.get_ref().plain()?;
        let length = file.metadata()?.len();
        if length < current.next {
            current.next = end_of_last_line(file, length)?;
            self.repeated = self.last;
            self.skips_line = false;
        } else if self.line.is_empty() {
            return Ok(());
        }
        self.line.clear();
        current.file.seek(SeekFrom::Start(current.next)).map(drop)
    }

    /// Leaves an older part that cannot be read any further. Returns the error that names it.
    fn leave_part(&mut self, error: io::Error) -> io::Error {
        match self.current.take_if(|current| !current.grows) {
            Some(current) => self.pass_over(&current.path, error),
            None => error,
        }
    }

    /// Sees to it that a part is not listed again. Returns the error that names it.
    fn pass_over(&mut self, part: &Path, error: io::Error) -> io::Error {
        self.line.clear();
        self.skips_line = false;
        self.last = self.last.max(trail_files::first_of(part).unwrap_or(0));
        UnreadablePart::wrap(part, error)
    }

    /// At the end of a file: goes to the next one. Returns false if there is nothing to read now.
    ///
    /// # Errors
    ///
    /// A file cannot be opened, or its folder not be listed.
    fn go_on(&mut self) -> io::Result<bool> {
        let Some(current) = &mut self.current else {
            return self.open_next();
        };
        if current.grows {
            let file = current.file.get_ref().plain()?;
            if trail_files::is_at(&self.path, &file.metadata()?) {
                return Ok(false);
            }
        }
        if std::mem::take(&mut current.grows) {
            // It was renamed after its end was read: read once more, nothing is added after this.
            return Ok(true);
        }
        if !std::mem::take(&mut self.line).is_empty() {
            self.unreadable = self.unreadable.saturating_add(1);
        }
        self.skips_line = false;
        self.repeated = 0;
        self.current = None;
        self.open_next()
    }

    /// Opens the next older part or the file that is written. Returns false if there is neither now.
    ///
    /// # Errors
    ///
    /// The folder cannot be listed, or a part not be opened. A trail that does not exist yet is no
    /// error.
    fn open_next(&mut self) -> io::Result<bool> {
        if self.parts.is_empty() && self.live.is_none() {
            let (mut parts, live) = match trail_files::listed(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                listed => listed?,
            };
            let last = self.last;
            parts.retain(|part| trail_files::first_of(part).is_some_and(|first| first > last));
            self.parts = parts.into();
            self.live = live.map(PartReader::Plain).map(BufReader::new);
        }
        let (path, file, grows) = match (self.parts.pop_front(), self.live.take()) {
            (Some(part), live) => {
                self.live = live;
                match PartReader::open_named(&part) {
                    Ok((path, reader)) => (path, BufReader::new(reader), false),
                    Err(error) => return Err(self.pass_over(&part, error)),
                }
            }
            (None, Some(file)) => (self.path.clone(), file, true),
            (None, None) => return Ok(false),
        };
        self.current = Some(Current {
            path,
            file,
            grows,
            next: 0,
        });
        Ok(true)
    }
}

/// Returns where the last whole line of a file of this length ends. 0 if there is none.
///
/// # Errors
///
/// The end of the file cannot be read.
fn end_of_last_line(mut file: &File, length: u64) -> io::Result<u64> {
    let from = length.saturating_sub(MAX_LINE);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(length - from).read_to_end(&mut end)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |place| place.saturating_add(1));
    Ok(from.saturating_add(u64::try_from(whole).unwrap_or(0)))
}
