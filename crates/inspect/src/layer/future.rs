//! The future of a request: reads the body, inspects, waits for the inner service, calls it.
//!
//! Dropping it before the call drops the body; the inner service has seen nothing.
//!
//! | From | To | When |
//! |---|---|---|
//! | `Reading` | `Readying` | the body is complete and no rule refuses |
//! | `Reading` | `Readying` | the body is too long to be inspected, and the layer only observes |
//! | `Reading` | `Refused` | a rule refuses, the body is too long, or it broke off |
//! | `Readying` | `Calling` | the inner service is ready |
//! | `Calling` | `Answering` | the inner service answered, and the rules see the body of the response |
//! | `Calling`, `Answering` | `Over` | the response is returned |
//!
//! The large states are boxed, so that the future of a request without a body stays small.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::{Request, Response, StatusCode, request};
use http_body::Body;
use http_body_util::LengthLimitError;
use palisade_core::{BoxError, GuardBody, RebuildBody, Rejection, SecurityContext, refuse};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::response::{Begun, InspectBody, ReadingResponse, ResponseInspection};
use super::settings::{NAME, Settings};

pin_project! {
    /// The future of an [`InspectService`](crate::InspectService).
    ///
    /// It resolves to the response of the inner service or to a refusal. It fails only with the error
    /// of the inner service.
    ///
    /// The rules run inside one poll, when the body is complete. That poll takes as long as the
    /// inspection and does not yield.
    pub struct InspectFuture<S: Service<Request<B>>, B, ResB: Body> {
        #[pin]
        response: Option<S::Future>,
        stage: Stage<S, B, ResB>,
        inspection: Option<Box<ResponseInspection>>,
    }
}

/// The state of a request.
///
/// It is taken out at each poll and put back, so each state is left exactly once.
enum Stage<S, B, ResB: Body> {
    /// The start of the response's body is being read.
    Answering(Box<ReadingResponse<ResB>>),
    /// The inner service was called.
    ///
    /// Its future is in `answer`, since it must be pinned.
    Calling,
    /// The response was returned.
    ///
    /// A poll in this state is a fault of the caller; it stays pending and never panics.
    Over,
    /// The body is being read.
    ///
    /// It has the head, the bytes so far and what is needed to go on.
    Reading(Box<Reading<S, B>>),
    /// The request was inspected and waits for the inner service.
    ///
    /// The request is complete again, with its body as one piece.
    Readying(Box<(Waiting<S>, Request<B>)>),
    /// The refusal is returned at the next poll.
    ///
    /// The response was made before; nothing of the body is read any more.
    Refused(Box<Response<GuardBody<InspectBody<ResB>>>>),
}

/// The inner service, and whether it has reported that it is ready.
pub(super) struct Waiting<S> {
    /// The instance that will be called.
    pub(super) service: S,
    /// If true it must not be polled again before the call, by the contract of `tower`.
    pub(super) ready: bool,
}

/// A request whose body is being read.
struct Reading<S, B> {
    /// The service that gets the request.
    waiting: Waiting<S>,
    /// What decides about the request.
    settings: Arc<Settings>,
    /// The record of the request, for what is found.
    cx: SecurityContext,
    /// The head, unchanged.
    head: request::Parts,
    /// The rest of the body.
    body: Pin<Box<B>>,
    /// The bytes so far, up to the limit and one frame. It grows as they arrive, never by what a
    /// client declares.
    buffer: BytesMut,
}

impl<S: Service<Request<B>>, B, ResB: Body> InspectFuture<S, B, ResB> {
    /// Starts with the call of the inner service.
    ///
    /// For a request that needs no reading while the service is ready.
    pub(super) const fn calling(response: S::Future) -> Self {
        Self {
            response: Some(response),
            stage: Stage::Calling,
            inspection: None,
        }
    }

    /// Starts with a refusal, which the next poll returns.
    ///
    /// For what is refused from its head.
    pub(super) fn refused(response: Response<GuardBody<InspectBody<ResB>>>) -> Self {
        Self {
            response: None,
            stage: Stage::Refused(Box::new(response)),
            inspection: None,
        }
    }

    /// Starts by waiting for the inner service.
    ///
    /// For a request that passed while the service was not ready.
    pub(super) fn readying(waiting: Waiting<S>, request: Request<B>) -> Self {
        Self {
            response: None,
            stage: Stage::Readying(Box::new((waiting, request))),
            inspection: None,
        }
    }

    /// Starts by reading the body.
    ///
    /// Nothing is read before the first poll.
    pub(super) fn reading(
        waiting: Waiting<S>,
        settings: Arc<Settings>,
        cx: SecurityContext,
        head: request::Parts,
        body: B,
    ) -> Self {
        let reading = Reading {
            waiting,
            settings,
            cx,
            head,
            body: Box::pin(body),
            buffer: BytesMut::new(),
        };
        Self {
            response: None,
            stage: Stage::Reading(Box::new(reading)),
            inspection: None,
        }
    }

    /// Inspects the response too, unless it is `None`.
    pub(super) fn with_response(mut self, inspection: Option<Box<ResponseInspection>>) -> Self {
        self.inspection = inspection;
        self
    }
}

impl<S, B, ResB> Future for InspectFuture<S, B, ResB>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    B: RebuildBody<Error: Into<BoxError>>,
    ResB: Body<Data: From<Bytes>>,
{
    type Output = Result<Response<GuardBody<InspectBody<ResB>>>, S::Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match std::mem::replace(this.stage, Stage::Over) {
                Stage::Reading(mut reading) => {
                    let Poll::Ready(read) = reading.poll(task) else {
                        *this.stage = Stage::Reading(reading);
                        return Poll::Pending;
                    };
                    *this.stage = (*reading).inspect(read);
                }
                Stage::Readying(mut waiting) => {
                    let Poll::Ready(ready) = waiting.0.poll_ready(task) else {
                        *this.stage = Stage::Readying(waiting);
                        return Poll::Pending;
                    };
                    ready?;
                    let (mut waiting, request) = *waiting;
                    this.response.set(Some(waiting.service.call(request)));
                    *this.stage = Stage::Calling;
                }
                Stage::Calling => {
                    *this.stage = Stage::Calling;
                    let Some(response) = this.response.as_mut().as_pin_mut() else {
                        return Poll::Pending;
                    };
                    let response = ready!(response.poll(task));
                    *this.stage = Stage::Over;
                    let response = response?;
                    let begun = match this.inspection.take() {
                        Some(inspection) => inspection.begin(response),
                        None => Begun::Done(
                            response.map(|body| GuardBody::inner(InspectBody::passed(body))),
                        ),
                    };
                    match begun {
                        Begun::Reading(reading) => *this.stage = Stage::Answering(reading),
                        Begun::Done(response) => return Poll::Ready(Ok(response)),
                    }
                }
                Stage::Answering(mut reading) => {
                    if reading.poll(task).is_pending() {
                        *this.stage = Stage::Answering(reading);
                        return Poll::Pending;
                    }
                    return Poll::Ready(Ok(reading.decide()));
                }
                Stage::Refused(response) => return Poll::Ready(Ok(*response)),
                Stage::Over => return Poll::Pending, // Polled after it was ready: the contract of `Future` forbids it.
            }
        }
    }
}

/// What was read of a body.
enum Read {
    /// All of it.
    Whole,
    /// More than is inspected. The rest was not read.
    TooLong,
}

impl<S, B> Reading<S, B>
where
    B: RebuildBody<Error: Into<BoxError>>,
{
    /// Reads until the body is complete, or longer than is inspected.
    ///
    /// Frames that are not data (trailers) are left out.
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Result<Read, B::Error>> {
        while let Some(frame) = ready!(self.body.as_mut().poll_frame(task)) {
            if let Ok(mut data) = frame?.into_data() {
                while data.has_remaining() {
                    let chunk = data.chunk();
                    self.buffer.extend_from_slice(chunk);
                    data.advance(data.chunk().len());
                }
            }
            if self.buffer.len() > self.settings.max_body {
                return Poll::Ready(Ok(Read::TooLong));
            }
        }
        Poll::Ready(Ok(Read::Whole))
    }

    /// Inspects the request: either the call or a refusal comes next.
    ///
    /// The inner service gets the same bytes that the rules saw, so it cannot see another body
    /// than the one inspected. While the layer only observes, a longer body is passed on as it
    /// was, and the record says so.
    fn inspect<ResB: Body>(mut self, read: Result<Read, B::Error>) -> Stage<S, B, ResB> {
        let bytes = self.buffer.freeze();
        let checked = match read {
            Ok(Read::Whole) => {
                let checked = self.settings.inspect(&self.cx, &self.head, &bytes);
                checked.map(|()| B::from(bytes))
            }
            Ok(Read::TooLong) => {
                let checked = self.settings.too_long(&self.cx);
                checked.map(|()| B::rebuild(bytes, self.body))
            }
            // The handler would fail at the same place. This is refused in shadow too.
            Err(error) => Err(Box::new(unreadable_refusal(&error.into()))),
        };
        match checked {
            Ok(body) => {
                self.settings
                    .ask_for_readable_response(&mut self.head.headers);
                let request = Request::from_parts(self.head, body);
                Stage::Readying(Box::new((self.waiting, request)))
            }
            Err(rejection) => Stage::Refused(Box::new(refuse(&self.cx, NAME, *rejection))),
        }
    }
}

/// The refusal of a body that broke off.
///
/// 413 if a limit of another layer ended it, else 400. The cause is not told to the client.
fn unreadable_refusal(error: &BoxError) -> Rejection {
    if error.is::<LengthLimitError>() {
        return Rejection::payload_too_large();
    }
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "body_unreadable",
        "The body of the request could not be read.",
    )
}

impl<S> Waiting<S> {
    /// Polls the service unless it was ready before the body was read.
    fn poll_ready<R>(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<R>,
    {
        if self.ready {
            Poll::Ready(Ok(()))
        } else {
            self.service.poll_ready(task)
        }
    }
}

impl<S: Service<Request<B>>, B, ResB: Body> fmt::Debug for InspectFuture<S, B, ResB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectFuture").finish_non_exhaustive()
    }
}
