//! The future: from the verdict to the head of the answer.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    GuardBody,
    hold::Held,
    stage::{Admitting, Answer, Readying, Stage},
};
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

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let stage = mem::replace(self.as_mut().project().stage, Stage::Over);
            let step = match stage {
                Stage::Admitting(waiting) => self.as_mut().admit(waiting, task),
                Stage::Readying(waiting) => self.as_mut().ready(waiting, task),
                Stage::Calling => self.as_mut().call(task),
                Stage::Refused(rejection) => self.as_mut().refuse(*rejection, task),
                Stage::Finishing(answer) => self.as_mut().finish(*answer, task),
                Stage::Over => return Poll::Pending, // Polled after its end, which nobody may.
            };
            match step {
                Step::Goes(stage) => *self.as_mut().project().stage = stage,
                Step::Waits(stage) => {
                    *self.as_mut().project().stage = stage;
                    return Poll::Pending;
                }
                Step::Ends(outcome) => return Poll::Ready(outcome),
            }
        }
    }
}

/// What one stage came to.
enum Step<S, ReqB, ResB, E> {
    Ends(Result<Response<GuardBody<ResB>>, E>),
    Goes(Stage<S, ReqB, ResB>),
    Waits(Stage<S, ReqB, ResB>),
}

type StepOf<S, ReqB, ResB> = Step<S, ReqB, ResB, <S as Service<Request<ReqB>>>::Error>;

impl<G, S, ReqB, ResB> GuardFuture<G, S, ReqB, ResB>
where
    G: Guards,
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
    ResB::Data: From<Bytes>,
{
    fn admit(
        self: Pin<&mut Self>,
        mut waiting: Box<Admitting<S, ReqB>>,
        task: &mut Context<'_>,
    ) -> StepOf<S, ReqB, ResB> {
        let Some(held) = self.project().held else {
            return Step::Waits(Stage::Over);
        };
        match held.admit(&mut waiting.head, &mut Some(task)) {
            Poll::Ready(Ok(())) => Step::Goes(waiting.admitted()),
            Poll::Ready(Err(rejection)) => Step::Goes(Stage::Refused(rejection)),
            Poll::Pending => Step::Waits(Stage::Admitting(waiting)),
        }
    }

    fn ready(
        self: Pin<&mut Self>,
        mut waiting: Box<Readying<S, ReqB>>,
        task: &mut Context<'_>,
    ) -> StepOf<S, ReqB, ResB> {
        let mut this = self.project();
        let Some(held) = this.held else {
            return Step::Waits(Stage::Over);
        };
        match held.watch(|| waiting.poll_ready(task)) {
            Poll::Ready(Ok(())) => {
                match held.run_inner(|| waiting.call()) {
                    Ok(answer) => this.answer.set(Some(answer)),
                    Err(rejection) => return Step::Goes(Stage::Refused(rejection)),
                }
                Step::Goes(Stage::Calling)
            }
            Poll::Ready(Err(error)) => fail(this.held, error),
            Poll::Pending => Step::Waits(Stage::Readying(waiting)),
        }
    }

    fn call(self: Pin<&mut Self>, task: &mut Context<'_>) -> StepOf<S, ReqB, ResB> {
        let mut this = self.project();
        let (Some(held), Some(calling)) = (&mut *this.held, this.answer.as_mut().as_pin_mut())
        else {
            return Step::Waits(Stage::Over);
        };
        let outcome = match held.run_inner(|| calling.poll(task)) {
            Ok(Poll::Pending) => return Step::Waits(Stage::Calling),
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(rejection) => Err(rejection),
        };
        this.answer.set(None);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(rejection) => return Step::Goes(Stage::Refused(rejection)),
        };
        match outcome {
            Ok(response) => answer(this.held, Answer::of(response), task),
            Err(error) => fail(this.held, error),
        }
    }

    fn refuse(
        self: Pin<&mut Self>,
        rejection: Rejection,
        task: &mut Context<'_>,
    ) -> StepOf<S, ReqB, ResB> {
        let this = self.project();
        let Some(held) = this.held else {
            return Step::Waits(Stage::Over);
        };
        let refusal = Answer::refusal(held.cx().render(rejection));
        answer(this.held, refusal, task)
    }

    fn finish(
        self: Pin<&mut Self>,
        finishing: Answer<ResB>,
        task: &mut Context<'_>,
    ) -> StepOf<S, ReqB, ResB> {
        answer(self.project().held, finishing, task)
    }
}

/// Closes with what the service failed with.
fn fail<G: Guards, S, ReqB, ResB, E>(
    held: &mut Option<Box<Held<G>>>,
    error: E,
) -> Step<S, ReqB, ResB, E> {
    if let Some(mut held) = held.take() {
        held.failed();
    }
    Step::Ends(Err(error))
}

/// Lets the guards finish the head, and gives the passes to the body.
fn answer<G: Guards, S, ReqB, ResB: Body, E>(
    holder: &mut Option<Box<Held<G>>>,
    mut answer: Answer<ResB>,
    task: &mut Context<'_>,
) -> Step<S, ReqB, ResB, E> {
    // The passes stay with the future meanwhile: should a guard panic, the body is dropped before them.
    let Some(held) = holder else {
        return Step::Waits(Stage::Over);
    };
    if answer.finish(held, task).is_pending() {
        return Step::Waits(Stage::Finishing(Box::new(answer)));
    }
    let Answer { head, body } = answer;
    held.answered(&head, &body.size_hint(), body.is_end_stream());
    let Some(held) = holder.take() else {
        return Step::Waits(Stage::Over);
    };
    let body = GuardBody::new(body, held);
    Step::Ends(Ok(Response::from_parts(head, body)))
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
