//! Sequences that may be absent (`Option`) or are shared (`Arc`).

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{request, response};

use super::{GuardInfo, Guards, Step, sealed::Sealed};
use crate::{context::SecurityContext, guard::Outcome};

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

    fn close(&self, cx: &SecurityContext, states: &mut Self::States, outcome: Outcome) {
        if let Some(guards) = self {
            guards.close(cx, states, outcome);
        }
    }

    fn list_guards(&self) -> Vec<GuardInfo> {
        self.as_ref().map(Guards::list_guards).unwrap_or_default()
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

    fn close(&self, cx: &SecurityContext, states: &mut Self::States, outcome: Outcome) {
        G::close(self, cx, states, outcome);
    }

    fn list_guards(&self) -> Vec<GuardInfo> {
        G::list_guards(self)
    }
}
