//! Guards together: what one [`GuardService`](crate::GuardService) runs.
//!
//! A guard that returns [`Verdict::Later`](crate::Verdict::Later) suspends the whole sequence,
//! which resumes where it stopped. Authors of guards do not see this. [`single`] runs one guard,
//! [`tuple`] and [`list`] run several.

mod tuple;
mod list;
mod optional;
mod single;

use std::task::{Context, Poll};

use http::{request, response};

pub use self::list::{AnyGuard, GuardList};
use self::single::GuardState;
use crate::{
    context::SecurityContext,
    guard::{Mode, Outcome},
    rejection::Rejection,
};

/// The outcome of one step of a sequence: pending, done, or the refusal that ends it.
pub(crate) type Step = Poll<Result<(), Box<Rejection>>>;

/// A guard, or a sequence of guards: what one [`GuardService`](crate::GuardService) runs.
///
/// Write a sequence as a tuple, from the outside in. Its elements are guards, or sequences:
///
/// | element | meaning |
/// |---|---|
/// | a [`Guard`](crate::Guard) | that guard |
/// | `Option<G>` | a guard that may be absent: `None` admits everything and is not listed |
/// | [`GuardList`] | guards that are known only at run time |
/// | `Arc<G>` | a sequence that several services share |
/// | a tuple of 1 to 20 elements | these, one after the other |
///
/// A request is admitted from the first guard to the last. If one refuses, those after it do not
/// see the request. Responses are finished, and passes closed, from the last guard to the first. A
/// tuple costs no allocation for each guard.
///
/// The trait is sealed: implement [`Guard`](crate::Guard) for a custom decision.
///
/// # Examples
///
/// A stack whose type says the order, one guard a line:
///
/// ```
/// use palisade_core::{AccessLayer, GuardLayer, Guards, NotFoundLayer, RenderLayer, RequestIdLayer};
///
/// type Stack = (
///     RequestIdLayer,      // every response has it
///     Option<RenderLayer>, // it renders every refusal of the guards inside it
///     NotFoundLayer,       // before a credential is read
///     AccessLayer,         // compares the principal with the rule
/// );
///
/// let stack: Stack = (RequestIdLayer::new(), None, NotFoundLayer::new(), AccessLayer::new([]));
/// assert_eq!(stack.guard_names(), ["request_id", "not_found", "access"]);
/// let layer = GuardLayer(stack); // a tower layer
/// ```
///
/// Explanations and tests read the order from the value, so it is written once:
///
/// ```
/// use palisade_core::{AccessLayer, Guards, Mode, NotFoundLayer};
///
/// let stack = (NotFoundLayer::new(), AccessLayer::builder([]).dangerously_only_shadow().build());
/// let lines: Vec<_> = stack.list_guards().iter().map(|guard| match guard.mode {
///     Mode::Enforce => guard.name.to_owned(),
///     Mode::Shadow => format!("{} (records, does not refuse)", guard.name),
/// }).collect();
/// assert_eq!(lines, ["not_found", "access (records, does not refuse)"]);
/// ```
pub trait Guards: sealed::Sealed + Send + Sync + 'static {
    /// The state of each guard for one request.
    #[doc(hidden)]
    type States: Send + 'static;

    /// Makes the states of a request that no guard has seen.
    #[doc(hidden)]
    fn new_states() -> Self::States;

    /// Admits from the outside in. Resumes where it stopped.
    #[doc(hidden)]
    fn poll_admit(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step;

    /// Finishes from the inside out. Resumes where it stopped, also after a refusal.
    #[doc(hidden)]
    fn poll_finish(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step;

    /// Closes every guard that admitted, from the inside out. The states stay where they are, without their passes.
    #[doc(hidden)]
    fn close(&self, cx: &SecurityContext, states: &mut Self::States, outcome: Outcome);

    /// Lists the guards that are there, from the outside in. An `Option` that is `None` adds none.
    fn list_guards(&self) -> Vec<GuardInfo>;

    /// Returns the names of the guards that are there, from the outside in.
    fn guard_names(&self) -> Vec<&'static str> {
        self.list_guards().iter().map(|guard| guard.name).collect()
    }
}

/// What a sequence says about one of its guards, for explanations, logs and tests.
///
/// [`Guards::list_guards`] returns one for each guard, from the outside in. Compare it in a test, so that a
/// change of the order is noticed:
///
/// ```
/// use palisade_core::{Guards, Mode, NotFoundLayer, RequestIdLayer};
///
/// let stack = (RequestIdLayer::new(), NotFoundLayer::new());
/// let list = stack.list_guards();
/// assert_eq!(list[0].name, "request_id");
/// assert!(list.iter().all(|guard| guard.mode == Mode::Enforce));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GuardInfo {
    /// The [name](crate::Guard::name) of the guard.
    pub name: &'static str,
    /// Whether its refusals are enforced.
    pub mode: Mode,
}

pub(crate) mod sealed {
    /// Prevents other crates from implementing [`Guards`](super::Guards).
    #[allow(unnameable_types)] // That it cannot be named is the seal.
    pub trait Sealed {}
}
