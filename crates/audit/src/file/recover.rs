//! Finds out where an earlier process stopped, and sets aside what it did not finish.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    path::Path,
};

use super::{
    journal::Mark,
    notes::Recovered,
    store::{move_away, name, private, sync_folder},
};
use crate::{
    Anchor, AuditError, AuditKey,
    key::hex,
    names,
    verify::{Finding, Reason, VerifyError, Walk, read},
};

const DAMAGED: &str = "damaged";
const TORN: &str = "torn";

/// Where to go on.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) mark: Mark,
    pub(super) trail: String,
    /// Whether the file exists, and whether the process that wrote it closed it.
    pub(super) resumed: Option<bool>,
    /// What was set aside and is not told of in the trail yet.
    pub(super) recovered: Vec<Recovered>,
}

/// Reads the file, or where there is none the latest older part.
pub(super) fn recover(path: &Path, key: Option<&AuditKey>) -> Result<Start, AuditError> {
    let mut walk = Walk::for_writer(key.cloned());
    let finding = walked(&mut walk, path)?;
    let place = walk.place();
    let (last, trail) = match (walk.last(), walk.trail()) {
        (Some(last), Some(trail)) => (last, trail.to_owned()),
        _ => before(path, key)?,
    };
    let damaged = match finding {
        None => false,
        Some(finding) => set_aside(
            path,
            place.bytes,
            last.sequence().saturating_add(1),
            &finding,
        )
        .map_err(|error| storage(path, error))?,
    };
    let here = walk.last().is_some() && !damaged;
    let mark = Mark {
        anchor: last,
        length: if here { place.bytes } else { 0 },
        first: if here { place.first } else { last.sequence() },
    };
    Ok(Start {
        mark,
        trail,
        resumed: here.then_some(place.closed),
        recovered: untold(path, last).map_err(|error| storage(path, error))?,
    })
}

/// Walks a file. What is wrong with its key is not to be mended here.
fn walked(walk: &mut Walk, path: &Path) -> Result<Option<Finding>, AuditError> {
    let finding = match read(walk, path) {
        Ok(()) => return Ok(None),
        Err(VerifyError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(VerifyError::Io(error)) => return Err(storage(path, error)),
        Err(VerifyError::Broken(finding)) => finding,
    };
    match finding.reason {
        Reason::NeedsKey | Reason::NotKeyed | Reason::OtherKey => {
            Err(AuditError::OtherKey { path: path.into() })
        }
        Reason::UnknownVersion => {
            let error = io::Error::other("written by an unknown version");
            Err(storage(path, error))
        }
        _ => Ok(Some(finding)),
    }
}

/// Looks for the end of the trail in its latest older part, or begins a trail.
fn before(path: &Path, key: Option<&AuditKey>) -> Result<(Anchor, String), AuditError> {
    let parts = names::parts(path).map_err(|error| storage(path, error))?;
    for part in parts.iter().rev() {
        let mut walk = Walk::for_writer(key.cloned());
        // A bad part is left where it is: verification names it. Its good records count.
        walked(&mut walk, part)?;
        if let (Some(last), Some(trail)) = (walk.last(), walk.trail()) {
            return Ok((last, trail.to_owned()));
        }
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| AuditError::NoRandomness)?;
    Ok((Anchor::GENESIS, hex(&id)))
}

/// Takes what is no record out of the file (a torn line), or the file out of the trail (damage).
/// Tells whether it did the latter.
fn set_aside(path: &Path, good: u64, record: u64, finding: &Finding) -> io::Result<bool> {
    tracing::warn!(target: "palisade::audit", %finding, "sets aside what an audit file ends with");
    match finding.reason {
        Reason::Torn { .. } => {
            cut(path, good, record)?;
            Ok(false)
        }
        _ => {
            move_away(path, names::aside(path, DAMAGED, record))?;
            sync_folder(path)?;
            Ok(true)
        }
    }
}

/// Lists what is aside in place of a record that is not written yet: what was just put there, or what
/// an earlier process put there before it was killed in turn.
fn untold(path: &Path, last: Anchor) -> io::Result<Vec<Recovered>> {
    let mut all = Vec::new();
    for (why, cause) in [(DAMAGED, "damaged"), (TORN, "torn_line")] {
        for (record, file) in names::all_aside(path, why)? {
            if record > last.sequence() {
                all.push(Recovered {
                    cause,
                    bytes: fs::metadata(&file)?.len(),
                    set_aside: name(&file),
                });
            }
        }
    }
    Ok(all)
}

/// Copies the end of a file to a file of its own, makes that safe, and only then cuts it off.
fn cut(path: &Path, good: u64, record: u64) -> io::Result<()> {
    let to = names::aside(path, TORN, record);
    let mut from = File::options().read(true).write(true).open(path)?;
    from.seek(SeekFrom::Start(good))?;
    let mut copy = private().write(true).create_new(true).open(&to)?;
    io::copy(&mut from, &mut copy)?;
    copy.sync_all()?;
    sync_folder(path)?;
    from.set_len(good)?;
    from.sync_all()
}

fn storage(path: &Path, error: io::Error) -> AuditError {
    AuditError::Storage {
        path: path.into(),
        error,
    }
}
