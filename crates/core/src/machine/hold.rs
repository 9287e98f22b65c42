//! The passes of one request, held until the response is over and then closed.
//!
//! [`Held`] is created in `GuardService::call`, moves through the stages of the future into the
//! body, and closes the guards on drop.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method, Response, StatusCode, header, request, response};
use http_body::{Frame, SizeHint};

use crate::{Guards, Outcome, OutcomeKind, Rejection, SecurityContext, guards::Step};

/// What a body needs of the passes, for guards of any type.
pub(crate) trait Hold: Send {
    /// Returns the context of the request.
    fn context(&self) -> &SecurityContext;
    /// Returns how far the request has come.
    fn progress(&mut self) -> &mut Progress;
}

/// How far a request has come. On drop the guards are closed with its `outcome`.
pub(crate) struct Progress {
    /// How the request would end if it were dropped now.
    pub(crate) outcome: Outcome,
    /// True while code of guards, service or body runs. If it is still true in `Drop`, that code
    /// panicked.
    ///
    /// `std::thread::panicking` would be wrong here: it is also true for requests dropped during
    /// another unwind, and false for a panic that was caught further in.
    pub(crate) watching: bool,
    /// Something panicked, and a refusal replaced the response.
    panicked: bool,
    /// The request is `HEAD`: its response is complete without a body.
    bodiless: bool,
    /// The request is `CONNECT`: a 2xx upgrades the connection.
    connect: bool,
    /// The length of the response body in bytes, if it is known.
    expected: Option<u64>,
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
pub(crate) struct Held<G: Guards> {
    guards: G,
    catch_panics: bool,
    cx: SecurityContext,
    states: G::States,
    progress: Progress,
}

impl<G: Guards> Held<G> {
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
            progress: Progress {
                outcome: Outcome::new(OutcomeKind::Cancelled, None, 0),
                watching: false,
                panicked: false,
                bodiless: head.method == Method::HEAD,
                connect: head.method == Method::CONNECT,
                expected: None,
            },
        }
    }

    /// Runs code of guards, service or renderer. Where panics are caught, one becomes a refusal.
    ///
    /// What panicked is never called again, so no inconsistent state is seen.
    fn run<T>(
        &mut self,
        by: PanickedBy,
        run: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Box<Rejection>> {
        self.progress.watching = true;
        let outcome = match self.catch_panics {
            true => catch_unwind(AssertUnwindSafe(|| run(self))),
            false => Ok(run(self)),
        };
        self.progress.watching = false;
        outcome.map_err(|_| self.panicked(by))
    }

    /// Records a panic and returns the refusal that replaces the response.
    fn panicked(&mut self, by: PanickedBy) -> Box<Rejection> {
        self.progress.panicked = true;
        let mut rejection = Rejection::internal_error().with_reason(by.reason);
        self.cx.refuse(by.label, &mut rejection);
        Box::new(rejection)
    }

    /// Runs the inner service.
    pub(super) fn run_inner<T>(&mut self, run: impl FnOnce() -> T) -> Result<T, Box<Rejection>> {
        self.run(HANDLER, |_| run())
    }

    /// Polls the inner service or its future.
    pub(super) fn poll_inner<T>(
        &mut self,
        poll: impl FnOnce() -> Poll<T>,
    ) -> Poll<Result<T, Box<Rejection>>> {
        match self.run_inner(poll) {
            Ok(outcome) => outcome.map(Ok),
            Err(rejection) => Poll::Ready(Err(rejection)),
        }
    }

    /// Polls the guards for their verdicts. A panic refuses the request.
    pub(super) fn admit(
        &mut self,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let admit = |held: &mut Self| {
            held.guards
                .poll_admit(&held.cx, &mut held.states, head, task)
        };
        self.run(GUARD, admit).unwrap_or_else(|rejection| {
            self.cx.mark_refused_before_handler();
            Poll::Ready(Err(rejection))
        })
    }

    /// Lets the guards that admitted see the head of the response. A panic refuses the response.
    pub(super) fn finish(
        &mut self,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        let finish = |held: &mut Self| {
            held.guards
                .poll_finish(&held.cx, &mut held.states, head, task)
        };
        self.run(GUARD, finish)
            .unwrap_or_else(|rejection| Poll::Ready(Err(rejection)))
    }

    /// Renders a refusal. Where panics are caught, a renderer that panics is replaced by the default one.
    pub(super) fn render(&mut self, rejection: Rejection) -> Response<Bytes> {
        self.run(RENDERER, |held| held.cx.render(rejection))
            .unwrap_or_else(|rejection| self.cx.render_by_default(*rejection))
    }

    /// Records that the inner service returned an error.
    pub(super) fn failed(&mut self) {
        self.progress.outcome.kind = OutcomeKind::ServiceFailed;
    }

    /// Records the head of the response that goes out, and the expected length of its body.
    pub(super) fn answered(&mut self, head: &response::Parts, hint: &SizeHint, ended: bool) {
        if self.cx.is_grpc() {
            self.progress.outcome.grpc_status = grpc_status(&head.headers);
        }
        self.progress.answered(head, hint, ended);
    }
}

impl Progress {
    /// Derives from the head how the request ends if the body is dropped now.
    fn answered(&mut self, head: &response::Parts, hint: &SizeHint, ended: bool) {
        let status = head.status;
        self.outcome.status = Some(status);
        self.outcome.kind = OutcomeKind::BodyDropped;
        self.expected = hint.exact().or_else(|| content_length(&head.headers));
        let upgraded =
            status == StatusCode::SWITCHING_PROTOCOLS || self.connect && status.is_success();
        if upgraded {
            self.outcome.kind = OutcomeKind::Upgraded;
        } else if ended || self.bodiless || is_bodiless(status) || self.expected == Some(0) {
            self.outcome.kind = OutcomeKind::Complete;
        }
    }

    /// Records a frame that goes out. hyper does not poll again after the last byte or the
    /// trailers.
    pub(super) fn sent<D: Buf>(&mut self, frame: &Frame<D>, ended: bool) {
        if let Some(data) = frame.data_ref() {
            self.outcome.bytes += data.remaining() as u64;
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.outcome.grpc_status = grpc_status(trailers).or(self.outcome.grpc_status);
            self.complete();
        }
        if ended || self.expected == Some(self.outcome.bytes) {
            self.complete();
        }
    }

    /// Marks the response as complete. An upgrade or a failure stays what it is.
    pub(super) fn complete(&mut self) {
        if self.outcome.kind == OutcomeKind::BodyDropped {
            self.outcome.kind = OutcomeKind::Complete;
        }
    }
}

/// Returns whether responses of a status have no body (RFC 9110, 6.4.1).
fn is_bodiless(status: StatusCode) -> bool {
    status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

impl<G: Guards> Hold for Held<G> {
    fn context(&self) -> &SecurityContext {
        &self.cx
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

impl<G: Guards> Drop for Held<G> {
    fn drop(&mut self) {
        if self.progress.watching || self.progress.panicked {
            self.progress.outcome.kind = OutcomeKind::Panicked;
        }
        let states = mem::replace(&mut self.states, G::new_states());
        self.guards.close(&self.cx, states, self.progress.outcome);
    }
}
