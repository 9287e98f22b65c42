//! Verifies a trail: every record is what was written, in its place, and none is missing.

mod acknowledge;
mod expected;
mod files;
mod finding;
mod report;
mod scan;

use std::{io::BufRead, path::PathBuf, time::Duration};

pub use acknowledge::acknowledge;
pub use expected::CheckpointSummary;
pub(crate) use expected::{Expected, read_checkpoints};
pub(crate) use files::read_part;
pub use files::verify_file;
pub use finding::{Finding, FindingClass, FindingReason, VerifyError};
pub use report::{TimeGap, VerifyOutcome, VerifyReport};
pub(crate) use scan::{Scan, Tail};

use crate::{Anchor, AuditKey, CheckpointPublicKey, chain::Verifier};

/// Longer times without a record are remarked.
const MAX_GAP: Duration = Duration::from_secs(60 * 60);

/// What a trail is held against.
///
/// The algorithm is taken from here and never from the file: given a key, a trail without one does not verify.
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
    /// Expects a trail without key, and knows no anchor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects a trail that was written with this key.
    pub fn key(mut self, key: AuditKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Expects this record to be there: a cut or rewritten trail that verifies by itself shows.
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

    /// Remarks times without a record that are longer than this. Default: one hour.
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

    fn scan(&self, expected: Expected) -> Scan {
        Scan::new(self.key.clone(), expected, self.max_gap)
    }

    fn expected(&self) -> Expected {
        let mut expected = Expected::default();
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
    scan.file(&mut reader, None, Tail::Last)?;
    Ok(scan.finish())
}
