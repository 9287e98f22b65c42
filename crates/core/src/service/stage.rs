//! The stages of a request. Each holds all that it needs, so that no stage can lack a part.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, request, response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{body::BodyContent, guard_run::GuardRun};
use crate::{rejection::Rejection, sequence::Guards};

pin_project! {
    /// The stage of a request, with what it needs.
    ///
    /// The inner future must not be moved, so `Calling` is polled in place. The other stages are
    /// taken out, and the next one is put there. In each, the passes come last and are dropped last.
    #[project = StageInPlace]
    pub(super) enum Stage<F, G: Guards, S, ReqB, ResB> {
        Calling { #[pin] call: Calling<F, G> },
        Movable { stage: MovableStage<G, S, ReqB, ResB> },
    }
}

/// The stages that can be moved. What waits is boxed: few requests do, and the future stays small.
pub(super) enum MovableStage<G: Guards, S, ReqB, ResB> {
    Admitting {
        waiting: Box<Admitting<S, ReqB>>,
        run: Box<GuardRun<G>>,
    },
    /// Nothing is left: the future has returned its response, or a guard panicked while it was polled.
    ///
    /// No type can forbid this stage. [`Future::poll`] borrows the future, so something has to stay in it when its parts were
    /// moved into the response; and a caller can poll it again, against the contract. It is the only stage without parts.
    Ended,
    Finishing {
        response: Box<PendingResponse<ResB>>,
        run: Box<GuardRun<G>>,
    },
    Readying {
        waiting: Box<Readying<S, ReqB>>,
        run: Box<GuardRun<G>>,
    },
    Refused {
        rejection: Box<Rejection>,
        run: Box<GuardRun<G>>,
    },
}

impl<F, G: Guards, S, ReqB, ResB> From<MovableStage<G, S, ReqB, ResB>>
    for Stage<F, G, S, ReqB, ResB>
{
    fn from(stage: MovableStage<G, S, ReqB, ResB>) -> Self {
        Self::Movable { stage }
    }
}

impl<G: Guards, S, ReqB, ResB> MovableStage<G, S, ReqB, ResB> {
    /// Takes the stage out. What is left has ended.
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::Ended)
    }

    /// Returns the name of the stage.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Admitting { .. } => "admitting",
            Self::Ended => "ended",
            Self::Finishing { .. } => "finishing",
            Self::Readying { .. } => "readying",
            Self::Refused { .. } => "refused",
        }
    }
}

pin_project! {
    /// The future of the inner service, and the passes until it is over: then `run` is `None`.
    pub(super) struct Calling<F, G>
    where
        G: Guards,
    {
        #[pin]
        future: F,
        run: Option<Box<GuardRun<G>>>,
    }
}

/// The passes, and what the inner service returned or the refusal that replaces its panic.
type Called<G, T> = (Box<GuardRun<G>>, Result<T, Box<Rejection>>);

impl<F: Future, G: Guards> Calling<F, G> {
    pub(super) fn new(future: F, run: Box<GuardRun<G>>) -> Self {
        let run = Some(run);
        Self { future, run }
    }

    /// Polls the future. Returns `None` if it was over before: then the stage is [`Ended`](MovableStage::Ended).
    #[inline]
    pub(super) fn poll(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Called<G, F::Output>>> {
        let this = self.project();
        let Some(run) = this.run else {
            return Poll::Ready(None);
        };
        let outcome = ready!(run.poll_inner(|| this.future.poll(task)));
        Poll::Ready(this.run.take().map(|run| (run, outcome)))
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
    #[inline]
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
    #[inline]
    pub(super) fn finish<G: Guards>(
        &mut self,
        run: &mut GuardRun<G>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let length = self.body.size_hint().exact();
            run.note_length(length.is_some() || self.body.is_end_stream());
            match ready!(run.finish(&mut self.head, &mut Some(task))) {
                Ok(()) => return Poll::Ready(()),
                Err(rejection) => *self = Self::refusal(run.render(*rejection)),
            }
        }
    }
}
