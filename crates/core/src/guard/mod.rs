//! The contract of a security decision around a request: [`Guard`], its [`Verdict`], its
//! [`Outcome`].
//!
//! [`GuardService`](crate::GuardService) calls the three methods in order: `admit`, `finish`,
//! `close`. A sequence admits from the outside in, and finishes and closes from the inside out.

mod outcome;
mod verdict;

use http::{request, response};

pub use self::{
    outcome::{Outcome, OutcomeKind},
    verdict::Verdict,
};
use crate::context::SecurityContext;

/// One security decision around a request. Cheap to clone (one `Arc`); configuration is checked
/// before.
///
/// A guard that admits keeps its [`Pass`](Self::Pass) until the response is over, however it ends.
/// For a sequence see [`Guards`](crate::Guards).
///
/// What happens on failure:
///
/// - A refusal stops the sequence. Guards further in and the service never see the request.
/// - A panic in `admit` or `finish` goes outwards, or becomes a 500 with
///   [`GuardService::catch_panics`](crate::GuardService::catch_panics).
/// - A panic in `close` is always caught and recorded as
///   [`Fact::ClosePanicked`](crate::Fact::ClosePanicked).
///
/// ```
/// use http::{StatusCode, request};
/// use palisade_core::{Guard, Rejection, SecurityContext, Verdict};
///
/// /// Refuses requests during maintenance, except health checks.
/// #[derive(Clone, Debug)]
/// struct ClosedForPainting;
///
/// impl Guard for ClosedForPainting {
///     type Pass = ();
///     fn name(&self) -> &'static str { "painting" }
///     fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
///         if head.uri.path() == "/health" {
///             return Verdict::Admit(());
///         }
///         Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "painting", "Come back tomorrow.").into()
///     }
/// }
/// # palisade_core::layer!(ClosedForPainting);
/// ```
///
/// A guard that holds something while the request runs returns it as its pass. This one bounds how
/// many requests run at once:
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use http::request;
/// use palisade_core::{Guard, Outcome, Rejection, SecurityContext, Verdict, layer};
/// use tokio::sync::{OwnedSemaphorePermit, Semaphore};
///
/// #[derive(Clone, Debug)]
/// struct AtMost(Arc<Semaphore>);
///
/// impl Guard for AtMost {
///     type Pass = OwnedSemaphorePermit;
///     fn name(&self) -> &'static str { "at_most" }
///     fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<OwnedSemaphorePermit> {
///         match Arc::clone(&self.0).try_acquire_owned() {
///             Ok(permit) => Verdict::Admit(permit),
///             Err(_) => Rejection::unavailable(Duration::from_secs(1)).into(),
///         }
///     }
///     fn close(&self, _: &SecurityContext, permit: OwnedSemaphorePermit, outcome: Outcome) {
///         tracing::debug!(kind = outcome.kind.as_str(), bytes = outcome.bytes, "request ended");
///         drop(permit); // The default does only this.
///     }
/// }
/// layer!(AtMost);
///
/// let layer = AtMost(Arc::new(Semaphore::new(8)));
/// ```
pub trait Guard: Send + Sync + 'static {
    /// What is held from admission until the response is over, such as a permit. Use `()` if
    /// nothing is held.
    type Pass: Send + 'static;

    /// Returns a stable label for facts, metrics and explanations.
    ///
    /// It appears in [`Refusal::guard`](crate::Refusal::guard), in
    /// [`Guards::guard_names`](crate::Guards::guard_names) and in logs.
    fn name(&self) -> &'static str;

    /// Tells whether refusals are enforced. Default: [`Mode::Enforce`]. In shadow the core records
    /// them among the [shadow refusals](crate::Observations::shadow_refusals) and lets the request
    /// pass.
    fn mode(&self) -> Mode {
        Mode::Enforce
    }

    /// Decides about the head of a request. Runs inside `Service::call` and must not block.
    ///
    /// Remove what must be stripped before returning [`Verdict::Later`], and strip nothing in
    /// shadow. Return `Later` for I/O. The body is not available here; see
    /// [`RequestBody`](crate::RequestBody).
    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Self::Pass>;

    /// Sees the head of the response if this guard admitted. Inner guards come first, and the
    /// refusals of inner guards are seen too.
    ///
    /// May replace the response by refusing. Not called for this guard's own refusal: a guard adds
    /// headers to its own [`Rejection`](crate::Rejection). Default: changes nothing.
    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Self::Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let _ = (cx, pass, head);
        Verdict::Admit(())
    }

    /// Takes the pass back, exactly once for each that was given, inner guards first.
    ///
    /// It may run inside `Drop`, without a runtime, while unwinding: it must not block. A panic is
    /// caught and recorded. Default: drops the pass.
    fn close(&self, cx: &SecurityContext, pass: Self::Pass, outcome: Outcome) {
        let _ = (cx, pass, outcome);
    }
}

/// Whether a guard's refusals are enforced.
///
/// Roll out a new guard in shadow: read from the audit trail what it would refuse, correct the
/// configuration, then enforce.
///
/// ```
/// use palisade_core::{AccessLayer, Guard, Mode};
///
/// let enforced = AccessLayer::new([]);
/// assert_eq!(enforced.mode(), Mode::Enforce);
/// let shadow = AccessLayer::builder([]).dangerously_only_shadow().build();
/// assert_eq!(shadow.mode(), Mode::Shadow);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // The core must handle every mode.
pub enum Mode {
    /// Refusals are sent to the client. The default.
    #[default]
    Enforce,
    /// Refusals are recorded, and the request continues. A guard in shadow neither strips nor
    /// rewrites.
    Shadow,
}
