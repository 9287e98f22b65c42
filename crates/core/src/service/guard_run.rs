//! The passes of one request, run until the response is over and then closed.
//!
//! [`GuardRun`] is created in `GuardService::call`, moves through the stages of the future into the
//! body, and closes the guards on drop.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, request, response};
use http_body::SizeHint;

use super::progress::{Progress, grpc_status};
use crate::{
    context::{ParkedPasses, SecurityContext},
    guard::OutcomeKind,
    rejection::Rejection,
    sequence::{Guards, Step},
};

/// What a body needs of the passes, for guards of any type.
pub(super) trait ErasedRun: ParkedPasses {
    /// Returns the context of the request.
    fn context(&self) -> &SecurityContext;
    /// Returns how far the request has come.
    fn progress(&mut self) -> &mut Progress;
}

/// Where a panic happened: the label and the reason of the refusal that replaces the response.
#[derive(Clone, Copy)]
struct PanickedBy {
    label: &'static str,
    reason: &'static str,
}

const GUARD: PanickedBy = PanickedBy {
    label: "guard",
    reason: "a guard panicked before the response began",
};
const HANDLER: PanickedBy = PanickedBy {
    label: "handler",
    reason: "the service panicked before its response began",
};
const RENDERER: PanickedBy = PanickedBy {
    label: "render",
    reason: "the renderer of refusals panicked",
};

/// The guards of one request and the state of each. One allocation a request.
pub(crate) struct GuardRun<G: Guards> {
    guards: G,
    catch_panics: bool,
    cx: SecurityContext,
    states: G::States,
    progress: Progress,
}

impl<G: Guards> GuardRun<G> {
    #[inline]
    pub(super) fn new(
        guards: G,
        catch_panics: bool,
        cx: SecurityContext,
        head: &request::Parts,
    ) -> Self {
        Self {
            guards,
            catch_panics,
            cx,
            states: G::new_states(),
            progress: Progress::new(head),
        }
    }

    /// Runs code of guards, service or renderer. Where panics are caught, one becomes a refusal.
    ///
    /// What panicked is never called again, so no inconsistent state is seen.
    #[inline]
    fn catch_panic<T>(
        &mut self,
        by: PanickedBy,
        call: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Box<Rejection>> {
        self.progress.watching = true;
        let outcome = match self.catch_panics {
            true => catch_unwind(AssertUnwindSafe(|| call(self))),
            false => Ok(call(self)),
        };
        self.progress.watching = false;
        outcome.map_err(|_| self.panic_refusal(by))
    }

    /// Records a panic and returns the refusal that replaces the response.
    fn panic_refusal(&mut self, by: PanickedBy) -> Box<Rejection> {
        self.progress.panicked = true;
        let mut rejection = Rejection::internal_error().with_reason(by.reason);
        self.cx.refuse(by.label, &mut rejection);
        Box::new(rejection)
    }

    /// Runs the inner service.
    #[inline]
    pub(super) fn call_inner<T>(&mut self, call: impl FnOnce() -> T) -> Result<T, Box<Rejection>> {
        self.catch_panic(HANDLER, |run| {
            let _entered = run.cx.enter_span();
            call()
        })
    }

    /// Polls the inner service or its future.
    #[inline]
    pub(super) fn poll_inner<T>(
        &mut self,
        poll: impl FnOnce() -> Poll<T>,
    ) -> Poll<Result<T, Box<Rejection>>> {
        match self.call_inner(poll) {
            Ok(outcome) => outcome.map(Ok),
            Err(rejection) => Poll::Ready(Err(rejection)),
        }
    }

    /// Polls the guards for their verdicts. A panic refuses the request.
    #[inline]
    pub(super) fn admit(
        &mut self,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let admit = |run: &mut Self| run.guards.poll_admit(&run.cx, &mut run.states, head, task);
        let step = self.catch_panic(GUARD, admit).unwrap_or_else(|rejection| {
            self.cx.mark_refused_before_handler();
            Poll::Ready(Err(rejection))
        });
        if step.is_pending() {
            self.cx.forget_arrival(); // When the guards go on, it is later.
        }
        step
    }

    /// Notes for the guards whether the length of the response's body is known.
    pub(super) fn note_length(&self, is_known: bool) {
        self.cx.set_response_length_known(is_known);
    }

    /// Lets the guards that admitted see the head of the response. A panic refuses the response.
    pub(super) fn finish(
        &mut self,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let finish = |run: &mut Self| run.guards.poll_finish(&run.cx, &mut run.states, head, task);
        self.catch_panic(GUARD, finish)
            .unwrap_or_else(|rejection| Poll::Ready(Err(rejection)))
    }

    /// Renders a refusal. Where panics are caught, a renderer that panics is replaced by the default one.
    pub(super) fn render(&mut self, rejection: Rejection) -> Response<Bytes> {
        self.catch_panic(RENDERER, |run| run.cx.render(rejection))
            .unwrap_or_else(|rejection| self.cx.render_by_default(*rejection))
    }

    /// Records that the inner service returned an error.
    pub(super) fn service_failed(&mut self) {
        self.progress.outcome.kind = OutcomeKind::ServiceFailed;
    }

    /// Records the head of the response that goes out, and the expected length of its body.
    pub(super) fn response_started(
        &mut self,
        head: &response::Parts,
        hint: &SizeHint,
        ended: bool,
    ) {
        if self.cx.is_grpc() {
            self.progress.outcome.grpc_status = grpc_status(&head.headers);
        }
        self.progress.response_started(head, hint, ended);
    }
}

impl<G: Guards> ParkedPasses for GuardRun<G> {}

impl<G: Guards> ErasedRun for GuardRun<G> {
    fn context(&self) -> &SecurityContext {
        &self.cx
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

impl<G: Guards> Drop for GuardRun<G> {
    fn drop(&mut self) {
        if self.progress.watching || self.progress.panicked {
            self.progress.outcome.kind = OutcomeKind::Panicked;
        }
        let outcome = self.progress.outcome;
        self.guards.close(&self.cx, &mut self.states, outcome);
    }
}
