//! What a moderator decides, and why it could not.

use std::borrow::Cow;
use std::fmt;

/// The longest reason code, in bytes.
const LONGEST_REASON: usize = 64;

/// Stands in the audit trail for a reason that is no code.
const OTHER: &str = "other";

/// The decision of a [`Moderator`](super::Moderator).
///
/// The audit trail records it with the name of the moderator. A reason is a code such as
/// `violence/graphic`: at most 64 letters, digits and `_./-`. Anything else is recorded as `other`, so
/// that no text of a client gets into the trail.
///
/// ```
/// use palisade_sanitize::ModerationVerdict;
///
/// let verdict = ModerationVerdict::refuse("violence/graphic").with_score(0.974);
/// assert_eq!(verdict.to_string(), "refused, violence/graphic, 0.97");
/// assert_eq!(ModerationVerdict::allow().to_string(), "allowed");
/// assert_eq!(ModerationVerdict::flag("you wrote: …").to_string(), "flagged, other");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ModerationVerdict {
    action: Action,
    reason: Cow<'static, str>,
    score: Option<f32>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    Allow,
    Flag,
    Refuse,
}

impl ModerationVerdict {
    /// The request continues.
    pub fn allow() -> Self {
        Self::new(Action::Allow, "")
    }

    /// The request continues, and the reason is recorded.
    pub fn flag(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Action::Flag, reason)
    }

    /// The request is refused with 422 (`moderation_refused`). The client does not see the reason.
    pub fn refuse(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Action::Refuse, reason)
    }

    /// Records how certain the moderator is, from 0 to 1. Default: no score.
    ///
    /// It decides nothing. Values outside are set to the nearest limit, and one that is no number is left
    /// out.
    pub fn with_score(mut self, score: f32) -> Self {
        self.score = (!score.is_nan()).then(|| score.clamp(0.0, 1.0));
        self
    }

    fn new(action: Action, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        let is_code = reason.len() <= LONGEST_REASON && reason.bytes().all(is_code_byte);
        Self {
            action,
            reason: if is_code { reason } else { OTHER.into() },
            score: None,
        }
    }

    /// Tells whether the reason is recorded and the request continues.
    pub(super) fn flags(&self) -> bool {
        self.action == Action::Flag
    }

    /// Tells whether the request is refused.
    pub(super) fn refuses(&self) -> bool {
        self.action == Action::Refuse
    }
}

/// Tells whether a byte may be in a reason code.
const fn is_code_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-')
}

/// As in the audit trail: action, reason, score.
impl fmt::Display for ModerationVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.action {
            Action::Allow => "allowed",
            Action::Flag => "flagged",
            Action::Refuse => "refused",
        })?;
        if !self.reason.is_empty() {
            write!(f, ", {}", self.reason)?;
        }
        match self.score {
            Some(score) => write!(f, ", {score:.2}"),
            None => Ok(()),
        }
    }
}

/// A [`Moderator`](super::Moderator) has no decision.
///
/// ```
/// use palisade_sanitize::ModeratorUnavailable;
///
/// assert_eq!(ModeratorUnavailable::new("status_500").to_string(), "unavailable, status_500");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ModeratorUnavailable {
    reason: &'static str,
}

impl ModeratorUnavailable {
    /// `reason` is a code for the audit trail, such as `connection`.
    #[must_use]
    pub const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

impl fmt::Display for ModeratorUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unavailable, {}", self.reason)
    }
}

impl std::error::Error for ModeratorUnavailable {}
