//! What the layer does when a sink fails.

/// What the layer does when a sink cannot keep a record. Default: [`Required`](Self::Required).
///
/// The policy holds for reservations at the beginning of a request and for head records before the response. A
/// request that is over is never undone: its sinks only count what they lost.
///
/// ```
/// use palisade_audit::{AuditLayer, MemorySink, SinkPolicy, TracingSink};
///
/// // The file decides; the log is a convenience.
/// let layer = AuditLayer::builder()
///     .sink(MemorySink::new())
///     .sink_with(SinkPolicy::BestEffort, TracingSink::new())
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SinkPolicy {
    /// The request goes on. What the sink cannot keep is lost, and counted by it.
    BestEffort,
    /// One sink of all with this policy is enough: the request is refused if none can keep it.
    OneSuffices,
    /// The request is refused. The default.
    #[default]
    Required,
}
