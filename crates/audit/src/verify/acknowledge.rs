//! Acknowledgements: incidents that an operator has checked, signed with the key of the trail.
//!
//! They are lines in a file beside the trail (`.acknowledged`). Verification reads them at the
//! end and skips every line whose signature is wrong. Without a key they are not read: anyone
//! could write them.

use std::{
    fs,
    io::{self, BufReader, Write},
    path::Path,
    time::Duration,
};

use palisade_internal::private_file;
use serde::Deserialize;

use super::{Finding, VerifyReport};
use crate::{
    chain::{Signer, Verifier},
    error::AcknowledgeError,
    key::AuditKey,
    record::json::Object,
    trail_files,
};

/// The purpose in the signature, and the type of the line.
const PURPOSE: &str = "acknowledgement";
/// The most bytes that are read as one line.
const MAX_LINE: u64 = 16 * 1024;
/// The most characters of the operator's name.
const MAX_NAME: usize = 128;
/// The most characters of the note.
const MAX_NOTE: usize = 512;

/// The members of a line that are compared with a finding.
#[derive(Deserialize)]
struct Acknowledgement {
    /// The name of the trail.
    trail: String,
    /// The number of the record that the finding names.
    record: u64,
    /// The text of the reason.
    reason: String,
    /// The name of the operator.
    by: String,
}

/// Records that an operator has checked an incident. Later verifications show it as acknowledged.
///
/// `path` is the file of the trail, `now` the time since the Unix epoch. The line is signed with
/// the key of the trail and appended to the file with `.acknowledged` after its name. `by` is cut
/// after 128 characters, `note` after 512.
///
/// The acknowledgement holds for this trail, record and reason only. It needs the key: without one,
/// verification ignores acknowledgements.
///
/// # Errors
///
/// - [`AcknowledgeError::NotAnIncident`] if records were altered, removed or forged.
/// - [`AcknowledgeError::NoTrail`] if the report names no trail.
/// - [`AcknowledgeError::Storage`] if the file cannot be written.
///
/// # Examples
///
/// ```no_run
/// use std::time::{SystemTime, UNIX_EPOCH};
/// use palisade_audit::{AuditKey, FindingClass, VerifyOptions, acknowledge, verify_file};
///
/// let key = AuditKey::from_file("audit.key")?;
/// let report = verify_file("audit.jsonl", &VerifyOptions::new().key(key.clone()))?;
/// let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
/// for finding in &report.findings {
///     if finding.class() == FindingClass::Incident {
///         acknowledge("audit.jsonl", &key, &report, finding, "anna", "power failure of 30 November", now)?;
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn acknowledge(
    path: impl AsRef<Path>,
    key: &AuditKey,
    report: &VerifyReport,
    finding: &Finding,
    by: &str,
    note: &str,
    now: Duration,
) -> Result<(), AcknowledgeError> {
    if !finding.reason.is_incident() {
        return Err(AcknowledgeError::NotAnIncident);
    }
    let Some(trail) = &report.trail else {
        return Err(AcknowledgeError::NoTrail);
    };
    let mut line = Vec::with_capacity(512);
    let mut object = Object::open(&mut line);
    object.number("v", 1);
    object.text("type", PURPOSE);
    object.time("time", now);
    object.text("trail", trail);
    object.number("record", finding.sequence);
    object.text("reason", &finding.reason.to_string());
    object.limited("by", by, MAX_NAME);
    object.limited("note", note, MAX_NOTE);
    object.text("key", &key.id());
    object.leave_open();
    Signer::of(Some(key)).sign(PURPOSE, &mut line);
    line.push(b'\n');
    let path = path.as_ref();
    append(path, &line).map_err(|error| AcknowledgeError::Storage {
        path: trail_files::acknowledged(path),
        error,
    })
}

/// Appends a line, syncs it, and gives a new file to the owner of the trail.
///
/// A link, or a file of another user in its place, is refused: the service may write in the folder, and
/// this may run as root.
///
/// # Errors
///
/// The trail is not there, the file is a link or belongs to another user, or it cannot be written.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let path = trail_files::resolved(path)?;
    let trail = fs::metadata(&path)?;
    let path = trail_files::acknowledged(&path);
    let mut file = private_file::append_to(&path, &trail, own_user())?;
    file.write_all(line)?;
    file.sync_all()?;
    private_file::sync_folder(&path)
}

/// Returns the user of this process: the trail may belong to another one of its group.
#[cfg(unix)]
fn own_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn own_user() -> Option<u32> {
    None
}

/// Marks the acknowledged incidents of a report. A missing file is not an error.
///
/// # Errors
///
/// The file is there and cannot be read.
pub(super) fn apply(
    path: &Path,
    key: Option<&AuditKey>,
    report: &mut VerifyReport,
) -> io::Result<()> {
    let Some(key) = key else { return Ok(()) };
    let file = match trail_files::open_regular(&trail_files::acknowledged(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let verifier = Verifier::of(Some(key));
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    loop {
        if !trail_files::read_line(&mut reader, MAX_LINE, &mut line)? {
            return Ok(());
        }
        let whole = line.strip_suffix(b"\n").unwrap_or(&line);
        if !verifier.accepts(PURPOSE, whole) {
            continue;
        }
        if let Ok(acknowledgement) = serde_json::from_slice::<Acknowledgement>(whole) {
            mark(report, &acknowledgement);
        }
    }
}

/// Marks the findings with the trail, record and reason of one acknowledgement.
fn mark(report: &mut VerifyReport, it: &Acknowledgement) {
    if report.trail.as_ref() != Some(&it.trail) {
        return;
    }
    for finding in &mut report.findings {
        let same = finding.sequence == it.record && finding.reason.to_string() == it.reason;
        if same && finding.reason.is_incident() {
            finding.acknowledged_by = Some(it.by.clone());
        }
    }
}
