//! Runs one guard, and stores how far it has come with a request.
//!
//! Refusals are recorded here, and shadow mode is applied here: a refusal in shadow is recorded, and
//! the request continues without a pass. A panic in `close` is caught here and recorded.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, ready},
};

use http::{request, response};

use super::{GuardInfo, Guards, Step, sealed::Sealed};
use crate::{
    context::{Fact, SecurityContext},
    guard::{Guard, Mode, Outcome, Verdict},
    maybe_ready::BoxFuture,
    rejection::Rejection,
};

/// How far one guard has come with one request. It holds the pass after the guard admitted.
#[allow(unnameable_types)] // No other crate has a use for it.
pub struct GuardState<P>(State<P>);

/// The states of one guard, each with what it needs.
enum State<P> {
    /// `admit` was not called yet.
    NotCalled,
    /// `admit` returned a future, which is not ready yet.
    Deciding(BoxFuture<Result<P, Box<Rejection>>>),
    /// It refused, also in shadow. It has no pass and does not see the response.
    Refused,
    /// It admitted.
    Admitted { pass: P, finish: FinishState },
}

/// How far `finish` has come.
enum FinishState {
    /// It was not called yet.
    NotCalled,
    /// It returned a future, which is not ready yet.
    Deciding(BoxFuture<Result<(), Box<Rejection>>>),
    /// It was called and is done, or it panicked.
    Called,
}

impl<G: Guard> Sealed for G {}

impl<G: Guard> Guards for G {
    type States = GuardState<G::Pass>;

    fn new_states() -> Self::States {
        GuardState(State::NotCalled)
    }

    #[inline]
    fn poll_admit(
        &self,
        cx: &SecurityContext,
        state: &mut Self::States,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let decision = match &mut state.0 {
            State::NotCalled => match self.admit(cx, head) {
                // Most requests. Written at once, so that the pass is moved only here.
                Verdict::Admit(pass) => {
                    state.0 = State::admitted(pass);
                    return Poll::Ready(Ok(()));
                }
                Verdict::Refuse(rejection) => Err(rejection),
                Verdict::Later(mut decision) => match poll(&mut decision, task) {
                    Poll::Ready(decision) => decision,
                    Poll::Pending => {
                        state.0 = State::Deciding(decision);
                        return Poll::Pending;
                    }
                },
            },
            State::Deciding(decision) => ready!(poll(decision, task)),
            State::Refused | State::Admitted { .. } => return Poll::Ready(Ok(())),
        };
        Poll::Ready(match decision {
            Ok(pass) => {
                state.0 = State::admitted(pass);
                Ok(())
            }
            Err(rejection) => {
                state.0 = State::Refused;
                refuse_request(self, cx, rejection)
            }
        })
    }

    #[inline]
    fn poll_finish(
        &self,
        cx: &SecurityContext,
        state: &mut Self::States,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let State::Admitted { pass, finish } = &mut state.0 else {
            return Poll::Ready(Ok(()));
        };
        // `Called` while the guard's code runs: a guard that panics is not called again.
        let mut decision = match mem::replace(finish, FinishState::Called) {
            FinishState::Called => return Poll::Ready(Ok(())),
            FinishState::Deciding(decision) => decision,
            FinishState::NotCalled => match self.finish(cx, pass, head) {
                Verdict::Admit(()) => return Poll::Ready(Ok(())),
                Verdict::Later(decision) => decision,
                Verdict::Refuse(rejection) => return Poll::Ready(refuse(self, cx, rejection)),
            },
        };
        let outcome = poll(&mut decision, task);
        if outcome.is_pending() {
            *finish = FinishState::Deciding(decision);
        }
        outcome.map(|outcome| outcome.or_else(|rejection| refuse(self, cx, rejection)))
    }

    #[inline]
    fn close(&self, cx: &SecurityContext, state: &mut Self::States, outcome: Outcome) {
        if matches!(state.0, State::NotCalled | State::Refused) {
            return; // Most guards of a refused request: nothing is moved.
        }
        // A decision that is in progress is dropped here: inner guards end first.
        let taken = mem::replace(&mut state.0, State::Refused);
        let State::Admitted { pass, finish } = taken else {
            return;
        };
        let _dropped_after_closing = finish;
        // A panic in here, while unwinding, would end the process and skip the other guards.
        let closed = catch_unwind(AssertUnwindSafe(|| Guard::close(self, cx, pass, outcome)));
        if closed.is_err() {
            let guard = self.name();
            cx.record(Fact::ClosePanicked { guard });
        }
    }

    fn list_guards(&self) -> Vec<GuardInfo> {
        vec![GuardInfo {
            name: self.name(),
            mode: self.mode(),
        }]
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
fn refuse_request<G: Guard>(
    guard: &G,
    cx: &SecurityContext,
    rejection: Box<Rejection>,
) -> Result<(), Box<Rejection>> {
    let outcome = refuse(guard, cx, rejection);
    if outcome.is_err() {
        cx.mark_refused_before_handler();
    }
    outcome
}

/// Records a refusal. In shadow it is recorded as a shadow refusal, and the request continues.
fn refuse<G: Guard>(
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

impl<P> State<P> {
    /// Holds the pass of a guard that admitted.
    const fn admitted(pass: P) -> Self {
        let finish = FinishState::NotCalled;
        Self::Admitted { pass, finish }
    }
}

impl<P> fmt::Debug for GuardState<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::NotCalled => "not called",
            State::Deciding(_) => "deciding",
            State::Refused => "refused",
            State::Admitted { .. } => "admitted",
        })
    }
}
