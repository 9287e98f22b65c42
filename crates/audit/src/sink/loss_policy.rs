//! What happens to a request whose record a sink cannot keep.

/// What happens to a request whose record a sink cannot keep. Default:
/// [`DropAndCount`](Self::DropAndCount).
///
/// | Policy | The response waits for its record | No record in time |
/// |---|---|---|
/// | `DropAndCount` | no | the request goes on, the loss is counted |
/// | `Block` | at most the commit deadline | the request goes on, the loss is counted |
/// | `FailClosed` | at most the commit deadline | the request is refused with 503 |
///
/// With `Block` and `FailClosed` a request has two records: `head` before its response, and one when it is over.
///
/// ```
/// use palisade_audit::{AuditLayer, FileSink, LossPolicy};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let file = FileSink::builder(&path).policy(LossPolicy::Block).open()?;
/// let layer = AuditLayer::builder().sink(file).build()?;
/// assert!(!layer.is_fail_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LossPolicy {
    /// The response waits for its record, at most the commit deadline. Then the request goes on.
    ///
    /// While the sink is known to fail, responses do not wait.
    Block,
    /// No response waits. What does not fit is lost and counted.
    #[default]
    DropAndCount,
    /// The response waits for its record. Without one, the request is refused with 503.
    FailClosed,
}

impl LossPolicy {
    /// Returns whether responses wait for their records.
    pub(crate) fn waits(self) -> bool {
        self != Self::DropAndCount
    }

    /// Returns whether a request without a record is refused.
    pub(crate) fn fails_closed(self) -> bool {
        self == Self::FailClosed
    }
}
