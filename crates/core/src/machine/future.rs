//! The future of a request: from the verdict to the head of the response.
//!
//! Each stage returns a [`Step`]: continue with another stage, wait, or end.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    GuardBody,
    hold::Held,
    stage::{Admitting, Answer, Readying, Stage, StageInPlace, StageTaken},
};
use crate::{Guards, Rejection};

pin_project! {
    /// The future of a [`GuardService`](super::GuardService). Dropped in this order: inner future, then passes.
    ///
    /// Polled again after it returned a response, it returns an empty 500.
    pub struct GuardFuture<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> {
        #[pin]
        stage: Stage<S::Future, G, S, ReqB, ResB>,
    }
}

type StageOf<G, S, ReqB, ResB> = Stage<<S as Service<Request<ReqB>>>::Future, G, S, ReqB, ResB>;

impl<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> GuardFuture<G, S, ReqB, ResB> {
    pub(super) fn at(stage: StageOf<G, S, ReqB, ResB>) -> Self {
        Self { stage }
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
        let mut stage = self.project().stage;
        loop {
            // The inner future must not be moved, so it is polled in place. The other stages are taken out.
            let called = match stage.as_mut().project() {
                StageInPlace::Calling { future, held } => {
                    Some(ready!(held.poll_inner(|| future.poll(task))))
                }
                _ => None,
            };
            let step = match (stage.as_mut().project_replace(Stage::Over), called) {
                (StageTaken::Admitting { waiting, held }, _) => admit(held, waiting, task),
                (StageTaken::Readying { waiting, held }, _) => ready(held, waiting, task),
                (StageTaken::Calling { held, .. }, Some(outcome)) => returned(held, outcome, task),
                (StageTaken::Refused { rejection, held }, _) => refuse(held, *rejection, task),
                (StageTaken::Finishing { answer, held }, _) => finish(held, *answer, task),
                (StageTaken::Calling { .. }, None) | (StageTaken::Over, _) => {
                    Step::Ends(Ok(over()))
                }
            };
            match step {
                Step::Goes(next) => stage.set(next),
                Step::Waits(next) => {
                    stage.set(next);
                    return Poll::Pending;
                }
                Step::Ends(outcome) => return Poll::Ready(outcome),
            }
        }
    }
}

/// The outcome of one stage. `Waits` comes only from a poll that returned `Pending`, which keeps
/// the waker.
enum Step<F, G: Guards, S, ReqB, ResB, E> {
    Ends(Result<Response<GuardBody<ResB>>, E>),
    Goes(Stage<F, G, S, ReqB, ResB>),
    Waits(Stage<F, G, S, ReqB, ResB>),
}

type StepOf<G, S, ReqB, ResB> = Step<
    <S as Service<Request<ReqB>>>::Future,
    G,
    S,
    ReqB,
    ResB,
    <S as Service<Request<ReqB>>>::Error,
>;

/// Polls the guards that have not decided yet.
fn admit<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB>(
    mut held: Box<Held<G>>,
    mut waiting: Box<Admitting<S, ReqB>>,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB> {
    match held.admit(&mut waiting.head, &mut Some(task)) {
        Poll::Ready(Ok(())) => {
            let waiting = Box::new(waiting.admitted());
            Step::Goes(Stage::Readying { waiting, held })
        }
        Poll::Ready(Err(rejection)) => Step::Goes(Stage::Refused { rejection, held }),
        Poll::Pending => Step::Waits(Stage::Admitting { waiting, held }),
    }
}

/// Waits for the inner service to be ready, then calls it.
fn ready<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB>(
    mut held: Box<Held<G>>,
    mut waiting: Box<Readying<S, ReqB>>,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB> {
    match held.poll_inner(|| waiting.poll_ready(task)) {
        Poll::Ready(Ok(Ok(()))) => match held.run_inner(|| waiting.call()) {
            Ok(future) => Step::Goes(Stage::Calling { future, held }),
            Err(rejection) => Step::Goes(Stage::Refused { rejection, held }),
        },
        Poll::Ready(Ok(Err(error))) => fail(held, error),
        Poll::Ready(Err(rejection)) => Step::Goes(Stage::Refused { rejection, held }),
        Poll::Pending => Step::Waits(Stage::Readying { waiting, held }),
    }
}

/// Continues with the result of the inner service, or with the refusal that replaces its panic.
fn returned<G: Guards, S, ReqB, ResB>(
    held: Box<Held<G>>,
    outcome: Result<Result<Response<ResB>, S::Error>, Box<Rejection>>,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
    ResB: Body,
{
    match outcome {
        Ok(Ok(response)) => finish(held, Answer::of(response), task),
        Ok(Err(error)) => fail(held, error),
        Err(rejection) => Step::Goes(Stage::Refused { rejection, held }),
    }
}

/// Renders a refusal and lets the guards that admitted finish it.
fn refuse<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB: Body>(
    mut held: Box<Held<G>>,
    rejection: Rejection,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB> {
    let refusal = Answer::refusal(held.render(rejection));
    finish(held, refusal, task)
}

/// Ends with the error of the inner service. The guards are closed with `ServiceFailed`.
#[allow(clippy::boxed_local)] // Each stage hands its box on; this one is the last.
fn fail<F, G: Guards, S, ReqB, ResB, E>(
    mut held: Box<Held<G>>,
    error: E,
) -> Step<F, G, S, ReqB, ResB, E> {
    held.failed();
    Step::Ends(Err(error))
}

/// Lets the guards finish the head, and gives the passes to the body.
///
/// Should a guard panic, the body is dropped before the passes: parameters are dropped from the last to the first.
fn finish<F, G: Guards, S, ReqB, ResB: Body, E>(
    mut held: Box<Held<G>>,
    mut answer: Answer<ResB>,
    task: &mut Context<'_>,
) -> Step<F, G, S, ReqB, ResB, E> {
    if answer.finish(&mut held, task).is_pending() {
        let answer = Box::new(answer);
        return Step::Waits(Stage::Finishing { answer, held });
    }
    let Answer { head, body } = answer;
    held.answered(&head, &body.size_hint(), body.is_end_stream());
    let body = GuardBody::new(body, held);
    Step::Ends(Ok(Response::from_parts(head, body)))
}

/// The response to a poll after the end, which breaks the contract of futures. It admits nothing, and does
/// not wait for a waker that no one will wake.
fn over<ResB>() -> Response<GuardBody<ResB>> {
    let mut response = Response::new(GuardBody::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

impl<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> fmt::Debug
    for GuardFuture<G, S, ReqB, ResB>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Admitting { .. } => "admitting",
            Stage::Calling { .. } => "calling",
            Stage::Finishing { .. } => "finishing",
            Stage::Over => "over",
            Stage::Readying { .. } => "readying",
            Stage::Refused { .. } => "refused",
        };
        f.debug_tuple("GuardFuture").field(&stage).finish()
    }
}
