//! What one machine runs: a guard, or a sequence of guards.
//!
//! A guard that answers [`Verdict::Later`](crate::Verdict::Later) suspends the whole sequence; it
//! resumes where it stopped. Authors of guards never see this.

mod combine;
mod list;
mod one;

use std::task::{Context, Poll};

use http::{request, response};

use self::one::Slot;
pub use self::{
    combine::Chain,
    list::{AnyGuard, GuardList},
};
use crate::{Ending, Rejection, SecurityContext};

/// The outcome of a step of a sequence.
pub(crate) type Step = Poll<Result<(), Box<Rejection>>>;

/// A guard or a sequence of guards. Sealed: implemented for every [`Guard`](crate::Guard), and for
/// [`Chain`], `Option`, `Arc` and [`GuardList`].
pub trait Guards: sealed::Sealed + Send + Sync + 'static {
    /// One state a guard.
    #[doc(hidden)]
    type Slots: Default + Send + 'static;

    /// Admits from the outside in; goes on where it stopped.
    #[doc(hidden)]
    fn poll_admit(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step;

    /// Finishes from the inside out; goes on where it stopped, also after a refusal.
    #[doc(hidden)]
    fn poll_finish(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step;

    /// Closes from the inside out.
    #[doc(hidden)]
    fn close(&self, cx: &SecurityContext, slots: Self::Slots, end: Ending);

    /// Names the guards from the outside in, for explanations.
    fn names(&self) -> Vec<&'static str>;
}

pub(crate) mod sealed {
    /// Closes [`Guards`](super::Guards) to other crates.
    #[allow(unnameable_types)] // That it cannot be named is the seal.
    pub trait Sealed {}
}
