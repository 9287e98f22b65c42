//! The error for one file of a trail that cannot be read.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
};

/// One file of a trail cannot be read, or only its beginning: it is a damaged compressed part, was deleted in the
/// meantime, or the disk fails.
///
/// [`TrailReader`](crate::TrailReader) and [`TrailFollower`](crate::TrailFollower) return it inside of an
/// [`io::Error`], once for each such file, and then go on with the next file. [`of`](Self::of) finds it there.
///
/// # Examples
///
/// ```no_run
/// use palisade_audit::{UnreadablePart, read_trail};
///
/// for record in read_trail("audit.jsonl")? {
///     match record {
///         Ok(record) => println!("{}", record.line()),
///         Err(error) => match UnreadablePart::of(&error) {
///             Some(part) => eprintln!("{part}; the records in it are missing here"),
///             None => return Err(error),
///         },
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Other errors are not about one file, and end the reading:
///
/// ```
/// use std::io;
/// use palisade_audit::UnreadablePart;
///
/// assert!(UnreadablePart::of(&io::Error::other("the network file system is gone")).is_none());
/// ```
#[derive(Debug)]
pub struct UnreadablePart {
    /// The file that cannot be read.
    path: PathBuf,
    /// Why it cannot be read.
    error: io::Error,
}

impl UnreadablePart {
    /// Returns what is in an error. `None` if the error is not about one file of a trail.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns an error of the same kind that names the file.
    pub(crate) fn wrap(path: &Path, error: io::Error) -> io::Error {
        let path = path.into();
        io::Error::new(error.kind(), Self { path, error })
    }
}

impl fmt::Display for UnreadablePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.path.display(), self.error)
    }
}

impl error::Error for UnreadablePart {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}
