//! Where a request stands on its way through the machine, and what is kept there.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request, response};
use http_body::Body;
use tower_service::Service;

use super::{body::Kind, hold::Held};
use crate::{Guards, Rejection};

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
    pub(super) head: request::Parts,
    body: ReqB,
    ready: bool,
}

pub(super) struct Readying<S, ReqB> {
    service: S,
    request: Request<ReqB>,
    ready: bool,
}

pub(super) struct Answer<ResB> {
    pub(super) head: response::Parts,
    pub(super) body: Kind<ResB>,
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

impl<S, ReqB> Admitting<S, ReqB> {
    pub(super) fn admitted<ResB>(self) -> Stage<S, ReqB, ResB> {
        let request = Request::from_parts(self.head, self.body);
        Stage::readying(self.service, request, self.ready)
    }
}

impl<S: Service<Request<ReqB>>, ReqB> Readying<S, ReqB> {
    pub(super) fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.ready {
            return Poll::Ready(Ok(()));
        }
        self.service.poll_ready(task)
    }

    pub(super) fn call(mut self) -> S::Future {
        self.service.call(self.request)
    }
}

impl<ResB: Body> Answer<ResB> {
    pub(super) fn of(response: Response<ResB>) -> Self {
        let (head, body) = response.into_parts();
        let body = Kind::Inner { body };
        Self { head, body }
    }

    pub(super) fn refusal(response: Response<Bytes>) -> Self {
        let (head, bytes) = response.into_parts();
        let body = Kind::Refusal { bytes };
        Self { head, body }
    }

    /// Lets every guard that admitted see the head; one that refuses replaces the answer.
    pub(super) fn finish<G: Guards>(
        &mut self,
        held: &mut Held<G>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match ready!(held.finish(&mut self.head, &mut Some(task))) {
                Ok(()) => return Poll::Ready(()),
                Err(rejection) => *self = Self::refusal(held.cx().render(*rejection)),
            }
        }
    }
}
