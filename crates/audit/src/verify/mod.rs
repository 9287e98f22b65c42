//! Verifies a trail: every record is what was written, in its place, and none is missing.

mod content;
mod files;
mod finding;
mod report;
mod walk;

use std::io::BufRead;

pub(crate) use files::read;
pub use files::verify_file;
pub use finding::{Finding, Reason, VerifyError};
pub use report::VerifyReport;
pub(crate) use walk::Walk;

use crate::{Anchor, AuditKey};

/// What a trail is held against.
///
/// The algorithm is taken from here and never from the file: given a key, a trail without one does not verify.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct VerifyOptions {
    key: Option<AuditKey>,
    anchor: Option<Anchor>,
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
}

/// Verifies one file's worth of records. `Ok` means intact.
///
/// ```
/// use palisade_audit::{VerifyError, VerifyOptions, verify};
///
/// let forged = b"{\"v\":1,\"type\":\"request\",\"status\":200}\n";
/// let Err(VerifyError::Broken(finding)) = verify(&forged[..], &VerifyOptions::new()) else {
///     unreachable!("a line without seal is no record");
/// };
/// assert_eq!(finding.line, 1);
/// ```
///
/// # Errors
///
/// [`VerifyError::Broken`] names the first bad record, [`VerifyError::Io`] says that reading failed.
pub fn verify(
    mut reader: impl BufRead,
    options: &VerifyOptions,
) -> Result<VerifyReport, VerifyError> {
    let mut walk = Walk::new(options.key.clone(), options.anchor);
    walk.file(&mut reader, None)?;
    walk.finish(None)
}
