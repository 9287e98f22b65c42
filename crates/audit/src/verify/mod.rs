//! Verifies a trail: every record is unchanged and in its place, and none is missing.
//!
//! `files` lists and opens the files, `scan` reads them line by line, `expected_records` knows
//! which records an anchor and checkpoints require, and `acknowledge` marks incidents that an
//! operator checked. Faults are collected in a report. An error means that verification could not
//! be completed.

mod acknowledge;
mod expected_records;
mod files;
mod finding;
mod report;
mod scan;

#[cfg(feature = "zstd")]
use std::io::BufReader;
use std::{
    io::{self, BufRead, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

pub use acknowledge::acknowledge;
pub use expected_records::CheckpointSummary;
pub(crate) use expected_records::{ExpectedRecords, read_checkpoints};
pub(crate) use files::read_part;
pub use files::verify_file;
pub use finding::{Finding, FindingClass, FindingReason, VerifyError};
pub use report::{TimeGap, VerifyOutcome, VerifyReport};
pub(crate) use scan::{FileEnd, Scan, record_before};

#[cfg(feature = "zstd")]
use crate::part_reader::Decompressed;
use crate::{
    chain::{Anchor, CheckpointPublicKey, Verifier},
    key::AuditKey,
    trail_files,
};

/// The first bytes of what is compressed with zstd (RFC 8878, 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The default of [`VerifyOptions::max_gap`]: longer times without a record are reported.
const MAX_GAP: Duration = Duration::from_secs(60 * 60);

/// Keys, anchor and checkpoints for a verification. For [`verify`] and [`verify_file`].
///
/// | setting | default |
/// |---|---|
/// | [`key`](Self::key) | none: the trail must have been written without a key |
/// | [`anchor`](Self::anchor) | none: only checkpoints find a trail that was cut at its end |
/// | [`checkpoints`](Self::checkpoints) | the file beside the trail, for [`verify_file`] only |
/// | [`checkpoint_key`](Self::checkpoint_key) | none: checkpoints under the key of the trail |
/// | [`max_gap`](Self::max_gap) | one hour |
///
/// The algorithm is taken from these options and never from the file. With a key, a trail that was
/// written without one does not verify. So an attacker cannot replace a keyed trail by one without
/// a key.
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
///
/// With an anchor that was kept in another place:
///
/// ```
/// use palisade_audit::VerifyOptions;
///
/// let kept = format!("7:{}", "0a".repeat(32));
/// let options = VerifyOptions::new().anchor(kept.parse()?);
/// # let _ = options; Ok::<(), palisade_audit::InvalidAnchor>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifyOptions {
    /// The key of the trail.
    key: Option<AuditKey>,
    /// A record that must be in the trail.
    anchor: Option<Anchor>,
    /// The checkpoint file.
    checkpoints: Option<PathBuf>,
    /// The key that checks the signatures of checkpoints.
    checkpoint_key: Option<CheckpointPublicKey>,
    /// The longest time without a record that is not reported.
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
    /// Returns the defaults: no key, no anchor, gaps from one hour on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the key that the trail was written with. Default: none.
    ///
    /// A trail that was written without a key, or with another key, then does not verify. With a
    /// key the findings also cover an attacker who can write the file: the hashes are HMAC-SHA-256
    /// (RFC 2104).
    pub fn key(mut self, key: AuditKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Requires this record in the trail. Default: none.
    ///
    /// This finds a trail whose end was cut off, or that was written again with a correct chain.
    /// The result is [`FindingReason::CutShort`] or [`FindingReason::Rewritten`].
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }

    /// Reads checkpoints from this file. A missing file is not an error.
    ///
    /// Default for [`verify_file`]: the file of the trail with `.checkpoints` after its name, if it
    /// exists. Default for [`verify`]: none. Whether the file was found is in
    /// [`CheckpointSummary::found`].
    pub fn checkpoints(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoints = Some(path.into());
        self
    }

    /// Expects checkpoints that were signed with Ed25519 (RFC 8032) by this key.
    ///
    /// Default: checkpoints under the key of the trail, or checksums if the trail has no key.
    pub fn checkpoint_key(mut self, key: CheckpointPublicKey) -> Self {
        self.checkpoint_key = Some(key);
        self
    }

    /// Reports times without a record that are longer than this, in [`VerifyReport::gaps`].
    /// Default: one hour. A gap is not a finding.
    pub fn max_gap(mut self, gap: Duration) -> Self {
        self.max_gap = gap;
        self
    }

    /// Returns what checks the checkpoint file.
    pub(crate) fn checkpoint_verifier(&self) -> Verifier {
        match &self.checkpoint_key {
            Some(key) => key.verifier(),
            None => Verifier::of(self.key.as_ref()),
        }
    }

    /// Returns the checkpoint file of a trail: the one that was set, or the one beside it.
    pub(crate) fn checkpoint_file(&self, trail: &Path) -> PathBuf {
        let set = self.checkpoints.clone();
        set.unwrap_or_else(|| trail_files::checkpoints(trail))
    }

    /// Returns a scan that has read nothing.
    fn scan(&self, expected: ExpectedRecords) -> Scan {
        Scan::new(self.key.clone(), expected, self.max_gap)
    }

    /// Returns the required records, without those of checkpoints.
    fn expected(&self) -> ExpectedRecords {
        let mut expected = ExpectedRecords::default();
        expected.anchor(self.anchor);
        expected
    }
}

/// Verifies a trail in one file or any other reader. What is compressed with zstd is decompressed (feature `zstd`).
///
/// Faults are in the report: check [`VerifyReport::outcome`] or [`VerifyReport::is_intact`]. Older
/// parts and acknowledgements are not read: use [`verify_file`] for those. The reader is read once,
/// with at most 64 KiB of memory for a line.
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
/// - [`VerifyError::Unverifiable`] if the trail was written with another key or by another version.
/// - [`VerifyError::Io`] if the reader or the checkpoint file cannot be read.
pub fn verify(
    mut reader: impl BufRead,
    options: &VerifyOptions,
) -> Result<VerifyReport, VerifyError> {
    let mut expected = options.expected();
    if let Some(path) = &options.checkpoints {
        expected.read(path, &options.checkpoint_verifier())?;
    }
    let mut scan = options.scan(expected);
    let mut begin = Vec::new();
    reader
        .by_ref()
        .take(ZSTD_MAGIC.len() as u64)
        .read_to_end(&mut begin)?;
    let is_compressed = begin == ZSTD_MAGIC;
    let mut whole = io::Cursor::new(begin).chain(reader);
    if !is_compressed {
        scan.file(&mut whole, None, FileEnd::Last)?;
        return Ok(scan.finish());
    }
    #[cfg(feature = "zstd")]
    {
        let mut plain = BufReader::new(Decompressed::new(whole)?);
        scan.file(&mut plain, None, FileEnd::Last)?;
        Ok(scan.finish())
    }
    #[cfg(not(feature = "zstd"))]
    {
        let problem = "it is compressed, and this program is built without the feature `zstd`";
        Err(io::Error::new(io::ErrorKind::Unsupported, problem).into())
    }
}
