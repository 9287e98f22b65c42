//! Watches the free space on the disk of the trail and starts the actions that the operator
//! chose.
//!
//! The writer thread calls it after a successful write, at most once a second. If the free space
//! is not known, no action starts.

use std::time::Duration;

/// How often the free space is checked, while records are written.
const PAUSE: Duration = Duration::from_secs(1);

/// What to do when less than a number of bytes is free on the disk of the trail.
///
/// Set with [`FileSinkBuilder::low_space`](crate::FileSinkBuilder::low_space). Several actions can
/// have different thresholds. An action ends when a tenth more than its threshold is free.
///
/// # Examples
///
/// ```
/// use palisade_audit::{FileSink, LowSpaceAction};
///
/// # let folder = tempfile::tempdir()?;
/// // Availability counts more than old records: make space, and never stop the service.
/// let sink = FileSink::builder(folder.path().join("audit.jsonl"))
///     .low_space(LowSpaceAction::Warn, 4_000_000_000)
///     .low_space(LowSpaceAction::RetireOldest, 2_000_000_000)
///     .low_space(LowSpaceAction::RefuseRequests, 0)
///     .open()?;
/// # let _ = sink;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LowSpaceAction {
    /// Write one log line and one event when it begins, and again when it is over. Default: below
    /// 512 MiB.
    Warn,
    /// Only count refusals: the remaining space is for requests that were served. Default: below
    /// 128 MiB.
    CountRefusals,
    /// Delete the oldest parts, one a second, until there is space. Each deletion is a record,
    /// `retired`.
    ///
    /// Default: off.
    RetireOldest,
    /// Refuse requests with 503 before the disk is full. Default: off.
    RefuseRequests,
}

impl LowSpaceAction {
    /// Returns the name of the action in logs and events.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::CountRefusals => "count_refusals",
            Self::RetireOldest => "retire_oldest",
            Self::RefuseRequests => "refuse_requests",
        }
    }
}

/// The thresholds, and which actions are active.
#[derive(Debug)]
pub(super) struct SpaceMonitor {
    /// Actions with their thresholds in free bytes. Default: none.
    thresholds: Vec<(LowSpaceAction, u64)>,
    /// Actions whose threshold is reached.
    active: Vec<LowSpaceAction>,
    /// When the free space was last checked, on the monotonic clock.
    looked_at: Option<Duration>,
}

/// An action that starts or ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Change {
    /// Which action.
    pub(super) action: LowSpaceAction,
    /// True if it starts, false if it ends.
    pub(super) begins: bool,
}

impl SpaceMonitor {
    /// Returns a monitor with no active action.
    pub(super) fn new(thresholds: Vec<(LowSpaceAction, u64)>) -> Self {
        Self {
            thresholds,
            active: Vec::new(),
            looked_at: None,
        }
    }

    /// Returns whether to check the free space now. Always false without thresholds.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let due = self
            .looked_at
            .is_none_or(|then| now.saturating_sub(then) >= PAUSE);
        if due {
            self.looked_at = Some(now);
        }
        due && !self.thresholds.is_empty()
    }

    /// Compares the free bytes with the thresholds, and returns the actions that start or end.
    ///
    /// An action ends when a tenth more than its threshold is free. Otherwise it could start and
    /// end at each check.
    pub(super) fn update(&mut self, free: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for (action, threshold) in &self.thresholds {
            let active = self.active.contains(action);
            let begins = !active && free < *threshold;
            let ends = active && free >= threshold.saturating_add(threshold / 10);
            if begins {
                self.active.push(*action);
            }
            if ends {
                self.active.retain(|it| it != action);
            }
            if begins || ends {
                changes.push(Change {
                    action: *action,
                    begins,
                });
            }
        }
        changes
    }

    /// Returns whether the threshold of an action is reached.
    pub(super) fn is_active(&self, action: LowSpaceAction) -> bool {
        self.active.contains(&action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_has_its_action_and_ends_with_a_tenth_more_space() {
        let mut space = SpaceMonitor::new(vec![
            (LowSpaceAction::Warn, 1000),
            (LowSpaceAction::RefuseRequests, 100),
        ]);
        assert_eq!(space.update(5000), []);
        let begins = |action| Change {
            action,
            begins: true,
        };
        let ends = |action| Change {
            action,
            begins: false,
        };
        assert_eq!(space.update(999), [begins(LowSpaceAction::Warn)]);
        assert_eq!(space.update(50), [begins(LowSpaceAction::RefuseRequests)]);
        assert_eq!(space.update(105), [], "not yet enough more");
        assert_eq!(space.update(1050), [ends(LowSpaceAction::RefuseRequests)]);
        assert_eq!(space.update(1100), [ends(LowSpaceAction::Warn)]);
    }
}
