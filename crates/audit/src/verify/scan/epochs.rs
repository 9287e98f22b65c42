//! The epochs of a trail whose key evolves.
//!
//! A file has the epoch of the file before it, or the next one if that file has its full length. Who has stolen the key of
//! one epoch can neither write the last record of an earlier one nor begin one: so a trail from which whole segments were
//! removed skips an epoch, or goes on after a file that has no end, or does not begin with the first one.

use super::{FindingReason, Scan, record_members::RecordMembers};
use crate::chain::{EVOLVING, Seal};

impl Scan {
    /// Returns the name of the trail. `None` before its first opening record.
    pub(crate) fn trail(&self) -> Option<&str> {
        self.trail.as_deref()
    }

    /// Returns the seal of the file that was read last.
    pub(crate) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Reads files of an earlier epoch too, whose hashes cannot be computed.
    pub(crate) fn reading_earlier(mut self) -> Self {
        self.reads_earlier = true;
        self
    }

    /// Notes the epoch of the file that was read, before the next one.
    pub(super) fn leave_segment(&mut self) {
        if self.damage.is_some() {
            // Its end cannot be read.
            self.segment = None;
        } else if let Some(key) = self.seal.evolving_key()
            && self.position.good > 0
        {
            self.segment = Some((key.epoch(), self.position.rotated));
        }
    }

    /// Takes the key of the epoch that the opening record of a file states.
    ///
    /// # Errors
    ///
    /// The reason why the file cannot be verified.
    pub(super) fn take_epoch(&mut self, content: &RecordMembers<'_>) -> Result<(), FindingReason> {
        let known = self.known_key.as_ref().ok_or(FindingReason::NeedsKey)?;
        if content.key.as_deref() != Some(known.first_id()) {
            return Err(FindingReason::OtherKey);
        }
        let epoch = content.epoch.ok_or(FindingReason::Malformed)?;
        // From the latest one, which is nearer.
        let nearest = self.seal.evolving_key().filter(|key| key.epoch() <= epoch);
        let key = nearest.unwrap_or(known).at(epoch);
        self.seal = match key {
            Some(key) => Seal::evolving(key),
            None if self.reads_earlier => Seal::Unknown(known.first_id().to_owned()),
            None => return Err(FindingReason::OtherKey),
        };
        Ok(())
    }

    /// Compares the epoch of a file with that of the file before it, which it follows.
    pub(super) fn check_epoch(&mut self, content: &RecordMembers<'_>) {
        let Some(epoch) = content.epoch.filter(|_| content.kind == "opened") else {
            return;
        };
        let (allowed, expected) = match self.segment {
            Some((before, true)) => (before..=before.saturating_add(1), before.saturating_add(1)),
            Some((before, false)) => (before..=before, before),
            // A trail begins with the first key.
            None if content.follows.is_none() => (0..=0, 0),
            None => return,
        };
        if !allowed.contains(&epoch) {
            self.find(FindingReason::EpochSkipped { expected });
        }
    }

    /// Returns whether a file states that its key evolves.
    pub(super) fn is_evolving(content: &RecordMembers<'_>) -> bool {
        content.algorithm.as_deref() == Some(EVOLVING)
    }
}
