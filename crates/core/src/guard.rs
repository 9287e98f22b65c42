//! The contract of a security decision around a request: [`Guard`], its [`Verdict`], its
//! [`Outcome`].
//!
//! [`GuardService`](crate::GuardService) calls the three methods in order: `admit`, `finish`,
//! `close`. A sequence admits from the outside in, and finishes and closes from the inside out.

use std::{fmt, future::Future};

use http::{StatusCode, request, response};

use crate::{BoxFuture, Rejection, SecurityContext};

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
pub trait Guard: Send + Sync + 'static {
    /// What is held from admission until the response is over, such as a permit. Use `()` if
    /// nothing is held.
    type Pass: Send + 'static;

    /// Returns a stable label for facts, metrics and explanations.
    ///
    /// It appears in [`Refusal::guard`](crate::Refusal::guard), in
    /// [`Guards::names`](crate::Guards::names) and in logs.
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
    /// headers to its own [`Rejection`]. Default: changes nothing.
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

/// The decision of a guard: at once in the common case, later if it needs I/O.
///
/// A [`Rejection`], boxed or not, and a `Result` convert into it with `.into()`.
#[allow(clippy::exhaustive_enums)] // The core must handle every verdict.
pub enum Verdict<P> {
    /// Admits the request, with a pass that is held until the response is over.
    Admit(P),
    /// Refuses the request. The core renders the rejection and records it.
    Refuse(Box<Rejection>),
    /// Decides later. The future owns everything it needs and brings its own timeout: the core has
    /// none.
    ///
    /// It may be dropped at any await, when the client leaves. What it has taken by then, it must
    /// give back by a drop guard.
    Later(BoxFuture<Result<P, Box<Rejection>>>),
}

impl<P: Send + 'static> Verdict<P> {
    /// Boxes a decision that needs time.
    ///
    /// Costs one allocation. Use [`Verdict::Admit`] or [`Verdict::Refuse`] if the decision is
    /// known.
    pub fn later(
        decision: impl Future<Output = Result<P, Box<Rejection>>> + Send + 'static,
    ) -> Self {
        Self::Later(Box::pin(decision))
    }

    /// Continues with another decision once admitted. A refusal is returned unchanged, and `next`
    /// is not called.
    #[must_use]
    pub fn and_then<Q: Send + 'static>(
        self,
        next: impl FnOnce(P) -> Result<Q, Box<Rejection>> + Send + 'static,
    ) -> Verdict<Q> {
        match self {
            Self::Admit(pass) => next(pass).into(),
            Self::Refuse(rejection) => Verdict::Refuse(rejection),
            Self::Later(decision) => Verdict::later(async move { next(decision.await?) }),
        }
    }
}

impl<P> From<Rejection> for Verdict<P> {
    fn from(rejection: Rejection) -> Self {
        Self::Refuse(Box::new(rejection))
    }
}

impl<P> From<Box<Rejection>> for Verdict<P> {
    fn from(rejection: Box<Rejection>) -> Self {
        Self::Refuse(rejection)
    }
}

impl<P> From<Result<P, Box<Rejection>>> for Verdict<P> {
    fn from(result: Result<P, Box<Rejection>>) -> Self {
        match result {
            Ok(pass) => Self::Admit(pass),
            Err(rejection) => Self::Refuse(rejection),
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for Verdict<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit(pass) => f.debug_tuple("Admit").field(pass).finish(),
            Self::Refuse(rejection) => f.debug_tuple("Refuse").field(rejection).finish(),
            Self::Later(_) => f.write_str("Later(..)"),
        }
    }
}

/// Whether a guard's refusals are enforced.
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

/// How one request ended, as seen by a guard in [`Guard::close`].
///
/// Guards of one [`GuardService`](crate::GuardService) see the same values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The way in which it ended.
    pub kind: OutcomeKind,
    /// The status of the response. `None` if there was no response.
    pub status: Option<StatusCode>,
    /// Bytes of the response body that were handed to the server. The client may have received
    /// fewer.
    pub bytes: u64,
    /// The status of a gRPC response, from its trailers or, without trailers, from its head. `None`
    /// if it is not a gRPC call or has no readable status.
    pub grpc_status: Option<u16>,
}

impl Outcome {
    /// Describes an ending without a gRPC status. For tests of guards, and for code that calls
    /// guards itself.
    #[must_use]
    pub const fn new(kind: OutcomeKind, status: Option<StatusCode>, bytes: u64) -> Self {
        Self {
            kind,
            status,
            bytes,
            grpc_status: None,
        }
    }
}

/// The ways in which a request ends. [`as_str`](Self::as_str) gives the names used in records.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OutcomeKind {
    /// The body of the response was dropped before its end: the client left.
    BodyDropped,
    /// The body of the response returned an error.
    BodyFailed,
    /// The request was dropped before there was a response: the client left, or a timeout expired.
    Cancelled,
    /// The whole response was handed to the server.
    Complete,
    /// The service, a guard or the response body panicked.
    Panicked,
    /// The service returned an error in place of a response.
    ServiceFailed,
    /// The connection changed its protocol (WebSocket, `CONNECT`), and its last
    /// [`Lease`](crate::Lease) was dropped.
    Upgraded,
}

impl OutcomeKind {
    /// Returns a stable name for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyDropped => "body_dropped",
            Self::BodyFailed => "body_failed",
            Self::Cancelled => "cancelled",
            Self::Complete => "complete",
            Self::Panicked => "panicked",
            Self::ServiceFailed => "service_failed",
            Self::Upgraded => "upgraded",
        }
    }
}
