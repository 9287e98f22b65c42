//! Finds where an earlier process stopped, and sets aside what it did not finish.
//!
//! Called once, when the sink is opened, under the lock of the trail. An incomplete last line,
//! after a power failure, is copied to a separate file and removed. A damaged file is renamed,
//! and a new one begins. Each case is recorded as `recovered`, so that verification shows it.
//!
//! Recovery fails, and the sink does not open, if a file cannot be read or needs another key.
//!
//! | What is found | Cause in the record | What is done |
//! |---|---|---|
//! | an incomplete last line | `torn_line` | copied to `….torn.N` and cut off |
//! | a bad record | `damaged` | the file is renamed to `….damaged.N`, and a new one begins |
//! | a checkpoint of a later record | `rolled_back` | recorded, with the numbers that are missing |
//! | a checkpoint of another trail | `trail_missing` | recorded, with the name of that trail |

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use palisade_internal::{hex, private_file};

use super::{
    journal::FilePosition,
    storage::{move_away, name},
    writer_records::{Recovered, Resumed},
};
use crate::{
    chain::{Anchor, Checkpoint, Seal, merkle::Tree},
    error::AuditBuildError,
    trail_files,
    verify::{FileEnd, Finding, FindingReason, Scan, VerifyError, read_part},
};

/// The reason in the name of a damaged file.
const DAMAGED: &str = "damaged";
/// The reason in the name of a file with an incomplete line.
const TORN: &str = "torn";
/// The most older parts that are read again to prove the first checkpoint.
const MAX_PARTS_READ: usize = 3;
/// The most bytes of an incomplete line that are kept. No record is longer.
const MAX_TORN: u64 = 64 * 1024;

/// Where the writer continues.
#[derive(Debug)]
pub(super) struct Start {
    /// The last good record, and the length of the file up to it.
    pub(super) mark: FilePosition,
    /// The name of the trail: the known one, or a new random one.
    pub(super) trail: String,
    /// The tree over all records up to the last good one.
    pub(super) tree: Tree,
    /// The seal with which the trail goes on.
    pub(super) seal: Seal,
    /// How the earlier process left the file. `None` if a new file begins.
    pub(super) resumed: Option<Resumed>,
    /// What was set aside or is missing, and is not recorded yet.
    pub(super) recovered: Vec<Recovered>,
}

/// Finds the end of the trail in its file, or in the latest older part if there is no file.
///
/// `checkpoint` is the latest known one: its record must be in the trail, or it is reported as missing. Nothing
/// is deleted: what does not belong to the trail is renamed, or copied before it is cut off.
///
/// # Errors
///
/// A file cannot be read, was written with another key or by a later version, or no random name can be made for
/// a new trail.
pub(super) fn recover(
    path: &Path,
    seal: &Seal,
    checkpoint: Option<&Checkpoint>,
) -> Result<Start, AuditBuildError> {
    let mut scan = Scan::for_writer(seal, checkpoint);
    let finding = scanned(&mut scan, path)?;
    let position = scan.position().clone();
    let (last, trail, tree, latest_seal) = match end_of(&scan) {
        Some(end) => end,
        None => before(path, seal, checkpoint)?,
    };
    let tree = marked(tree, path, seal, checkpoint);
    let next = last.sequence().saturating_add(1);
    let mut recovered = untold(path, next).map_err(|error| storage(path, error))?;
    let mut here = scan.last().is_some();
    if let Some(finding) = finding {
        let gone = scan.last().map(|last| (position.first, last.sequence()));
        let what = set_aside(path, position.bytes, next, &finding, gone)
            .map_err(|error| storage(path, error))?;
        here &= what.cause != DAMAGED;
        recovered.push(what);
    }
    recovered.extend(checkpoint.and_then(|it| behind(it, last, &trail)));
    let mark = FilePosition {
        anchor: last,
        length: if here { position.bytes } else { 0 },
        first: if here {
            position.first
        } else {
            last.sequence()
        },
    };
    let resumed = Resumed {
        after_close: position.closed,
        unfinished: scan.unfinished(),
        last_record: scan.latest(),
    };
    Ok(Start {
        mark,
        trail,
        tree,
        seal: latest_seal,
        resumed: here.then_some(resumed),
        recovered,
    })
}

/// Returns what is missing according to a checkpoint. `None` if nothing is.
///
/// Three cases: the trail ends earlier (cut or rolled back), its last record has another hash than the checkpoint
/// (replaced), or the checkpoint is of another trail (deleted). An earlier checkpoint says nothing about the end;
/// verification compares those.
fn behind(checkpoint: &Checkpoint, last: Anchor, trail: &str) -> Option<Recovered> {
    let to = checkpoint.anchor.sequence();
    if checkpoint.trail != trail {
        return Some(Recovered {
            cause: "trail_missing",
            gone: Some((1, to)),
            trail: Some(checkpoint.trail.clone()),
            ..Recovered::default()
        });
    }
    let from = match to.checked_sub(last.sequence()) {
        Some(0) if checkpoint.anchor == last => return None,
        Some(0) => to,
        Some(_) => last.sequence().saturating_add(1),
        None => return None,
    };
    Some(Recovered {
        cause: "rolled_back",
        gone: Some((from, to)),
        ..Recovered::default()
    })
}

/// Scans a file and returns the first finding.
///
/// # Errors
///
/// A wrong key or version: nothing is repaired, since with the right key the file may be whole.
fn scanned(scan: &mut Scan, path: &Path) -> Result<Option<Finding>, AuditBuildError> {
    let finding = match read_part(scan, path, FileEnd::Last) {
        Ok(()) => scan.first_finding().cloned(),
        Err(VerifyError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
        Err(VerifyError::Io(error)) => return Err(storage(path, error)),
        Err(VerifyError::Unverifiable(finding)) => Some(finding),
    };
    match finding.as_ref().map(|it| it.reason) {
        Some(FindingReason::NeedsKey | FindingReason::NotKeyed | FindingReason::OtherKey) => {
            Err(AuditBuildError::OtherKey { path: path.into() })
        }
        Some(FindingReason::UnknownVersion) => {
            let error = io::Error::other("written by an unknown version");
            Err(storage(path, error))
        }
        _ => Ok(finding),
    }
}

/// The last good record of a trail, its name, its tree, and the seal with which it goes on.
type End = (Anchor, String, Tree, Seal);

/// Returns the end of what a scan has read.
fn end_of(scan: &Scan) -> Option<End> {
    let trail = scan.trail()?.to_owned();
    let tree = scan.tree()?.clone();
    Some((scan.last()?, trail, tree, scan.seal().clone()))
}

/// Returns the tree with a mark at the checkpoint, if the checkpoint is about a record of the last older parts.
///
/// The live file was read already, and has no mark then. Without one, the next checkpoint has no proof.
fn marked(tree: Tree, path: &Path, seal: &Seal, checkpoint: Option<&Checkpoint>) -> Tree {
    let (Some(checkpoint), Ok(parts), false) = (
        checkpoint,
        trail_files::parts(path),
        tree.marked().is_some(),
    ) else {
        return tree;
    };
    let after = checkpoint.anchor.sequence().saturating_add(1);
    let begins_before =
        |part: &&PathBuf| trail_files::first_of(part).is_some_and(|first| first <= after);
    let count = parts.len() - parts.iter().take_while(begins_before).count() + 1;
    if count > MAX_PARTS_READ {
        return tree;
    }
    let mut scan = Scan::for_writer(seal, Some(checkpoint)).reading_earlier();
    let read = parts
        .iter()
        .rev()
        .take(count)
        .rev()
        .map(|part| (part.as_path(), FileEnd::Part))
        .chain([(path, FileEnd::Last)]);
    for (file, end) in read {
        if read_part(&mut scan, file, end).is_err() {
            break;
        }
    }
    let whole = |it: &&Tree| (it.size(), it.root()) == (tree.size(), tree.root());
    scan.tree().filter(whole).cloned().unwrap_or(tree)
}

/// Returns the end of the trail in its latest older part, or begins a new trail.
///
/// # Errors
///
/// The parts cannot be listed or read.
fn before(
    path: &Path,
    seal: &Seal,
    checkpoint: Option<&Checkpoint>,
) -> Result<End, AuditBuildError> {
    let parts = trail_files::parts(path).map_err(|error| storage(path, error))?;
    for part in parts.iter().rev() {
        let mut scan = Scan::for_writer(seal, checkpoint).reading_earlier();
        // A bad part is left where it is: verification names it. Its good records count.
        scanned(&mut scan, part)?;
        if let Some((last, trail, tree, latest)) = end_of(&scan) {
            // Of an earlier epoch than the key in its file: the trail goes on with that one.
            let latest = match latest {
                Seal::Unknown(_) => seal.clone(),
                latest => latest,
            };
            return Ok((last, trail, tree, latest));
        }
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| AuditBuildError::NoRandomness)?;
    Ok((Anchor::GENESIS, hex::encode(&id), Tree::new(), seal.clone()))
}

/// Removes an incomplete line from the file, or renames a damaged file. Returns what is to be recorded.
///
/// # Errors
///
/// The rest of the file cannot be copied, cut off or renamed. Nothing is lost then.
fn set_aside(
    path: &Path,
    good: u64,
    record: u64,
    finding: &Finding,
    gone: Option<(u64, u64)>,
) -> io::Result<Recovered> {
    tracing::warn!(target: "palisade::audit", %finding, "sets aside what an audit file ends with");
    match finding.reason {
        FindingReason::Torn { bytes } | FindingReason::TornPart { bytes } if bytes <= MAX_TORN => {
            return cut(path, good, record);
        }
        _ => {}
    }
    let bytes = fs::metadata(path)?.len();
    let to = move_away(path, trail_files::aside(path, DAMAGED, record))?;
    private_file::sync_folder(path)?;
    Ok(Recovered {
        cause: DAMAGED,
        bytes,
        set_aside: Some(name(&to)),
        gone,
        ..Recovered::default()
    })
}

/// Finds incomplete lines that an earlier process set aside without recording it, as it was killed.
///
/// A file name counts only if it stands for the next record, and it is only mentioned: anyone who can create a
/// file can choose its name.
///
/// # Errors
///
/// The folder cannot be listed.
fn untold(path: &Path, next: u64) -> io::Result<Vec<Recovered>> {
    let aside = trail_files::all_aside(path, TORN)?.into_iter();
    let aside = aside.filter(|(record, _)| *record == next);
    aside
        .map(|(_, file)| {
            Ok(Recovered {
                cause: "torn_line",
                bytes: fs::metadata(&file)?.len(),
                set_aside: Some(name(&file)),
                ..Recovered::default()
            })
        })
        .collect()
}

/// Copies the incomplete line to a separate file, syncs the copy, and then removes the line.
///
/// If there is no space for the copy, the record has the beginning of the line: a full disk must not prevent a
/// start.
///
/// # Errors
///
/// The file cannot be read or cut.
fn cut(path: &Path, good: u64, record: u64) -> io::Result<Recovered> {
    let mut from = File::options().read(true).write(true).open(path)?;
    from.seek(SeekFrom::Start(good))?;
    let mut torn = Vec::new();
    Read::take(&mut from, MAX_TORN).read_to_end(&mut torn)?;
    let to = trail_files::aside(path, TORN, record);
    let copied = copy(&to, &torn);
    if let Err(error) = &copied {
        tracing::warn!(target: "palisade::audit", %error, "cannot copy a torn line; keeps its beginning in the trail");
    }
    from.set_len(good)?;
    from.sync_all()?;
    Ok(Recovered {
        cause: "torn_line",
        bytes: u64::try_from(torn.len()).unwrap_or(u64::MAX),
        text: copied
            .is_err()
            .then(|| String::from_utf8_lossy(&torn).into_owned()),
        set_aside: copied.is_ok().then(|| name(&to)),
        ..Recovered::default()
    })
}

/// Writes and syncs a new file with mode 0600. It is removed if that fails.
///
/// # Errors
///
/// The file cannot be written. What was begun is removed.
fn copy(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private_file::options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(to)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(to);
        return Err(error);
    }
    private_file::sync_folder(to)
}

/// Returns the error for a path.
fn storage(path: &Path, error: io::Error) -> AuditBuildError {
    AuditBuildError::Storage {
        path: path.into(),
        error,
    }
}
