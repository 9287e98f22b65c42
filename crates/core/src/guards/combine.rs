//! The combinators: two sequences ([`Chain`]), an optional one (`Option`), a shared one (`Arc`).

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{request, response};

use super::{Guards, Step, sealed::Sealed};
use crate::{Ending, SecurityContext};

/// Two sequences of guards, the first outside the second. Chains nest, without an allocation.
///
/// If the first refuses, the second does not see the request. For a list that is known at run time
/// only, use [`GuardList`](crate::GuardList).
///
/// ```
/// use palisade_core::{Chain, Guards, KnownLayer, AccessLayer};
///
/// let both = Chain(KnownLayer::new(), AccessLayer::new([]));
/// assert_eq!(both.names(), ["known", "access"]);
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // A pair, made to be written down.
pub struct Chain<A, B>(pub A, pub B);

impl<A: Guards, B: Guards> Sealed for Chain<A, B> {}

impl<A: Guards, B: Guards> Guards for Chain<A, B> {
    type Slots = (A::Slots, B::Slots);

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        // A guard that has decided says so again at once, so resuming costs next to nothing.
        ready!(self.0.poll_admit(cx, &mut slots.0, head, task))?;
        self.1.poll_admit(cx, &mut slots.1, head, task)
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        ready!(self.1.poll_finish(cx, &mut slots.1, head, task))?;
        self.0.poll_finish(cx, &mut slots.0, head, task)
    }

    fn close(&self, cx: &SecurityContext, slots: Self::Slots, end: Ending) {
        self.1.close(cx, slots.1, end);
        self.0.close(cx, slots.0, end);
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names = self.0.names();
        names.extend(self.1.names());
        names
    }
}

/// An optional sequence. `None` admits everything.
impl<G: Guards> Sealed for Option<G> {}

impl<G: Guards> Guards for Option<G> {
    type Slots = G::Slots;

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        match self {
            Some(guards) => guards.poll_admit(cx, slots, head, task),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        match self {
            Some(guards) => guards.poll_finish(cx, slots, head, task),
            None => Poll::Ready(Ok(())),
        }
    }

    fn close(&self, cx: &SecurityContext, slots: Self::Slots, end: Ending) {
        if let Some(guards) = self {
            guards.close(cx, slots, end);
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.as_ref().map(Guards::names).unwrap_or_default()
    }
}

/// A shared sequence: cloning it costs one reference count.
impl<G: Guards> Sealed for Arc<G> {}

impl<G: Guards> Guards for Arc<G> {
    type Slots = G::Slots;

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        G::poll_admit(self, cx, slots, head, task)
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        slots: &mut Self::Slots,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        G::poll_finish(self, cx, slots, head, task)
    }

    fn close(&self, cx: &SecurityContext, slots: Self::Slots, end: Ending) {
        G::close(self, cx, slots, end);
    }

    fn names(&self) -> Vec<&'static str> {
        G::names(self)
    }
}
