//! What is done when the disk of the trail has little space left.

use std::time::Duration;

/// How often the free space is checked, while records are written.
const PAUSE: Duration = Duration::from_secs(1);

/// What to do when less than a number of bytes is free on the disk of the trail.
///
/// Set with [`FileSinkBuilder::low_space`](crate::FileSinkBuilder::low_space). Several actions can have
/// different thresholds. An action ends when a tenth more than its threshold is free.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LowSpaceAction {
    /// Tell it: one log line and one event when it begins, and when it is over.
    Warn,
    /// Only count refusals, so that the space that is left is for requests that were served.
    CountRefusals,
    /// Delete the oldest parts until there is space again. Each deletion is a record, `retired`.
    RetireOldest,
    /// Refuse requests with 503, before the disk is full.
    RefuseRequests,
}

impl LowSpaceAction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::CountRefusals => "count_refusals",
            Self::RetireOldest => "retire_oldest",
            Self::RefuseRequests => "refuse_requests",
        }
    }
}

/// The thresholds, and which of them are reached.
#[derive(Debug)]
pub(super) struct SpaceMonitor {
    thresholds: Vec<(LowSpaceAction, u64)>,
    active: Vec<LowSpaceAction>,
    looked_at: Option<Duration>,
}

/// An action begins (`Some` bytes are free) or ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Change {
    pub(super) action: LowSpaceAction,
    pub(super) begins: bool,
}

impl SpaceMonitor {
    pub(super) fn new(thresholds: Vec<(LowSpaceAction, u64)>) -> Self {
        Self {
            thresholds,
            active: Vec::new(),
            looked_at: None,
        }
    }

    /// Returns whether it is time to look.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let due = self
            .looked_at
            .is_none_or(|then| now.saturating_sub(then) >= PAUSE);
        if due {
            self.looked_at = Some(now);
        }
        due && !self.thresholds.is_empty()
    }

    /// Holds the free bytes against the thresholds. An action ends when there is a tenth more than
    /// its threshold, so that it does not begin and end all the time.
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
