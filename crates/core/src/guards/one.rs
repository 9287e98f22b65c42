//! One guard, and the state that it is in.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, ready},
};

use http::{request, response};

use super::{Guards, Step, sealed::Sealed};
use crate::{BoxFuture, Ending, Fact, Guard, Mode, Rejection, SecurityContext, Verdict};

/// How far one guard has come with one request.
#[allow(unnameable_types)] // Nobody outside has a use for it.
pub struct Slot<P>(State<P>);

enum State<P> {
    Asking(BoxFuture<Result<P, Box<Rejection>>>),
    Empty,
    Finished(P),
    Finishing(P, BoxFuture<Result<(), Box<Rejection>>>),
    Holding(P),
    Skipped,
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
        if matches!(slot.0, State::Empty) {
            match self.admit(cx, head) {
                Verdict::Admit(pass) => slot.0 = State::Holding(pass),
                Verdict::Later(decision) => slot.0 = State::Asking(decision),
                Verdict::Refuse(rejection) => {
                    slot.0 = State::Skipped;
                    return Poll::Ready(turned_away(self, cx, rejection));
                }
            }
        }
        let State::Asking(decision) = &mut slot.0 else {
            return Poll::Ready(Ok(()));
        };
        match ready!(poll(decision, task)) {
            Ok(pass) => slot.0 = State::Holding(pass),
            Err(rejection) => {
                slot.0 = State::Skipped;
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
        // The pass stays in its slot meanwhile: should `finish` panic, it is still closed.
        if let State::Holding(pass) = &mut slot.0 {
            match self.finish(cx, pass, head) {
                Verdict::Admit(()) => slot.finished(),
                Verdict::Later(decision) => slot.finishing(decision),
                Verdict::Refuse(rejection) => {
                    slot.finished();
                    return Poll::Ready(refused(self, cx, rejection));
                }
            }
        }
        let State::Finishing(_, decision) = &mut slot.0 else {
            return Poll::Ready(Ok(()));
        };
        let outcome = ready!(poll(decision, task));
        slot.finished();
        Poll::Ready(outcome.or_else(|rejection| refused(self, cx, rejection)))
    }

    fn close(&self, cx: &SecurityContext, slot: Self::Slots, end: Ending) {
        let Some(pass) = slot.into_pass() else {
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

/// Polls where there is a task to be woken. The first try, inside `Service::call`, has none.
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

/// Makes a refusal count, or only noted where the guard is in shadow.
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
    fn finished(&mut self) {
        if let Some(pass) = self.take_pass() {
            self.0 = State::Finished(pass);
        }
    }

    fn finishing(&mut self, decision: BoxFuture<Result<(), Box<Rejection>>>) {
        if let Some(pass) = self.take_pass() {
            self.0 = State::Finishing(pass, decision);
        }
    }

    fn take_pass(&mut self) -> Option<P> {
        mem::take(self).into_pass()
    }

    fn into_pass(self) -> Option<P> {
        match self.0 {
            State::Finished(pass) | State::Finishing(pass, _) | State::Holding(pass) => Some(pass),
            State::Asking(_) | State::Empty | State::Skipped => None,
        }
    }
}

impl<P> Default for Slot<P> {
    fn default() -> Self {
        Self(State::Empty)
    }
}

impl<P> fmt::Debug for Slot<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Asking(_) => "asking",
            State::Empty => "empty",
            State::Finished(_) => "finished",
            State::Finishing(..) => "finishing",
            State::Holding(_) => "holding",
            State::Skipped => "skipped",
        })
    }
}
