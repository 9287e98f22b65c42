//! The combinators: two sequences ([`Chain`]), an optional one (`Option`), a shared one (`Arc`).

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{request, response};

use super::{GuardInfo, Guards, Step, sealed::Sealed};
use crate::{Outcome, SecurityContext};

/// Two sequences of guards, the first outside the second. Chains nest, without an allocation.
///
/// If the first refuses, the second does not see the request. For a list that is known at run time
/// only, use [`GuardList`](crate::GuardList).
///
/// ```
/// use palisade_core::{Chain, Guards, NotFoundLayer, AccessLayer};
///
/// let both = Chain(NotFoundLayer::new(), AccessLayer::new([]));
/// assert_eq!(both.names(), ["not_found", "access"]);
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // A pair, made to be written down.
pub struct Chain<A, B>(pub A, pub B);

impl<A: Guards, B: Guards> Sealed for Chain<A, B> {}

impl<A: Guards, B: Guards> Guards for Chain<A, B> {
    type States = (A::States, B::States);

    fn new_states() -> Self::States {
        (A::new_states(), B::new_states())
    }

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        // A guard that has decided says so again at once, so resuming costs next to nothing.
        ready!(self.0.poll_admit(cx, &mut states.0, head, task))?;
        self.1.poll_admit(cx, &mut states.1, head, task)
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        ready!(self.1.poll_finish(cx, &mut states.1, head, task))?;
        self.0.poll_finish(cx, &mut states.0, head, task)
    }

    fn close(&self, cx: &SecurityContext, states: Self::States, outcome: Outcome) {
        self.1.close(cx, states.1, outcome);
        self.0.close(cx, states.0, outcome);
    }

    fn list(&self) -> Vec<GuardInfo> {
        let mut all = self.0.list();
        all.extend(self.1.list());
        all
    }
}

/// An optional sequence. `None` admits everything.
impl<G: Guards> Sealed for Option<G> {}

impl<G: Guards> Guards for Option<G> {
    type States = G::States;

    fn new_states() -> Self::States {
        G::new_states()
    }

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        match self {
            Some(guards) => guards.poll_admit(cx, states, head, task),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        match self {
            Some(guards) => guards.poll_finish(cx, states, head, task),
            None => Poll::Ready(Ok(())),
        }
    }

    fn close(&self, cx: &SecurityContext, states: Self::States, outcome: Outcome) {
        if let Some(guards) = self {
            guards.close(cx, states, outcome);
        }
    }

    fn list(&self) -> Vec<GuardInfo> {
        self.as_ref().map(Guards::list).unwrap_or_default()
    }
}

/// A shared sequence: cloning it costs one reference count.
impl<G: Guards> Sealed for Arc<G> {}

impl<G: Guards> Guards for Arc<G> {
    type States = G::States;

    fn new_states() -> Self::States {
        G::new_states()
    }

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        G::poll_admit(self, cx, states, head, task)
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        states: &mut Self::States,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        G::poll_finish(self, cx, states, head, task)
    }

    fn close(&self, cx: &SecurityContext, states: Self::States, outcome: Outcome) {
        G::close(self, cx, states, outcome);
    }

    fn list(&self) -> Vec<GuardInfo> {
        G::list(self)
    }
}
