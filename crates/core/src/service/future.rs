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
    guard_run::GuardRun,
    stage::{Admitting, Calling, MovableStage, PendingResponse, Readying, Stage, StageInPlace},
};
use crate::{rejection::Rejection, sequence::Guards};

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

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let step = match stage.as_mut().project() {
                StageInPlace::Calling { call } => {
                    let called = ready!(call.poll(task));
                    stage.set(MovableStage::Ended.into()); // Drops the inner future first.
                    match called {
                        Some((run, outcome)) => service_returned(run, outcome, task),
                        None => Step::Next(MovableStage::Ended.into()),
                    }
                }
                StageInPlace::Movable { stage } => match stage.take() {
                    MovableStage::Admitting { waiting, run } => admit(run, waiting, task),
                    MovableStage::Readying { waiting, run } => wait_until_ready(run, waiting, task),
                    MovableStage::Refused { rejection, run } => refuse(run, *rejection, task),
                    MovableStage::Finishing { response, run } => finish(run, *response, task),
                    MovableStage::Ended => Step::End(Ok(after_the_end())),
                },
            };
            match step {
                Step::Next(next) => stage.set(next),
                Step::Wait(next) => {
                    stage.set(next);
                    return Poll::Pending;
                }
                Step::End(outcome) => return Poll::Ready(outcome),
            }
        }
    }
}

/// The outcome of one stage. `Wait` comes only from a poll that returned `Pending`, which keeps
/// the waker.
enum Step<F, G: Guards, S, ReqB, ResB, E> {
    End(Result<Response<GuardBody<ResB>>, E>),
    Next(Stage<F, G, S, ReqB, ResB>),
    Wait(Stage<F, G, S, ReqB, ResB>),
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
    mut run: Box<GuardRun<G>>,
    mut waiting: Box<Admitting<S, ReqB>>,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB> {
    match run.admit(&mut waiting.head, &mut Some(task)) {
        Poll::Ready(Ok(())) => {
            let waiting = Box::new(waiting.admitted());
            Step::Next(MovableStage::Readying { waiting, run }.into())
        }
        Poll::Ready(Err(rejection)) => Step::Next(MovableStage::Refused { rejection, run }.into()),
        Poll::Pending => Step::Wait(MovableStage::Admitting { waiting, run }.into()),
    }
}

/// Waits for the inner service to be ready, then calls it.
fn wait_until_ready<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB>(
    mut run: Box<GuardRun<G>>,
    mut waiting: Box<Readying<S, ReqB>>,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB> {
    match run.poll_inner(|| waiting.poll_ready(task)) {
        Poll::Ready(Ok(Ok(()))) => match run.call_inner(|| waiting.call()) {
            Ok(future) => Step::Next(Stage::Calling {
                call: Calling::new(future, run),
            }),
            Err(rejection) => Step::Next(MovableStage::Refused { rejection, run }.into()),
        },
        Poll::Ready(Ok(Err(error))) => end_with_error(run, error),
        Poll::Ready(Err(rejection)) => Step::Next(MovableStage::Refused { rejection, run }.into()),
        Poll::Pending => Step::Wait(MovableStage::Readying { waiting, run }.into()),
    }
}

/// Continues with the result of the inner service, or with the refusal that replaces its panic.
#[inline]
fn service_returned<G: Guards, S, ReqB, ResB>(
    run: Box<GuardRun<G>>,
    outcome: Result<Result<Response<ResB>, S::Error>, Box<Rejection>>,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
    ResB: Body,
{
    match outcome {
        Ok(Ok(response)) => finish(run, PendingResponse::of(response), task),
        Ok(Err(error)) => end_with_error(run, error),
        Err(rejection) => Step::Next(MovableStage::Refused { rejection, run }.into()),
    }
}

/// Renders a refusal and lets the guards that admitted finish it.
fn refuse<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB: Body>(
    mut run: Box<GuardRun<G>>,
    rejection: Rejection,
    task: &mut Context<'_>,
) -> StepOf<G, S, ReqB, ResB> {
    let refusal = PendingResponse::refusal(run.render(rejection));
    finish(run, refusal, task)
}

/// Ends with the error of the inner service. The guards are closed with `ServiceFailed`.
#[allow(clippy::boxed_local)] // Each stage passes its box on; this one is the last.
fn end_with_error<F, G: Guards, S, ReqB, ResB, E>(
    mut run: Box<GuardRun<G>>,
    error: E,
) -> Step<F, G, S, ReqB, ResB, E> {
    run.service_failed();
    Step::End(Err(error))
}

/// Lets the guards finish the head, and gives the passes to the body.
///
/// Should a guard panic, the body is dropped before the passes: parameters are dropped from the last to the first.
#[inline]
fn finish<F, G: Guards, S, ReqB, ResB: Body, E>(
    mut run: Box<GuardRun<G>>,
    mut response: PendingResponse<ResB>,
    task: &mut Context<'_>,
) -> Step<F, G, S, ReqB, ResB, E> {
    if response.finish(&mut run, task).is_pending() {
        let response = Box::new(response);
        return Step::Wait(MovableStage::Finishing { response, run }.into());
    }
    let PendingResponse { head, body } = response;
    run.response_started(&head, &body.size_hint(), body.is_end_stream());
    let body = GuardBody::new(body, run);
    Step::End(Ok(Response::from_parts(head, body)))
}

/// The response to a poll after the end, which breaks the contract of futures. It admits nothing, and does
/// not wait for a waker that no one will wake.
fn after_the_end<ResB>() -> Response<GuardBody<ResB>> {
    let mut response = Response::new(GuardBody::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

impl<G: Guards, S: Service<Request<ReqB>>, ReqB, ResB> fmt::Debug
    for GuardFuture<G, S, ReqB, ResB>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Calling { .. } => "calling",
            Stage::Movable { stage } => stage.name(),
        };
        f.debug_tuple("GuardFuture").field(&stage).finish()
    }
}
