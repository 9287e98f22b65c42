//! Reads a trail from its files: the older parts, oldest first, then the file that is written.
//!
//! A writer may rotate or delete files at the same time. The files are then listed again, at most
//! 20 times with a pause of 5 milliseconds.

use std::{
    io::{self, BufReader},
    path::Path,
    thread,
    time::Duration,
};

use super::{
    VerifyError, VerifyOptions, VerifyReport, acknowledge,
    scan::{FileEnd, Scan},
};
use crate::{part_reader::PartReader, trail_files};

/// How often files are listed again if a writer rotates or deletes them in the meantime.
const ATTEMPTS: u32 = 20;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// Verifies the trail at `path`, with the older parts, checkpoints and acknowledgements beside it.
///
/// A writer may be running: files that are rotated or deleted meanwhile are listed again, and a
/// last line that is not whole is read again. A compressed part that is damaged is a finding, and the files after it
/// are verified too. Reading is linear, with a bounded buffer for each
/// line; at most 1000 findings are kept.
///
/// # Errors
///
/// - [`VerifyError::Unverifiable`] if the trail was written with another key or by another version.
/// - [`VerifyError::Io`] if a file does not exist or cannot be read.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLayer, FileSink, VerifyOptions, verify_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// layer.handle().close_blocking()?;
/// assert!(verify_file(&path, &VerifyOptions::new())?.is_intact());
///
/// // One changed byte is found, with its place.
/// let text = std::fs::read_to_string(&path)?.replacen("opened", "0pened", 1);
/// std::fs::write(&path, text)?;
/// let report = verify_file(&path, &VerifyOptions::new())?;
/// assert!(!report.is_intact());
/// println!("{}", report.findings[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_file(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
) -> Result<VerifyReport, VerifyError> {
    let path = trail_files::resolved(path.as_ref())?;
    for _ in 0..ATTEMPTS {
        if let Some(report) = verify_once(&path, options)? {
            return Ok(report);
        }
        thread::sleep(PAUSE);
    }
    let problem = "files of the trail disappear while it is read";
    Err(io::Error::new(io::ErrorKind::NotFound, problem).into())
}

/// Verifies the files as they are listed. `None` if one was deleted after it was listed.
///
/// # Errors
///
/// A file cannot be read, or the key does not belong to the trail.
fn verify_once(path: &Path, options: &VerifyOptions) -> Result<Option<VerifyReport>, VerifyError> {
    // Checkpoints first: records that they are about are in the files already.
    let mut expected = options.expected();
    let checkpoints = options.checkpoint_file(path);
    expected.read(&checkpoints, &options.checkpoint_verifier())?;
    let summary = expected.summary.clone();
    let (parts, live) = trail_files::listed(path)?;
    let mut scan = options.scan(expected);
    for part in &parts {
        match read_part(&mut scan, part, FileEnd::Part) {
            Err(VerifyError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            read => read?,
        }
    }
    if let Some(live) = live {
        let mut reader = BufReader::with_capacity(64 * 1024, live);
        scan.file(&mut reader, Some(path), FileEnd::Live)?;
    }
    let mut report = scan.finish();
    report.checkpoints = summary;
    acknowledge::apply(path, options.key.as_ref(), &mut report)?;
    Ok(Some(report))
}

/// Lets a scan read one file, with a buffer of 64 KiB.
///
/// # Errors
///
/// The file cannot be read, is no regular file, or is compressed and the feature `zstd` is not there. The error names
/// the file.
pub(crate) fn read_part(scan: &mut Scan, name: &Path, tail: FileEnd) -> Result<(), VerifyError> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", name.display()));
    let (name, file) = PartReader::open_named(name).map_err(named)?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    match scan.file(&mut reader, Some(&name), tail) {
        Err(VerifyError::Io(error)) => Err(named(error).into()),
        read => read,
    }
}
