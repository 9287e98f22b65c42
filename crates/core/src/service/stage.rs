//! The stages of a request. Each holds all that it needs, so that no stage can lack a part.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request, response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{body::BodyContent, guard_run::GuardRun};
use crate::{rejection::Rejection, sequence::Guards};

pin_project! {
    /// The stage of a request, with what it needs. What waits is boxed: few requests do, and the future stays small.
    ///
    /// In each stage the passes come last, so they are dropped last.
    #[project = StageInPlace]
    #[project_replace = StageTaken]
    pub(super) enum Stage<F, G: Guards, S, ReqB, ResB> {
        Admitting { waiting: Box<Admitting<S, ReqB>>, run: Box<GuardRun<G>> },
        Readying { waiting: Box<Readying<S, ReqB>>, run: Box<GuardRun<G>> },
        Calling { #[pin] future: F, run: Box<GuardRun<G>> },
        Refused { rejection: Box<Rejection>, run: Box<GuardRun<G>> },
        Finishing { response: Box<PendingResponse<ResB>>, run: Box<GuardRun<G>> },
        Ended,
    }
}

/// A request that waits for a guard's decision.
pub(super) struct Admitting<S, ReqB> {
    pub(super) service: S,
    pub(super) head: request::Parts,
    pub(super) body: ReqB,
    pub(super) ready: bool,
}

/// An admitted request that waits for the inner service to be ready.
pub(super) struct Readying<S, ReqB> {
    pub(super) service: S,
    pub(super) request: Request<ReqB>,
    pub(super) ready: bool,
}

/// A response, before all guards have seen its head.
pub(super) struct PendingResponse<ResB> {
    pub(super) head: response::Parts,
    pub(super) body: BodyContent<ResB>,
}

impl<S, ReqB> Admitting<S, ReqB> {
    /// Puts head and body together again, after admission.
    pub(super) fn admitted(self) -> Readying<S, ReqB> {
        Readying {
            service: self.service,
            request: Request::from_parts(self.head, self.body),
            ready: self.ready,
        }
    }
}

impl<S: Service<Request<ReqB>>, ReqB> Readying<S, ReqB> {
    /// Polls the service, unless it was ready already.
    pub(super) fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.ready {
            return Poll::Ready(Ok(()));
        }
        self.service.poll_ready(task)
    }

    /// Calls the service.
    pub(super) fn call(mut self) -> S::Future {
        self.service.call(self.request)
    }
}

impl<ResB: Body> PendingResponse<ResB> {
    /// Takes the response of the service.
    pub(super) fn of(response: Response<ResB>) -> Self {
        let (head, body) = response.into_parts();
        let body = BodyContent::Inner { body };
        Self { head, body }
    }

    /// Takes a rendered refusal.
    pub(super) fn refusal(response: Response<Bytes>) -> Self {
        let (head, bytes) = response.into_parts();
        let body = BodyContent::Refusal { bytes };
        Self { head, body }
    }

    /// Lets every guard that admitted see the head. A guard that refuses replaces the response.
    pub(super) fn finish<G: Guards>(
        &mut self,
        run: &mut GuardRun<G>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match ready!(run.finish(&mut self.head, &mut Some(task))) {
                Ok(()) => return Poll::Ready(()),
                Err(rejection) => *self = Self::refusal(run.render(*rejection)),
            }
        }
    }
}
