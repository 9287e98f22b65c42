//! Verifies a trail: every record is what was written, in its place, and none is missing.
//!
//! `files` lists and opens the files, `scan` reads them line by line, `expected_records` has what must
//! be there by anchor and checkpoints, and `acknowledge` settles incidents.

mod acknowledge;
mod expected_records;
mod files;
mod finding;
mod report;
mod scan;

use std::{io::BufRead, path::PathBuf, time::Duration};

pub use acknowledge::acknowledge;
pub use expected_records::CheckpointSummary;
pub(crate) use expected_records::{ExpectedRecords, read_checkpoints};
pub(crate) use files::read_part;
pub use files::verify_file;
pub use finding::{Finding, FindingClass, FindingReason, VerifyError};
pub use report::{TimeGap, VerifyOutcome, VerifyReport};
pub(crate) use scan::{FileEnd, Scan};

use crate::{
    chain::{Anchor, CheckpointPublicKey, Verifier},
    key::AuditKey,
};

/// Longer times without a record are remarked.
const MAX_GAP: Duration = Duration::from_secs(60 * 60);

/// What a trail is verified with: keys, an anchor, checkpoints.
///
/// The algorithm is taken from here and never from the file: with a key, a trail without one does not
/// verify.
///
/// ```no_run
/// use palisade_audit::{AuditKey, VerifyOptions, verify_file};
///
/// let options = VerifyOptions::new()
///     .key(AuditKey::from_file("audit.key")?)
///     .checkpoints("/mnt/backup/audit.checkpoints");
/// let report = verify_file("audit.jsonl", &options)?;
/// for finding in &report.findings {
///     eprintln!("{finding}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifyOptions {
    key: Option<AuditKey>,
    anchor: Option<Anchor>,
    checkpoints: Option<PathBuf>,
    checkpoint_key: Option<CheckpointPublicKey>,
    max_gap: Duration,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            key: None,
            anchor: None,
            checkpoints: None,
            checkpoint_key: None,
            max_gap: MAX_GAP,
        }
    }
}

impl VerifyOptions {
    /// Returns options for a trail without a key, and without an anchor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects a trail that was written with this key.
    pub fn key(mut self, key: AuditKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Requires this record: a trail that was cut or written anew is then found, even if its chain is whole.
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }

    /// Reads checkpoints from this file. Default for [`verify_file`]: the file of the trail with
    /// `.checkpoints` behind its name, if it is there.
    pub fn checkpoints(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoints = Some(path.into());
        self
    }

    /// Expects checkpoints that this key signed. Default: those under the key of the trail.
    pub fn checkpoint_key(mut self, key: CheckpointPublicKey) -> Self {
        self.checkpoint_key = Some(key);
        self
    }

    /// Reports times without a record that are longer than this. Default: one hour.
    pub fn max_gap(mut self, gap: Duration) -> Self {
        self.max_gap = gap;
        self
    }

    fn checkpoint_verifier(&self) -> Verifier {
        match &self.checkpoint_key {
            Some(key) => key.verifier(),
            None => Verifier::of(self.key.as_ref()),
        }
    }

    fn scan(&self, expected: ExpectedRecords) -> Scan {
        Scan::new(self.key.clone(), expected, self.max_gap)
    }

    fn expected(&self) -> ExpectedRecords {
        let mut expected = ExpectedRecords::default();
        expected.anchor(self.anchor);
        expected
    }
}

/// Verifies one file's worth of records. What is wrong is in the report:
/// [`is_intact`](VerifyReport::is_intact) tells whether anything is.
///
/// ```
/// use palisade_audit::{FindingReason, VerifyOptions, verify};
///
/// let forged = b"{\"v\":1,\"type\":\"request\",\"status\":200}\n";
/// let report = verify(&forged[..], &VerifyOptions::new())?;
/// assert!(!report.is_intact());
/// assert_eq!(report.findings[0].reason, FindingReason::Malformed);
/// # Ok::<(), palisade_audit::VerifyError>(())
/// ```
///
/// # Errors
///
/// [`VerifyError::Unverifiable`] if the trail was written with another key or by another version,
/// [`VerifyError::Io`] if reading failed.
pub fn verify(
    mut reader: impl BufRead,
    options: &VerifyOptions,
) -> Result<VerifyReport, VerifyError> {
    let mut expected = options.expected();
    if let Some(path) = &options.checkpoints {
        expected.read(path, &options.checkpoint_verifier())?;
    }
    let mut scan = options.scan(expected);
    scan.file(&mut reader, None, FileEnd::Last)?;
    Ok(scan.finish())
}
