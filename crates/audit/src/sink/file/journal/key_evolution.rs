//! Replaces the key of a trail at a rotation, and keeps the new one in its file.
//!
//! The new key is stored when the first records of its file are safe. If the process is killed before that, the next one
//! finds the earlier key, and computes the later one from it.

use super::Journal;
use crate::{chain::Seal, evolving_key::MAX_EPOCH, sink::file::storage::Store};

impl<S: Store> Journal<S> {
    /// Uses the next key from now on, if the file that was finished has its record `rotated`: verification demands that
    /// of a file before the next epoch.
    pub(super) fn evolve_key(&mut self) {
        let Some(key) = self.seal.evolving_key().filter(|_| self.ended) else {
            return;
        };
        // The highest key stays.
        let next = key.epoch().saturating_add(1).min(MAX_EPOCH);
        if let Some(next) = key.at(next) {
            self.seal = Seal::evolving(next);
        }
    }

    /// Replaces the key in its file, if that has an earlier one. It is tried again after the next sync if it fails.
    pub(super) fn store_key(&mut self) {
        let (Some(file), Some(key)) = (&mut self.key_file, self.seal.evolving_key()) else {
            return;
        };
        if file.epoch() == key.epoch() {
            return;
        }
        if let Err(error) = file.store(key.clone())
            && let Some(held_back) = self.key_problems.admit(self.clock.monotonic())
        {
            tracing::error!(target: "palisade::audit", %error, held_back, "cannot replace the evolving key in its file; the earlier key is still there");
        }
    }
}
