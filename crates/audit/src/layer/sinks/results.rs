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
    /// Counts the result of a sink of which one is enough. Results of others decide alone.
    pub(super) fn count(&mut self, policy: SinkPolicy, result: SinkResult) {
        match (policy, result) {
            (SinkPolicy::OneSuffices, Ok(())) => self.kept = true,
            (SinkPolicy::OneSuffices, Err(why)) => self.refused = Some(why),
            _ => {}
        }
    }

    /// Fails only if no sink kept the record.
    pub(super) fn result(&self) -> SinkResult {
        match self.refused {
            Some(why) if !self.kept => Err(why),
            _ => Ok(()),
        }
    }
}

/// How the result of a sink counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResultRule {
    /// Whether each sink has to keep it, or one of several.
    pub(super) policy: SinkPolicy,
    /// Whether a request without its record is refused. Otherwise the response only waits.
    pub(super) fails_closed: bool,
}

impl ResultRule {
    /// Every failure counts, as for a flush.
    pub(super) const REPORTED: Self = Self {
        policy: SinkPolicy::Required,
        fails_closed: true,
    };
}

/// Results that are not there yet, under one deadline.
#[derive(Default)]
pub(super) struct PendingResults {
    /// Futures of the sinks, with how they count.
    pub(super) results: Vec<(ResultRule, BoxFuture<SinkResult>)>,
    /// Results of sinks of which one is enough.
    any_sink: AnySinkResult,
    /// The error of a required sink. With it the request is refused.
    refused: Option<SinkUnavailable>,
    /// Is ready when the deadline has passed.
    pub(super) deadline_passed: Option<oneshot::Receiver<()>>,
}

impl PendingResults {
    /// Counts a result. A failure of a sink that does not fail closed decides nothing: it counts what it lost.
    pub(super) fn count(&mut self, rule: ResultRule, result: SinkResult) {
        if !rule.fails_closed && result.is_err() {
            return;
        }
        self.any_sink.count(rule.policy, result);
        if let (SinkPolicy::Required, Err(why)) = (rule.policy, result) {
            self.refused.get_or_insert(why);
        }
    }

    /// Returns the common result once no missing result can change it: a required sink failed, or all of them are
    /// ready and one of those that suffice kept the record.
    pub(super) fn outcome(&self) -> Option<SinkResult> {
        if let Some(why) = self.refused {
            return Some(Err(why));
        }
        let open = |policy| self.results.iter().any(|(rule, _)| rule.policy == policy);
        if open(SinkPolicy::Required) || (open(SinkPolicy::OneSuffices) && !self.any_sink.kept) {
            return None;
        }
        Some(self.any_sink.result())
    }

    /// Polls every future that is not ready, and counts those that are.
    fn poll_results(&mut self, task: &mut Context<'_>) {
        let mut index = 0;
        while let Some((rule, result)) = self.results.get_mut(index) {
            let rule = *rule;
            let polled = catch_unwind(AssertUnwindSafe(|| result.as_mut().poll(task)));
            match polled.unwrap_or(Poll::Ready(Err(SinkUnavailable::Failing))) {
                Poll::Pending => index += 1,
                Poll::Ready(result) => {
                    drop(self.results.swap_remove(index));
                    self.count(rule, result);
                }
            }
        }
    }

    /// Returns the common result at the deadline: what is missing has failed.
    fn at_deadline(&mut self) -> SinkResult {
        for (rule, _) in std::mem::take(&mut self.results) {
            self.count(rule, Err(SinkUnavailable::TimedOut));
        }
        self.outcome().unwrap_or(Err(SinkUnavailable::TimedOut))
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
            Some(Poll::Ready(_)) => Poll::Ready(self.at_deadline()),
            _ => Poll::Pending,
        }
    }
}
