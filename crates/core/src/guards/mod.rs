//! What one [`GuardService`](crate::GuardService) runs: a guard, or a sequence of guards.
//!
//! A guard that returns [`Verdict::Later`](crate::Verdict::Later) suspends the whole sequence,
//! which resumes where it stopped. Authors of guards do not see this. [`one`] runs a single guard,
//! [`combine`] and [`list`] run several.

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

/// The outcome of one step of a sequence: pending, done, or the refusal that ends it.
pub(crate) type Step = Poll<Result<(), Box<Rejection>>>;

/// A guard or a sequence of guards.
///
/// Sealed. Implemented for every [`Guard`](crate::Guard), [`Chain`], `Option` (`None` admits
/// everything), `Arc` and [`GuardList`].
pub trait Guards: sealed::Sealed + Send + Sync + 'static {
    /// The state of each guard for one request.
    #[doc(hidden)]
    type Slots: Default + Send + 'static;

    /// Admits from the outside in. Resumes where it stopped.
    #[doc(hidden)]
    fn poll_admit(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step;

    /// Finishes from the inside out. Resumes where it stopped, also after a refusal.
    #[doc(hidden)]
    fn poll_finish(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step;

    /// Closes every guard that admitted, from the inside out.
    #[doc(hidden)]
    fn close(&self, cx: &SecurityContext, slots: Self::Slots, end: Ending);

    /// Returns the names of the guards from the outside in, for explanations and logs.
    fn names(&self) -> Vec<&'static str>;
}

pub(crate) mod sealed {
    /// Prevents other crates from implementing [`Guards`](super::Guards).
    #[allow(unnameable_types)] // That it cannot be named is the seal.
    pub trait Sealed {}
}
