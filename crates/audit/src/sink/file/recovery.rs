//! Finds where an earlier process stopped, and sets aside what it did not finish.
//!
//! Called once, by `open`, under the lock of the trail. A line that was cut by a power failure is
//! copied to a separate file and removed. A damaged file is renamed, and a new one begins. Either is a
//! record `recovered`, so that verification shows it.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use palisade_internal::private_file;

use super::{
    journal::FilePosition,
    storage::{move_away, name},
    writer_records::{Recovered, Resumed},
};
use crate::{
    chain::{Anchor, Checkpoint},
    error::AuditBuildError,
    key::{AuditKey, hex},
    trail_files,
    verify::{FileEnd, Finding, FindingReason, Scan, VerifyError, read_part},
};

const DAMAGED: &str = "damaged";
const TORN: &str = "torn";
/// Of a torn line, so much is kept: no record is longer.
const MAX_TORN: u64 = 64 * 1024;

/// Where to go on.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) mark: FilePosition,
    pub(super) trail: String,
    /// How the process that wrote the file left it, if there is one.
    pub(super) resumed: Option<Resumed>,
    /// What was set aside or is gone, and is not recorded in the trail yet.
    pub(super) recovered: Vec<Recovered>,
}

/// Reads the file, or where there is none the latest older part. `checkpoint` is the last one that
/// is known: what it is about must be there.
pub(super) fn recover(
    path: &Path,
    key: Option<&AuditKey>,
    checkpoint: Option<&Checkpoint>,
) -> Result<Start, AuditBuildError> {
    let mut scan = Scan::for_writer(key.cloned());
    let finding = scanned(&mut scan, path)?;
    let place = scan.place().clone();
    let (last, trail) = match (scan.last(), scan.trail()) {
        (Some(last), Some(trail)) => (last, trail.to_owned()),
        _ => before(path, key)?,
    };
    let next = last.sequence().saturating_add(1);
    let mut recovered = untold(path, next).map_err(|error| storage(path, error))?;
    let mut here = scan.last().is_some();
    if let Some(finding) = finding {
        let gone = scan.last().map(|last| (place.first, last.sequence()));
        let what = set_aside(path, place.bytes, next, &finding, gone)
            .map_err(|error| storage(path, error))?;
        here &= what.cause != DAMAGED;
        recovered.push(what);
    }
    recovered.extend(checkpoint.and_then(|it| behind(it, last, &trail)));
    let mark = FilePosition {
        anchor: last,
        length: if here { place.bytes } else { 0 },
        first: if here { place.first } else { last.sequence() },
    };
    let resumed = Resumed {
        after_close: place.closed,
        unfinished: scan.unfinished(),
        last_record: scan.latest(),
    };
    Ok(Start {
        mark,
        trail,
        resumed: here.then_some(resumed),
        recovered,
    })
}

/// Returns whether records are gone that a checkpoint is about.
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

/// Scans a file. What is wrong with its key is nothing that can be recovered from here.
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

/// Looks for the end of the trail in its latest older part, or begins a trail.
fn before(path: &Path, key: Option<&AuditKey>) -> Result<(Anchor, String), AuditBuildError> {
    let parts = trail_files::parts(path).map_err(|error| storage(path, error))?;
    for part in parts.iter().rev() {
        let mut scan = Scan::for_writer(key.cloned());
        // A bad part is left where it is: verification names it. Its good records count.
        scanned(&mut scan, part)?;
        if let (Some(last), Some(trail)) = (scan.last(), scan.trail()) {
            return Ok((last, trail.to_owned()));
        }
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| AuditBuildError::NoRandomness)?;
    Ok((Anchor::GENESIS, hex(&id)))
}

/// Takes what is no record out of the file (a torn line), or the file out of the trail (damage).
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

/// Finds a torn line that an earlier process set aside and was killed before it recorded that. A file's
/// name is believed only where it stands for the very next record, and only to be mentioned.
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

/// Copies the end of a file to a separate file, makes that safe, and only then cuts it off. Where
/// there is no space for the copy, the record about it holds the beginning of the line: a
/// full disk must not stop a start.
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

fn storage(path: &Path, error: io::Error) -> AuditBuildError {
    AuditBuildError::Storage {
        path: path.into(),
        error,
    }
}
