//! The passes of one request, held until the answer is over and then closed.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
};

use bytes::Buf;
use http::{HeaderMap, Method, StatusCode, header, request, response};
use http_body::{Frame, SizeHint};

use crate::{Ending, Guards, How, Rejection, SecurityContext, guards::Step};

/// What a body needs of the passes, whatever the guards are.
pub(crate) trait Hold: Send {
    fn context(&self) -> &SecurityContext;
    fn progress(&mut self) -> &mut Progress;
}

/// How far a request has come. Whoever drops it closes with what it says.
pub(crate) struct Progress {
    pub(crate) end: Ending,
    /// True while foreign code runs. Still true in `Drop`: that code panicked. (Asking the thread
    /// would blame whoever is dropped during an unwind, and miss a panic caught further in.)
    pub(crate) watching: bool,
    /// The inner service panicked, and a refusal took the place of its response.
    panicked: bool,
    bodiless: bool,
    connect: bool,
    expected: Option<u64>,
}

/// One box a request: the guards, and the state that each is in.
pub(crate) struct Held<G: Guards> {
    guards: G,
    catch_panics: bool,
    cx: SecurityContext,
    slots: G::Slots,
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
            slots: G::Slots::default(),
            progress: Progress {
                end: Ending::new(How::Cancelled, None, 0),
                watching: false,
                panicked: false,
                bodiless: head.method == Method::HEAD,
                connect: head.method == Method::CONNECT,
                expected: None,
            },
        }
    }

    /// Runs foreign code and remembers that it came back.
    pub(super) fn watch<T>(&mut self, run: impl FnOnce() -> T) -> T {
        self.progress.watching = true;
        let outcome = run();
        self.progress.watching = false;
        outcome
    }

    /// Runs the inner service. Where panics are caught, one becomes a refusal.
    pub(super) fn run_inner<T>(&mut self, run: impl FnOnce() -> T) -> Result<T, Box<Rejection>> {
        if !self.catch_panics {
            return Ok(self.watch(run));
        }
        // What panicked is dropped and never asked again, so nothing half-changed is seen.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.watch(run)));
        outcome.map_err(|_| {
            self.progress.watching = false;
            self.progress.panicked = true;
            let mut rejection = Rejection::internal_error();
            self.cx.refuse("handler", &mut rejection);
            Box::new(rejection)
        })
    }

    pub(super) fn admit(
        &mut self,
        head: &mut request::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Step {
        self.progress.watching = true;
        let step = self
            .guards
            .poll_admit(&self.cx, &mut self.slots, head, task);
        self.progress.watching = false;
        step
    }

    pub(super) fn finish(
        &mut self,
        head: &mut response::Parts,
        task: &mut Option<&mut Context<'_>>,
    ) -> Poll<Result<(), Box<Rejection>>> {
        self.progress.watching = true;
        let step = self
            .guards
            .poll_finish(&self.cx, &mut self.slots, head, task);
        self.progress.watching = false;
        step
    }

    pub(super) fn cx(&self) -> &SecurityContext {
        &self.cx
    }

    pub(super) fn failed(&mut self) {
        self.progress.end.how = How::ServiceFailed;
    }

    /// Notes the head of the answer that goes out, and what its body must come to.
    pub(super) fn answered(&mut self, head: &response::Parts, hint: &SizeHint, ended: bool) {
        if self.cx.is_grpc() {
            self.progress.end.grpc_status = grpc_status(&head.headers);
        }
        self.progress.answered(head, hint, ended);
    }
}

impl Progress {
    fn answered(&mut self, head: &response::Parts, hint: &SizeHint, ended: bool) {
        let status = head.status;
        self.end.status = Some(status);
        self.end.how = How::BodyDropped;
        self.expected = hint.exact().or_else(|| content_length(&head.headers));
        let upgraded =
            status == StatusCode::SWITCHING_PROTOCOLS || self.connect && status.is_success();
        if upgraded {
            self.end.how = How::Upgraded;
        } else if ended || self.bodiless || is_bodiless(status) || self.expected == Some(0) {
            self.end.how = How::Complete;
        }
    }

    /// Notes a frame that goes out. hyper does not poll on after the last byte or the trailers.
    pub(super) fn sent<D: Buf>(&mut self, frame: &Frame<D>, ended: bool) {
        if let Some(data) = frame.data_ref() {
            self.end.bytes += data.remaining() as u64;
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.end.grpc_status = grpc_status(trailers).or(self.end.grpc_status);
            self.complete();
        }
        if ended || self.expected == Some(self.end.bytes) {
            self.complete();
        }
    }

    pub(super) fn complete(&mut self) {
        if self.end.how == How::BodyDropped {
            self.end.how = How::Complete;
        }
    }
}

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
            self.progress.end.how = How::Panicked;
        }
        let slots = mem::take(&mut self.slots);
        self.guards.close(&self.cx, slots, self.progress.end);
    }
}
