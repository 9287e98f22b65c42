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

/// Where to go on.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) mark: Mark,
    pub(super) trail: String,
    /// Whether the file exists, and whether the process that wrote it closed it.
    pub(super) resumed: Option<bool>,
    pub(super) recovered: Option<Recovered>,
}

/// Reads the file, or where there is none the latest older part.
pub(super) fn recover(path: &Path, key: Option<&AuditKey>) -> Result<Start, AuditError> {
    let mut walk = Walk::for_writer(key.cloned());
    let recovered = match walked(&mut walk, path)? {
        None => None,
        Some(finding) => Some(set_aside(path, &walk, &finding)?),
    };
    let place = walk.place();
    let damaged = recovered.as_ref().is_some_and(|it| it.cause == "damaged");
    let here = walk.last().is_some() && !damaged;
    let (last, trail) = match (walk.last(), walk.trail()) {
        (Some(last), Some(trail)) => (last, trail.to_owned()),
        _ => before(path, key)?,
    };
    let mark = Mark {
        anchor: last,
        length: if here { place.bytes } else { 0 },
        first: if here { place.first } else { last.sequence() },
    };
    Ok(Start {
        mark,
        trail,
        resumed: here.then_some(place.closed),
        recovered,
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
fn set_aside(path: &Path, walk: &Walk, finding: &Finding) -> Result<Recovered, AuditError> {
    let moved = match finding.reason {
        Reason::Torn { bytes } => {
            cut(path, walk.place().bytes, finding.sequence).map(|to| ("torn_line", bytes, to))
        }
        _ => whole(path, finding.sequence).map(|(bytes, to)| ("damaged", bytes, to)),
    };
    let (cause, bytes, set_aside) = moved.map_err(|error| storage(path, error))?;
    tracing::warn!(target: "palisade::audit", cause, bytes, set_aside, %finding, "set aside");
    Ok(Recovered {
        cause,
        bytes,
        set_aside,
    })
}

/// Copies the end of a file to a file of its own, makes that safe, and only then cuts it off.
fn cut(path: &Path, good: u64, record: u64) -> io::Result<String> {
    let to = names::aside(path, "torn", record);
    let mut from = File::options().read(true).write(true).open(path)?;
    from.seek(SeekFrom::Start(good))?;
    let mut copy = private().write(true).create_new(true).open(&to)?;
    io::copy(&mut from, &mut copy)?;
    copy.sync_all()?;
    sync_folder(path)?;
    from.set_len(good)?;
    from.sync_all()?;
    Ok(name(&to))
}

fn whole(path: &Path, record: u64) -> io::Result<(u64, String)> {
    let bytes = fs::metadata(path)?.len();
    let to = move_away(path, names::aside(path, "damaged", record))?;
    sync_folder(path)?;
    Ok((bytes, name(&to)))
}

fn storage(path: &Path, error: io::Error) -> AuditError {
    AuditError::Storage {
        path: path.into(),
        error,
    }
}
