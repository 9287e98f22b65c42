//! Combines the results of several sinks by their policies.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use palisade_core::BoxFuture;
use tokio::sync::oneshot;

use super::{SinkPolicy, SinkResult};
use crate::error::SinkUnavailable;

/// The results of sinks of which one is enough.
#[derive(Debug, Default)]
pub(super) struct AnySinkResult {
    /// Whether one of them kept the record.
    kept: bool,
    /// The error of a sink that could not keep the record.
    refused: Option<SinkUnavailable>,
}

impl AnySinkResult {
    pub(super) fn count(&mut self, policy: SinkPolicy, result: SinkResult) {
        match (policy, result) {
            (SinkPolicy::OneSuffices, Ok(())) => self.kept = true,
            (SinkPolicy::OneSuffices, Err(why)) => self.refused = Some(why),
            _ => {}
        }
    }

    pub(super) fn result(&self) -> SinkResult {
        match self.refused {
            Some(why) if !self.kept => Err(why),
            _ => Ok(()),
        }
    }
}

/// Results that are not there yet, under one deadline.
#[derive(Default)]
pub(super) struct PendingResults {
    /// Futures of the sinks, with their policies.
    pub(super) results: Vec<(SinkPolicy, BoxFuture<SinkResult>)>,
    /// Results of sinks of which one is enough.
    any_sink: AnySinkResult,
    /// The error of a required sink. With it the request is refused.
    refused: Option<SinkUnavailable>,
    /// Is ready when the deadline has passed.
    pub(super) deadline_passed: Option<oneshot::Receiver<()>>,
}

impl PendingResults {
    pub(super) fn count(&mut self, policy: SinkPolicy, result: SinkResult) {
        self.any_sink.count(policy, result);
        if let (SinkPolicy::Required, Err(why)) = (policy, result) {
            self.refused.get_or_insert(why);
        }
    }

    /// Returns the common result once no missing result can change it: a required sink failed, or all of them are
    /// ready and one of those that suffice kept the record.
    pub(super) fn outcome(&self) -> Option<SinkResult> {
        if let Some(why) = self.refused {
            return Some(Err(why));
        }
        let open = |policy| self.results.iter().any(|(other, _)| *other == policy);
        if open(SinkPolicy::Required) || (open(SinkPolicy::OneSuffices) && !self.any_sink.kept) {
            return None;
        }
        Some(self.any_sink.result())
    }

    /// Polls every future that is not ready, and counts those that are.
    fn poll_results(&mut self, task: &mut Context<'_>) {
        let mut index = 0;
        while let Some((policy, result)) = self.results.get_mut(index) {
            let policy = *policy;
            let polled = catch_unwind(AssertUnwindSafe(|| result.as_mut().poll(task)));
            match polled.unwrap_or(Poll::Ready(Err(SinkUnavailable::Failing))) {
                Poll::Pending => index += 1,
                Poll::Ready(result) => {
                    drop(self.results.swap_remove(index));
                    self.count(policy, result);
                }
            }
        }
    }
}

impl Future for PendingResults {
    type Output = SinkResult;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<SinkResult> {
        self.poll_results(task);
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        match self
            .deadline_passed
            .as_mut()
            .map(|over| Pin::new(over).poll(task))
        {
            Some(Poll::Ready(_)) => Poll::Ready(Err(SinkUnavailable::TimedOut)),
            _ => Poll::Pending,
        }
    }
}
