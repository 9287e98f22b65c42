//! The contract of a security decision around a request.

use std::{fmt, future::Future};

use http::{StatusCode, request, response};

use crate::{BoxFuture, Rejection, SecurityContext};

/// One security decision around a request. Cheap to clone (one `Arc`), finished at build.
///
/// A guard that admits keeps its [`Pass`](Self::Pass) until the answer is over, however it ends.
///
/// ```
/// use http::{StatusCode, request};
/// use palisade_core::{Guard, Rejection, SecurityContext, Verdict};
///
/// /// Turns requests away while the house is being painted.
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
    /// What is held from admission until the answer is over. A permit is a `Pass`.
    type Pass: Send + 'static;

    /// Returns a stable label for facts, metrics and explanations.
    fn name(&self) -> &'static str;

    /// Tells whether refusals count. In shadow the machine notes them among the
    /// [shadow refusals](crate::Observations::shadow_refusals) and goes on.
    fn mode(&self) -> Mode {
        Mode::Enforce
    }

    /// Judges the head of a request. Runs inside `Service::call` and must not block. What must be
    /// stripped is stripped before [`Verdict::Later`] is returned, and not at all in shadow.
    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Self::Pass>;

    /// Sees the head of the answer if it admitted, inner guards first, refusals of inner guards
    /// included. May replace the answer by refusing. Not called for this guard's own refusal:
    /// a guard dresses its own [`Rejection`].
    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Self::Pass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let _ = (cx, pass, head);
        Verdict::Admit(())
    }

    /// Takes the pass back, exactly once for each that was given, inner guards first. Possibly runs
    /// inside `Drop`, without a runtime, while unwinding: it must not block. A panic is caught and recorded.
    fn close(&self, cx: &SecurityContext, pass: Self::Pass, end: Ending) {
        let _ = (cx, pass, end);
    }
}

/// The answer of a guard: at once in the common case, later when a network must be asked.
#[allow(clippy::exhaustive_enums)] // The machine must know every verdict.
pub enum Verdict<P> {
    /// Goes on inwards, with a pass.
    Admit(P),
    /// Turns the request away.
    Refuse(Box<Rejection>),
    /// Decides later. The future owns everything it needs, may be dropped at any await (what it
    /// took by then it gives back by a drop guard of its own) and brings its own deadline.
    Later(BoxFuture<Result<P, Box<Rejection>>>),
}

impl<P: Send + 'static> Verdict<P> {
    /// Boxes a decision that needs time.
    pub fn later(
        decision: impl Future<Output = Result<P, Box<Rejection>>> + Send + 'static,
    ) -> Self {
        Self::Later(Box::pin(decision))
    }

    /// Decides further once admitted.
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

/// Whether a guard's refusals count.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // The machine must know every mode.
pub enum Mode {
    /// They do.
    #[default]
    Enforce,
    /// They are recorded, and the request goes on. A guard in shadow neither strips nor rewrites.
    Shadow,
}

/// How one request ended, as seen where the guard stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ending {
    /// In which way it ended.
    pub how: How,
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// Bytes of the body that were handed to the server (not: received by the client).
    pub bytes: u64,
    /// The status of a gRPC answer, from its trailers or, where there are none, from its head.
    pub grpc_status: Option<u16>,
}

impl Ending {
    /// Describes an ending; for tests of guards, and for those who drive guards without the machine.
    #[must_use]
    pub const fn new(how: How, status: Option<StatusCode>, bytes: u64) -> Self {
        Self {
            how,
            status,
            bytes,
            grpc_status: None,
        }
    }
}

/// The ways in which a request ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum How {
    /// The body of the answer was dropped before its end: the client left.
    BodyDropped,
    /// The body of the answer failed.
    BodyFailed,
    /// The request was dropped before there was an answer.
    Cancelled,
    /// The answer was handed over whole.
    Complete,
    /// The service, or a guard, panicked.
    Panicked,
    /// The service answered with an error.
    ServiceFailed,
    /// The connection became something else (WebSocket, `CONNECT`), and that is over.
    Upgraded,
}

impl How {
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
