//! The future: from the verdict to the head of the answer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, request, response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{GuardBody, body::Kind, hold::Held};
use crate::{Guards, Rejection};

pin_project! {
    /// The future of a [`GuardService`](super::GuardService). Dropped in this order: inner future, then passes.
    pub struct GuardFuture<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> {
        #[pin]
        answer: Option<S::Future>,
        stage: Stage<S, ReqB, ResB>,
        held: Option<Box<Held<G>>>,
    }
}

/// Where a request stands. What waits is boxed: few requests do, and the future stays small.
pub(super) enum Stage<S, ReqB, ResB> {
    Admitting(Box<Admitting<S, ReqB>>),
    Calling,
    Finishing(Box<Answer<ResB>>),
    Over,
    Readying(Box<Readying<S, ReqB>>),
    Refused(Box<Rejection>),
}

pub(super) struct Admitting<S, ReqB> {
    service: S,
    head: request::Parts,
    body: ReqB,
    ready: bool,
}

pub(super) struct Readying<S, ReqB> {
    service: S,
    request: Request<ReqB>,
    ready: bool,
}

pub(super) struct Answer<ResB> {
    head: response::Parts,
    body: Kind<ResB>,
}

impl<S, ReqB, ResB> Stage<S, ReqB, ResB> {
    pub(super) fn admitting(service: S, head: request::Parts, body: ReqB, ready: bool) -> Self {
        Self::Admitting(Box::new(Admitting {
            service,
            head,
            body,
            ready,
        }))
    }

    pub(super) fn readying(service: S, request: Request<ReqB>, ready: bool) -> Self {
        Self::Readying(Box::new(Readying {
            service,
            request,
            ready,
        }))
    }
}

impl<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> GuardFuture<G, S, ReqB, ResB> {
    pub(super) fn calling(held: Box<Held<G>>, answer: S::Future) -> Self {
        Self {
            answer: Some(answer),
            stage: Stage::Calling,
            held: Some(held),
        }
    }

    pub(super) fn at(held: Box<Held<G>>, stage: Stage<S, ReqB, ResB>) -> Self {
        Self {
            answer: None,
            stage,
            held: Some(held),
        }
    }
}

impl<G, S, ReqB, ResB> Future for GuardFuture<G, S, ReqB, ResB>
where
    G: Guards,
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
    ResB::Data: From<Bytes>,
{
    type Output = Result<Response<GuardBody<ResB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(held) = this.held else {
            return Poll::Pending; // Polled after it was ready, which nobody may.
        };
        let mut answer = loop {
            match std::mem::replace(this.stage, Stage::Over) {
                Stage::Admitting(mut waiting) => {
                    match held.admit(&mut waiting.head, &mut Some(task)) {
                        Poll::Ready(Ok(())) => *this.stage = waiting.admitted(),
                        Poll::Ready(Err(rejection)) => *this.stage = Stage::Refused(rejection),
                        Poll::Pending => {
                            *this.stage = Stage::Admitting(waiting);
                            return Poll::Pending;
                        }
                    }
                }
                Stage::Readying(mut waiting) => {
                    match held.watch(|| waiting.poll_ready(task)) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => {
                            held.failed();
                            *this.held = None;
                            return Poll::Ready(Err(error));
                        }
                        Poll::Pending => {
                            *this.stage = Stage::Readying(waiting);
                            return Poll::Pending;
                        }
                    }
                    this.answer.set(Some(held.watch(|| waiting.call())));
                    *this.stage = Stage::Calling;
                }
                Stage::Calling => {
                    let Some(calling) = this.answer.as_mut().as_pin_mut() else {
                        return Poll::Pending; // A call without a future cannot be; nothing can wake it.
                    };
                    let Poll::Ready(outcome) = held.watch(|| calling.poll(task)) else {
                        *this.stage = Stage::Calling;
                        return Poll::Pending;
                    };
                    this.answer.set(None);
                    match outcome {
                        Ok(response) => break Answer::of(response),
                        Err(error) => {
                            held.failed();
                            *this.held = None;
                            return Poll::Ready(Err(error));
                        }
                    }
                }
                Stage::Refused(rejection) => break Answer::refusal(held.cx().render(*rejection)),
                Stage::Finishing(answer) => break *answer,
                Stage::Over => return Poll::Pending,
            }
        };
        if answer.finish(held, task).is_pending() {
            *this.stage = Stage::Finishing(Box::new(answer));
            return Poll::Pending;
        }
        let Answer { head, body } = answer;
        held.answered(&head, &body.size_hint(), body.is_end_stream());
        let Some(held) = this.held.take() else {
            return Poll::Pending;
        };
        let body = GuardBody::new(body, held);
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

impl<S, ReqB> Admitting<S, ReqB> {
    fn admitted<ResB>(self) -> Stage<S, ReqB, ResB> {
        let request = Request::from_parts(self.head, self.body);
        Stage::readying(self.service, request, self.ready)
    }
}

impl<S: Service<Request<ReqB>>, ReqB> Readying<S, ReqB> {
    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.ready {
            return Poll::Ready(Ok(()));
        }
        self.service.poll_ready(task)
    }

    fn call(mut self) -> S::Future {
        self.service.call(self.request)
    }
}

impl<ResB: Body> Answer<ResB> {
    fn of(response: Response<ResB>) -> Self {
        let (head, body) = response.into_parts();
        let body = Kind::Inner { body };
        Self { head, body }
    }

    fn refusal(response: Response<Bytes>) -> Self {
        let (head, bytes) = response.into_parts();
        let body = Kind::Refusal { bytes };
        Self { head, body }
    }

    /// Lets every guard that admitted see the head; one that refuses replaces the answer.
    fn finish<G: Guards>(&mut self, held: &mut Held<G>, task: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(held.finish(&mut self.head, &mut Some(task))) {
                Ok(()) => return Poll::Ready(()),
                Err(rejection) => *self = Self::refusal(held.cx().render(*rejection)),
            }
        }
    }
}

impl<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> fmt::Debug
    for GuardFuture<G, S, ReqB, ResB>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Admitting(_) => "admitting",
            Stage::Calling => "calling",
            Stage::Finishing(_) => "finishing",
            Stage::Over => "over",
            Stage::Readying(_) => "readying",
            Stage::Refused(_) => "refused",
        };
        f.debug_tuple("GuardFuture").field(&stage).finish()
    }
}
