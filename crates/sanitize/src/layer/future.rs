//! The future of a request: reads the body, waits for the inner service, calls it.
//!
//! `SanitizeService::call` creates it in the stage that the head of the request requires. Dropping
//! it drops the body, and the server closes or drains the connection. A refusal ends it without a
//! call of the inner service.
//!
//! # Stages
//!
//! `Reading` buffers the body and then becomes `Readying`, or `Refused`. Before `Readying` there is
//! `Deciding` if a moderator looks at the texts. `Readying` waits until the inner service is ready, and calls it. `Calling` waits for its response. A request without a body to read
//! begins at `Readying` or `Calling`. Each stage owns what it needs, so that no combination is
//! impossible to handle.
//!
//! # Cancellation
//!
//! Dropping the future in `Reading` or `Deciding` has no effect on the inner service, which was not called. Facts of
//! the query that were recorded before stay in the audit record.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body::Body;
use palisade_core::{BoxError, GuardBody, Rejection, RequestBody, SecurityContext, refuse};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::request::{
    BodyBuffer, Decision, Kind, NAME, Selection, Settings, body_error, check_body,
};
use crate::response::{Answered, ResponseCleaning, SanitizeBody};

pin_project! {
    /// The future of a [`SanitizeService`](crate::SanitizeService).
    ///
    /// It resolves to the response of the inner service or to a refusal. It fails only with the
    /// error of the inner service.
    pub struct SanitizeFuture<S: Service<Request<RequestBody<B>>>, B, ResB> {
        // The response of the inner service, once that was called.
        #[pin]
        response: Option<S::Future>,
        // Where the request is.
        stage: Stage<S, B, ResB>,
        // What is done with the response. `None`: it passes as it is.
        cleaning: Option<Box<ResponseCleaning>>,
    }
}

/// The state of a request. Waiting states are boxed, which keeps the future of a request without a
/// body small.
enum Stage<S, B, ResB> {
    /// The inner service was called.
    Calling,
    /// The request is checked and waits for a moderator.
    Deciding(Box<Deciding<S, B>>),
    /// The response was returned.
    Over,
    /// The body is being buffered.
    Reading(Box<Reading<S, B>>),
    /// The request is checked and waits for the inner service.
    Readying(Box<Readying<S, B>>),
    /// The refusal is returned at the next poll.
    Refused(Box<Answered<ResB>>),
}

/// The inner service, and whether it has reported that it is ready.
pub(crate) struct Waiting<S> {
    /// Taken from the layer's service when the request came.
    pub(crate) service: S,
    /// True if it was ready at `poll_ready`; it is not asked again then.
    pub(crate) ready: bool,
}

/// A request whose body is being read.
///
/// Boxed, since it holds the head of the request.
struct Reading<S, B> {
    /// The inner service, to be called when the body is clean.
    waiting: Waiting<S>,
    /// Limits and messages of the layer.
    settings: Arc<Settings>,
    /// The fields, with what was found in the query already.
    selection: Selection,
    /// How the body is parsed.
    kind: Kind,
    /// The head, which is passed on with a new length.
    head: request::Parts,
    /// What was read so far.
    body: BodyBuffer<B>,
}

/// A checked request that waits for the decision about its texts.
struct Deciding<S, B> {
    decision: Decision,
    cx: SecurityContext,
    readying: Readying<S, B>,
}

/// A checked request that waits for the inner service to be ready.
pub(crate) struct Readying<S, B> {
    /// The inner service.
    pub(crate) waiting: Waiting<S>,
    /// The request with its clean body.
    pub(crate) request: Request<RequestBody<B>>,
}

impl<S, B, ResB> SanitizeFuture<S, B, ResB>
where
    S: Service<Request<RequestBody<B>>>,
{
    /// Starts with the call of the inner service: nothing to read, and the service was ready.
    pub(crate) fn calling(response: S::Future) -> Self {
        Self {
            response: Some(response),
            stage: Stage::Calling,
            cleaning: None,
        }
    }

    /// Cleans the response, too.
    pub(crate) fn with_response(mut self, cleaning: Option<Box<ResponseCleaning>>) -> Self {
        self.cleaning = cleaning;
        self
    }

    /// Starts with a refusal, which the next poll returns.
    pub(crate) fn refused(response: Answered<ResB>) -> Self {
        Self {
            response: None,
            stage: Stage::Refused(Box::new(response)),
            cleaning: None,
        }
    }

    /// Starts by waiting for a decision, or for the inner service: nothing to read.
    pub(crate) fn readying(
        readying: Readying<S, B>,
        cx: SecurityContext,
        decision: Option<Decision>,
    ) -> Self {
        Self {
            response: None,
            stage: Stage::before_call(readying, cx, decision),
            cleaning: None,
        }
    }

    /// Starts by reading the body, up to `max_body`.
    ///
    /// A body that is longer than its declared length is stopped at the limit as well.
    pub(crate) fn reading(
        waiting: Waiting<S>,
        settings: Arc<Settings>,
        selection: Selection,
        kind: Kind,
        head: request::Parts,
        body: B,
    ) -> Self {
        let body = BodyBuffer::new(body, settings.max_body);
        let reading = Reading {
            waiting,
            settings,
            selection,
            kind,
            head,
            body,
        };
        Self {
            response: None,
            stage: Stage::Reading(Box::new(reading)),
            cleaning: None,
        }
    }
}

impl<S, B, ResB> Future for SanitizeFuture<S, B, ResB>
where
    S: Service<Request<RequestBody<B>>, Response = Response<ResB>>,
    B: Body<Error: Into<BoxError>>,
    ResB: Body,
{
    type Output = Result<Answered<ResB>, S::Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match std::mem::replace(this.stage, Stage::Over) {
                Stage::Reading(mut reading) => {
                    let Poll::Ready(body) = reading.body.poll(task) else {
                        *this.stage = Stage::Reading(reading);
                        return Poll::Pending;
                    };
                    *this.stage = (*reading).read(body, this.cleaning.as_deref_mut());
                }
                Stage::Deciding(mut deciding) => {
                    let Poll::Ready(decided) = deciding.decision.as_mut().poll(task) else {
                        *this.stage = Stage::Deciding(deciding);
                        return Poll::Pending;
                    };
                    *this.stage = (*deciding).decided(decided);
                }
                Stage::Readying(mut readying) => {
                    let Poll::Ready(ready) = readying.waiting.poll_ready(task) else {
                        *this.stage = Stage::Readying(readying);
                        return Poll::Pending;
                    };
                    ready?;
                    let Readying {
                        mut waiting,
                        request,
                    } = *readying;
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
                    let cleaning = this.cleaning.take();
                    return Poll::Ready(response.map(|response| answer(cleaning, response)));
                }
                Stage::Refused(response) => return Poll::Ready(Ok(*response)),
                Stage::Over => return Poll::Pending, // Polled after it was ready: the contract of `Future` forbids it.
            }
        }
    }
}

/// Hands the placeholders of a request to the inner service and to the response.
pub(super) fn hand_over(
    selection: &mut Selection,
    head: &mut request::Parts,
    cleaning: Option<&mut ResponseCleaning>,
) {
    let Some(placeholders) = selection.take_placeholders() else {
        return;
    };
    if let Some(cleaning) = cleaning {
        cleaning.restore(Arc::clone(&placeholders));
    }
    head.extensions.insert(placeholders);
}

/// Returns the response, cleaned if it has to be.
fn answer<B: Body>(cleaning: Option<Box<ResponseCleaning>>, response: Response<B>) -> Answered<B> {
    match cleaning {
        Some(cleaning) => cleaning.begin(response),
        None => response.map(|body| GuardBody::inner(SanitizeBody::passed(body))),
    }
}

impl<S, B, ResB> Stage<S, B, ResB> {
    /// Waits for the decision if there is one to wait for, and else for the inner service.
    fn before_call(
        readying: Readying<S, B>,
        cx: SecurityContext,
        decision: Option<Decision>,
    ) -> Self {
        match decision {
            None => Self::Readying(Box::new(readying)),
            Some(decision) => Self::Deciding(Box::new(Deciding {
                decision,
                cx,
                readying,
            })),
        }
    }
}

impl<S, B> Deciding<S, B> {
    /// Continues with the inner service, or with the refusal.
    fn decided<ResB>(self, decided: Result<(), Box<Rejection>>) -> Stage<S, B, ResB> {
        match decided {
            Ok(()) => Stage::Readying(Box::new(self.readying)),
            Err(rejection) => Stage::Refused(Box::new(refuse(&self.cx, NAME, *rejection))),
        }
    }
}

impl<S, B> Reading<S, B> {
    /// Checks the body that was read and records the result: either the call or a refusal comes
    /// next.
    ///
    /// The audit record is complete before the inner service is called. Placeholders go to the inner
    /// service and to the response.
    fn read<ResB>(
        mut self,
        body: Result<Bytes, BoxError>,
        cleaning: Option<&mut ResponseCleaning>,
    ) -> Stage<S, B, ResB> {
        let checked = self.check(body);
        self.selection.record();
        match checked {
            Ok(bytes) => {
                hand_over(&mut self.selection, &mut self.head, cleaning);
                let decision = self.settings.moderate(&mut self.selection);
                let request = Request::from_parts(self.head, RequestBody::replaced(bytes));
                let readying = Readying {
                    waiting: self.waiting,
                    request,
                };
                Stage::before_call(readying, self.selection.context().clone(), decision)
            }
            Err(rejection) => {
                Stage::Refused(Box::new(refuse(self.selection.context(), NAME, *rejection)))
            }
        }
    }

    /// Cleans the body, or turns an error of reading it into a refusal.
    ///
    /// # Errors
    ///
    /// 413 or 400 for a body that could not be read, otherwise the refusals of `check_body`.
    fn check(&mut self, body: Result<Bytes, BoxError>) -> Result<Bytes, Box<Rejection>> {
        let bytes = body.map_err(|error| body_error(&error))?;
        check_body(
            &self.settings,
            &mut self.head,
            self.kind,
            bytes,
            &mut self.selection,
        )
    }
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

impl<S, B, ResB> fmt::Debug for SanitizeFuture<S, B, ResB>
where
    S: Service<Request<RequestBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Calling => "calling",
            Stage::Deciding(_) => "deciding",
            Stage::Over => "over",
            Stage::Reading(_) => "reading",
            Stage::Readying(_) => "readying",
            Stage::Refused(_) => "refused",
        };
        f.debug_tuple("SanitizeFuture").field(&stage).finish()
    }
}
