//! Adds findings to the report of a scan: 1000 are kept, all are counted.

use super::{Next, Scan};
use crate::verify::{Finding, FindingReason, VerifyError, expected_records::Mismatch};

/// The most findings that are kept. All are counted.
const MAX_FINDINGS: usize = 1000;

impl Scan {
    /// Handles a good record that differs from anchor or checkpoint.
    pub(super) fn mismatch(&mut self, mismatch: Mismatch, sequence: u64) {
        match mismatch {
            Mismatch::Anchor => self.find_at(FindingReason::Rewritten, sequence),
            // Decided at the end: a later record may say that these records were lost.
            Mismatch::Checkpoint => self.expected.contradicted(sequence),
        }
    }

    /// Handles a file that cannot be verified with the given key.
    ///
    /// If it is the first file, whether the trail is intact is unknown: the scan fails. A later
    /// file is a finding and is skipped.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Unverifiable`] if it is the first file, and another key or version would be
    /// needed.
    pub(super) fn unusable(&mut self, reason: FindingReason) -> Result<Next, VerifyError> {
        let finding = self.finding(reason, self.next_sequence());
        let wrong_key = matches!(
            reason,
            FindingReason::NeedsKey | FindingReason::OtherKey | FindingReason::UnknownVersion
        );
        if wrong_key && self.last.is_none() {
            return Err(VerifyError::Unverifiable(finding));
        }
        self.push(finding);
        Ok(Next::SkipFile)
    }

    /// Returns the number that the next record should have.
    pub(super) fn next_sequence(&self) -> u64 {
        self.bases.expected()
    }

    /// Adds a finding at the expected record.
    pub(super) fn find(&mut self, reason: FindingReason) {
        self.find_at(reason, self.next_sequence());
    }

    /// Adds a finding at a record.
    pub(super) fn find_at(&mut self, reason: FindingReason, sequence: u64) {
        let finding = self.finding(reason, sequence);
        self.push(finding);
    }

    /// Returns a finding at the current line.
    pub(super) fn finding(&self, reason: FindingReason, sequence: u64) -> Finding {
        Finding {
            file: self.position.file.clone(),
            line: self.position.line,
            sequence,
            reason,
            acknowledged_by: None,
        }
    }

    /// Keeps a finding if there are fewer than 1000, and counts it.
    pub(super) fn push(&mut self, finding: Finding) {
        self.report.findings_total += 1;
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(finding);
        }
    }
}
