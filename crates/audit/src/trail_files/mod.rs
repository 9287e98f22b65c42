//! The names of the files of a trail, and how they are listed.
//!
//! `audit.jsonl` is the file that is written, and `audit.<first record>.jsonl` are older parts.
//! Beside them are `.lock`, `.checkpoints` and `.acknowledged`, and files that were set aside.
//! Sink and verification both use this module, so they agree on the names.
//!
//! | Name | Holds |
//! |---|---|
//! | `audit.jsonl` | the records that are written now |
//! | `audit.00000000000000001234.jsonl` | an older part; its first record has this number |
//! | `audit.00000000000000001234.jsonl.zst` | the same, compressed |
//! | `audit.00000000000000001234.jsonl.zst.….part` | the same, while it is compressed |
//! | `audit.jsonl.lock` | nothing; one process has its lock |
//! | `audit.jsonl.checkpoints` | signed numbers and hashes of records |
//! | `audit.jsonl.acknowledged` | signed acknowledgements of incidents |
//! | `audit.jsonl.torn.N`, `.damaged.N`, … | what was set aside before record N; no part of the trail |

mod compressed_names;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata},
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use self::compressed_names::COMPRESSED;
#[cfg(feature = "zstd")]
pub(crate) use self::compressed_names::begun;
pub(crate) use self::compressed_names::{compressed, is_compressed, plain, unfinished};

/// The digits of the record number in the name of a part. Names in this form sort by record.
const DIGITS: usize = 20;
/// The most files that are set aside for one reason. Later ones replace one shared file.
const MAX_ASIDE: usize = 16;

/// How often files are listed again if a writer rotates or deletes them in the meantime.
const ATTEMPTS: u32 = 20;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// Names the older part whose first record has this number.
pub(crate) fn part(path: &Path, first: u64) -> PathBuf {
    let (before, after) = around(path);
    let mut name = before;
    name.push(format!("{first:0DIGITS$}"));
    name.push(after);
    path.with_file_name(name)
}

/// Names a file for data that is set aside: `audit.jsonl.<why>.<record>`, with a counter if needed.
pub(crate) fn aside(path: &Path, why: &str, record: u64) -> PathBuf {
    let named = |suffix: &str| {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{why}.{record}{suffix}"));
        path.with_file_name(name)
    };
    if all_aside(path, why).is_ok_and(|all| all.len() >= MAX_ASIDE) {
        // Full: the latest one is replaced by each next one.
        return with_suffix(path, &format!(".{why}.latest"));
    }
    let mut free = named("");
    for count in 1_u32.. {
        if !free.exists() {
            break;
        }
        free = named(&format!("-{count}"));
    }
    free
}

/// Lists the files that were set aside for a reason, with the record number in each name.
///
/// # Errors
///
/// The folder cannot be listed.
pub(crate) fn all_aside(path: &Path, why: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut before = path.file_name().unwrap_or_default().to_os_string();
    before.push(format!(".{why}."));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(path))? {
        let name = entry?.file_name();
        if let Some(record) = number_after(&name, &before) {
            found.push((record, path.with_file_name(name)));
        }
    }
    found.sort();
    Ok(found)
}

/// Names the lock file of a trail.
pub(crate) fn lock(path: &Path) -> PathBuf {
    with_suffix(path, ".lock")
}

/// Names the default checkpoint file of a trail.
pub(crate) fn checkpoints(path: &Path) -> PathBuf {
    with_suffix(path, ".checkpoints")
}

/// Names the file with acknowledged incidents.
pub(crate) fn acknowledged(path: &Path) -> PathBuf {
    with_suffix(path, ".acknowledged")
}

/// Follows a symbolic link in place of the file: the parts of a trail are beside the file itself.
///
/// # Errors
///
/// The link leads nowhere.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::canonicalize(path),
        _ => Ok(path.into()),
    }
}

/// Appends a suffix to the name of a file.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

/// Lists the older parts, oldest first. Of one that is there both plain and compressed, only the plain one is listed;
/// [`PartReader`](crate::part_reader::PartReader) decides which of both is read.
///
/// A listing is not atomic: a part that gets its other name in the meantime may be missing in it. So the folder is
/// listed until the same record numbers appear twice.
///
/// # Errors
///
/// The folder cannot be listed.
pub(crate) fn parts(path: &Path) -> io::Result<Vec<PathBuf>> {
    same_twice(|| {
        let mut found = with_ends(path, &["", COMPRESSED])?;
        // By name: the plain one comes first.
        found.sort();
        found.dedup_by_key(|part| first_of(part));
        Ok(found)
    })
}

/// Lists until two listings in a row have the same record numbers, at most 20 times.
///
/// # Errors
///
/// The first error of a listing.
fn same_twice(mut list: impl FnMut() -> io::Result<Vec<PathBuf>>) -> io::Result<Vec<PathBuf>> {
    let numbers = |parts: &[PathBuf]| parts.iter().map(|part| first_of(part)).collect::<Vec<_>>();
    let mut before = list()?;
    for _ in 0..ATTEMPTS {
        let now = list()?;
        if numbers(&before) == numbers(&now) {
            return Ok(now);
        }
        before = now;
    }
    Ok(before)
}

/// Lists the files with the name of an older part and one of these ends.
///
/// # Errors
///
/// The folder cannot be listed.
fn with_ends(path: &Path, ends: &[&str]) -> io::Result<Vec<PathBuf>> {
    let (before, after) = around(path);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(path))? {
        let name = entry?.file_name();
        let is_one = |end: &&str| {
            let mut after = after.clone();
            after.push(end);
            is_part(name.as_encoded_bytes(), &before, &after)
        };
        if ends.iter().any(is_one) {
            found.push(path.with_file_name(name));
        }
    }
    Ok(found)
}

/// Returns the number of the first record of a part, from its name.
pub(crate) fn first_of(part: &Path) -> Option<u64> {
    let name = part.file_name()?.as_encoded_bytes();
    let mut pieces = name.rsplit(|byte| *byte == b'.');
    let digits = pieces.find(|piece| piece.len() == DIGITS && piece.iter().all(u8::is_ascii_digit));
    std::str::from_utf8(digits?).ok()?.parse().ok()
}

/// Returns the folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Opens the file that is written and lists the older parts, so that both belong together.
///
/// Between the two steps the file may have become an older part: then both are repeated. The file is opened
/// first, so that a rotation in between can only add a part, and never hide one.
///
/// # Errors
///
/// There is no trail at this path, or the folder cannot be listed.
pub(crate) fn listed(path: &Path) -> io::Result<(Vec<PathBuf>, Option<File>)> {
    for _ in 0..ATTEMPTS {
        let live = open_regular(path);
        let parts = parts(path)?;
        match live {
            Ok(live) if is_at(path, &live.metadata()?) => return Ok((parts, Some(live))),
            Ok(_) => {}
            // Between two parts: the old one is renamed, the new one not made yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !parts.is_empty() => {
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    // The writer may have been killed between renaming the old part and making the new one.
    let parts = parts(path)?;
    match (parts.is_empty(), open_regular(path)) {
        (_, Ok(live)) => Ok((parts, Some(live))),
        (false, Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok((parts, None)),
        (_, Err(error)) => Err(error),
    }
}

/// Returns whether the open file still has this name.
#[cfg(unix)]
pub(crate) fn is_at(path: &Path, open: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino()))
}

#[cfg(not(unix))]
pub(crate) fn is_at(path: &Path, _: &Metadata) -> bool {
    path.exists()
}

/// Opens a regular file for reading.
///
/// # Errors
///
/// The file cannot be opened, or is a folder, a FIFO or a device. Those are refused before they are opened:
/// opening a FIFO waits for a writer.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let regular = |metadata: Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("not a regular file")),
    };
    regular(fs::metadata(path)?)?;
    let file = File::open(path)?;
    regular(file.metadata()?)?;
    Ok(file)
}

/// Reads the record number after a prefix of a name.
fn number_after(name: &OsStr, before: &OsStr) -> Option<u64> {
    let rest = name
        .as_encoded_bytes()
        .strip_prefix(before.as_encoded_bytes())?;
    let digits = rest.split(|byte| *byte == b'-').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Returns whether a name is that of an older part: 20 digits between prefix and extension.
fn is_part(name: &[u8], before: &OsStr, after: &OsStr) -> bool {
    let middle = name
        .strip_prefix(before.as_encoded_bytes())
        .and_then(|rest| rest.strip_suffix(after.as_encoded_bytes()));
    middle.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_digit))
}

/// Splits a file name into what is before and after the record number of a part.
fn around(path: &Path) -> (OsString, OsString) {
    let mut before = path.file_stem().unwrap_or_default().to_os_string();
    before.push(".");
    let mut after = OsString::new();
    if let Some(extension) = path.extension() {
        after.push(".");
        after.push(extension);
    }
    (before, after)
}

/// Reads the next line with its line end, or the next `most` bytes of a longer one. Returns false at
/// the end of the file.
///
/// # Errors
///
/// Those of the reader.
pub(crate) fn read_line(
    reader: &mut impl BufRead,
    most: u64,
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    line.clear();
    let read = reader.by_ref().take(most).read_until(b'\n', line)?;
    Ok(read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_so_that_their_order_is_that_of_their_names() {
        let path = Path::new("log/audit.jsonl");
        assert_eq!(
            part(path, 42),
            Path::new("log/audit.00000000000000000042.jsonl")
        );
        assert!(part(path, 9) < part(path, 10));
        assert_eq!(
            part(Path::new("trail"), 1),
            Path::new("trail.00000000000000000001")
        );
    }

    #[test]
    fn only_parts_of_this_trail_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for name in [
            "audit.jsonl",
            "audit.12.jsonl",
            "other.00000000000000000001.jsonl",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let (one, ten) = (part(&path, 1), part(&path, 10));
        fs::write(&ten, "").unwrap();
        fs::write(&one, "").unwrap();
        assert_eq!(parts(&path).unwrap(), [one, ten]);
    }

    #[test]
    fn a_listing_that_missed_a_part_is_repeated() {
        let path = Path::new("audit.jsonl");
        let (one, two) = (part(path, 1), part(path, 2));
        // The second part gets its other name while the folder is read: it is in neither place.
        let all = [one.clone(), compressed(&two)];
        let mut listings = [vec![one.clone()], vec![one, two], all.to_vec()].into_iter();
        let found = same_twice(|| Ok(listings.next().unwrap())).unwrap();
        assert_eq!(found, all);
    }

    #[test]
    fn files_that_are_set_aside_are_bounded_in_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for record in 0..1000 {
            fs::write(aside(&path, "sync_failed", record), "").unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MAX_ASIDE + 1);
    }

    #[test]
    fn nothing_is_set_aside_over_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let first = aside(&path, "torn", 7);
        fs::write(&first, "").unwrap();
        let second = aside(&path, "torn", 7);
        assert_ne!(first, second);
        assert!(second.ends_with("audit.jsonl.torn.7-1"));
        fs::write(&second, "").unwrap();
        let found = all_aside(&path, "torn").unwrap();
        assert_eq!(found, [(7, first), (7, second)]);
        assert_eq!(all_aside(&path, "damaged").unwrap(), []);
    }
}
