//! Runs one guard, and stores how far it has come with a request.
//!
//! The combinators and the list call it, and so does `Held` in the module `machine`. Refusals are
//! recorded here, and shadow mode is applied here: a refusal in shadow is recorded, and the request
//! continues without a pass. A panic in `close` is caught here and recorded.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, ready},
};

use http::{request, response};

use super::{Guards, Step, sealed::Sealed};
use crate::{BoxFuture, Ending, Fact, Guard, Mode, Rejection, SecurityContext, Verdict};

/// How far one guard has come with one request, and its pass after it admitted.
#[allow(unnameable_types)] // No other crate has a use for it.
pub struct Slot<P> {
    pass: Option<P>,
    state: State<P>,
}

/// The state of one guard for one request.
enum State<P> {
    /// `admit` was not called yet.
    Empty,
    /// `admit` returned a future, which is not ready yet.
    Asking(BoxFuture<Result<P, Box<Rejection>>>),
    /// The decision is made. There is a pass if the guard admitted.
    Decided,
    /// `finish` returned a future, which is not ready yet.
    Finishing(BoxFuture<Result<(), Box<Rejection>>>),
    /// `finish` was called and is done, or it panicked.
    Finished,
}

impl<G: Guard> Sealed for G {}

impl<G: Guard> Guards for G {
    type Slots = Slot<G::Pass>;

    fn poll_admit(
        &self,
        cx: &SecurityContext,
        slot: &mut Self::Slots,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        if matches!(slot.state, State::Empty) {
            match self.admit(cx, head) {
                Verdict::Admit(pass) => slot.decided(Some(pass)),
                Verdict::Later(decision) => slot.state = State::Asking(decision),
                Verdict::Refuse(rejection) => {
                    slot.decided(None);
                    return Poll::Ready(turned_away(self, cx, rejection));
                }
            }
        }
        let State::Asking(decision) = &mut slot.state else {
            return Poll::Ready(Ok(()));
        };
        match ready!(poll(decision, task)) {
            Ok(pass) => slot.decided(Some(pass)),
            Err(rejection) => {
                slot.decided(None);
                return Poll::Ready(turned_away(self, cx, rejection));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_finish(
        &self,
        cx: &SecurityContext,
        slot: &mut Self::Slots,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let Some(pass) = &mut slot.pass else {
            return Poll::Ready(Ok(())); // It did not admit.
        };
        // The state is `Finished` while the guard's code runs: a guard that panics is not called again.
        let mut decision = match mem::replace(&mut slot.state, State::Finished) {
            State::Finished => return Poll::Ready(Ok(())),
            State::Finishing(decision) => decision,
            State::Empty | State::Asking(_) | State::Decided => match self.finish(cx, pass, head) {
                Verdict::Admit(()) => return Poll::Ready(Ok(())),
                Verdict::Later(decision) => decision,
                Verdict::Refuse(rejection) => return Poll::Ready(refused(self, cx, rejection)),
            },
        };
        let outcome = poll(&mut decision, task);
        if outcome.is_pending() {
            slot.state = State::Finishing(decision);
        }
        outcome.map(|outcome| outcome.or_else(|rejection| refused(self, cx, rejection)))
    }

    fn close(&self, cx: &SecurityContext, slot: Self::Slots, end: Ending) {
        let Some(pass) = slot.pass else {
            return;
        };
        // A panic in here, while unwinding, would end the process and skip the other guards.
        let closed = catch_unwind(AssertUnwindSafe(|| Guard::close(self, cx, pass, end)));
        if closed.is_err() {
            let guard = self.name();
            cx.record(Fact::ClosePanicked { guard });
        }
    }

    fn names(&self) -> Vec<&'static str> {
        vec![self.name()]
    }
}

/// Polls if there is a task to wake. The first try, inside `Service::call`, has none.
fn poll<T>(future: &mut BoxFuture<T>, task: &mut Option<&mut Context<'_>>) -> Poll<T> {
    match task {
        Some(task) => future.as_mut().poll(task),
        None => Poll::Pending,
    }
}

/// Refuses a request that has not reached the handler.
fn turned_away<G: Guard>(
    guard: &G,
    cx: &SecurityContext,
    rejection: Box<Rejection>,
) -> Result<(), Box<Rejection>> {
    let outcome = refused(guard, cx, rejection);
    if outcome.is_err() {
        cx.turn_away();
    }
    outcome
}

/// Records a refusal. In shadow it is recorded as a shadow refusal, and the request continues.
fn refused<G: Guard>(
    guard: &G,
    cx: &SecurityContext,
    mut rejection: Box<Rejection>,
) -> Result<(), Box<Rejection>> {
    match guard.mode() {
        Mode::Enforce => {
            cx.refuse(guard.name(), &mut rejection);
            Err(rejection)
        }
        Mode::Shadow => {
            cx.would_refuse(guard.name(), &rejection);
            Ok(())
        }
    }
}

impl<P> Slot<P> {
    /// Stores the decision.
    fn decided(&mut self, pass: Option<P>) {
        self.pass = pass;
        self.state = State::Decided;
    }
}

impl<P> Default for Slot<P> {
    fn default() -> Self {
        Self {
            pass: None,
            state: State::Empty,
        }
    }
}

impl<P> fmt::Debug for Slot<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Asking(_) => "asking",
            State::Decided if self.pass.is_some() => "admitted",
            State::Decided => "skipped",
            State::Empty => "empty",
            State::Finished => "finished",
            State::Finishing(_) => "finishing",
        })
    }
}
