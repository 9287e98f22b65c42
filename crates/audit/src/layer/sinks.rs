//! The sinks of a layer, each kept from harming the others.
//!
//! A sink is code of others: it may panic, or never answer. A panic is caught where the sink is
//! called, so that the other sinks get the event and give reserved room back. An answer that does
//! not come within the deadline counts as a refusal.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use palisade_core::{BoxFuture, SharedClock, Soon};
use palisade_internal::log_limit::LogLimit;
use tokio::sync::oneshot;

use super::timer::Timer;
use crate::{Anchor, AuditEvent, RequestRecord, Sink, SinkUnavailable};

/// Sinks of one layer: as many as a bit mask has bits.
pub(super) const MAX_SINKS: usize = 64;

type Answer = Result<(), SinkUnavailable>;

/// What a layer does when a sink cannot keep a record.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SinkPolicy {
    /// The request goes on. What the sink cannot keep is lost, and counted by it.
    BestEffort,
    /// One sink of all with this policy is enough: the request is refused if none can keep it.
    OneSuffices,
    /// The request is refused. The default.
    #[default]
    Required,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) sink: Arc<dyn Sink>,
    policy: SinkPolicy,
    requires_head_records: bool,
    failures: AtomicU64,
    log: LogLimit,
}

impl Slot {
    pub(super) fn new(sink: Arc<dyn Sink>, policy: SinkPolicy) -> Self {
        let mut slot = Self {
            sink,
            policy,
            requires_head_records: false,
            failures: AtomicU64::new(0),
            log: LogLimit::per_minute(),
        };
        let demands = catch_unwind(AssertUnwindSafe(|| slot.sink.requires_head_records()));
        // A sink that cannot even say so is taken for one that must be asked, and refuses.
        slot.requires_head_records = demands.unwrap_or(true) && policy != SinkPolicy::BestEffort;
        slot
    }
}

/// All sinks of a layer.
#[derive(Debug)]
pub(super) struct Sinks {
    slots: Vec<Slot>,
    timer: Timer,
    clock: SharedClock,
    deadline: Duration,
}

/// Which sinks made room for a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Begun(u64);

impl Begun {
    pub(super) const ALL: Self = Self(u64::MAX);

    fn has(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    fn add(&mut self, index: usize) {
        self.0 |= 1 << index;
    }
}

impl Sinks {
    pub(super) fn new(slots: Vec<Slot>, clock: SharedClock, deadline: Duration) -> Self {
        Self {
            slots,
            timer: Timer::new(Arc::clone(&clock)),
            clock,
            deadline,
        }
    }

    pub(super) fn timer(&self) -> &Timer {
        &self.timer
    }

    pub(super) fn requires_head_records(&self) -> bool {
        self.slots.iter().any(|slot| slot.requires_head_records)
    }

    /// Lets the sinks make room. If too few can, those that did take it back.
    pub(super) fn begin(&self) -> Result<Begun, SinkUnavailable> {
        let mut begun = Begun::default();
        let mut one_of = OneOf::default();
        for (index, slot) in self.slots.iter().enumerate() {
            let answer = self.call(slot, Err(SinkUnavailable::Failing), |sink| sink.reserve());
            match (answer, slot.policy) {
                (Ok(()), _) => begun.add(index),
                (Err(why), SinkPolicy::Required) => {
                    self.forget(begun);
                    return Err(why);
                }
                _ => {}
            }
            one_of.count(slot.policy, answer);
        }
        one_of.result().inspect_err(|_| self.forget(begun))?;
        Ok(begun)
    }

    fn forget(&self, begun: Begun) {
        self.each(begun, |sink| sink.release());
    }

    pub(super) fn end(&self, begun: Begun, event: &Arc<RequestRecord>) {
        self.each(begun, |sink| sink.record_request(event));
    }

    pub(super) fn record_event(&self, event: &Arc<AuditEvent>) {
        self.each(Begun::ALL, |sink| sink.record_event(event));
    }

    /// Asks all sinks that demand heads to keep one.
    pub(super) fn keep(
        &self,
        begun: Begun,
        event: &Arc<RequestRecord>,
        ask: fn(&dyn Sink, &Arc<RequestRecord>) -> Soon<Answer>,
    ) -> Soon<Answer> {
        let asked = self.slots.iter().enumerate();
        let asked = asked.filter(|(index, slot)| slot.requires_head_records && begun.has(*index));
        let answers = asked.map(|(_, slot)| {
            let failing = Soon::Now(Err(SinkUnavailable::Failing));
            (
                slot.policy,
                self.call(slot, failing, |sink| ask(sink, event)),
            )
        });
        self.all(answers.collect(), self.deadline)
    }

    /// Makes everything safe that was taken.
    pub(super) fn flush(&self, patience: Duration) -> Soon<Answer> {
        self.ask_all(patience, |sink| sink.flush())
    }

    pub(super) fn close(&self, patience: Duration) -> Soon<Answer> {
        self.ask_all(patience, |sink| sink.close())
    }

    pub(super) fn anchor(&self) -> Option<Anchor> {
        let mut slots = self.slots.iter();
        slots.find_map(|slot| self.call(slot, None, |sink| sink.anchor()))
    }

    pub(super) fn lost_records(&self) -> u64 {
        let lost = |slot: &Slot| self.call(slot, 0, |sink| sink.lost_records());
        self.slots.iter().map(lost).fold(0, u64::saturating_add)
    }

    /// Returns how often sinks panicked.
    pub(super) fn failures(&self) -> u64 {
        let failures = |slot: &Slot| slot.failures.load(Ordering::Relaxed);
        self.slots.iter().map(failures).fold(0, u64::saturating_add)
    }

    fn ask_all(&self, patience: Duration, ask: fn(&dyn Sink) -> Soon<Answer>) -> Soon<Answer> {
        let answers = self.slots.iter().map(|slot| {
            let failing = Soon::Now(Err(SinkUnavailable::Failing));
            // Whoever flushes wants to know of every sink.
            (SinkPolicy::Required, self.call(slot, failing, ask))
        });
        self.all(answers.collect(), patience)
    }

    fn each(&self, begun: Begun, call: impl Fn(&dyn Sink)) {
        for (index, slot) in self.slots.iter().enumerate() {
            if begun.has(index) {
                self.call(slot, (), &call);
            }
        }
    }

    /// Calls a sink; a panic ends here.
    fn call<T>(&self, slot: &Slot, otherwise: T, call: impl FnOnce(&dyn Sink) -> T) -> T {
        if let Ok(value) = catch_unwind(AssertUnwindSafe(|| call(&*slot.sink))) {
            return value;
        }
        slot.failures.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!("palisade_audit_sink_panics_total").increment(1);
        if let Some(held_back) = slot.log.admit(self.clock.monotonic()) {
            tracing::error!(target: "palisade::audit", held_back, "an audit sink panicked; its event is lost to it");
        }
        otherwise
    }

    fn all(&self, answers: Vec<(SinkPolicy, Soon<Answer>)>, patience: Duration) -> Soon<Answer> {
        let mut waiting = Waiting::default();
        for (policy, answer) in answers {
            match answer {
                Soon::Now(answer) => waiting.count(policy, answer),
                Soon::Later(answer) => waiting.answers.push((policy, answer)),
            }
        }
        match waiting.outcome() {
            Some(outcome) => Soon::Now(outcome),
            None => {
                waiting.over = Some(self.timer.after(patience));
                Soon::later(waiting)
            }
        }
    }
}

/// Whether one of those is there of which one suffices.
#[derive(Debug, Default)]
struct OneOf {
    kept: bool,
    refused: Option<SinkUnavailable>,
}

impl OneOf {
    fn count(&mut self, policy: SinkPolicy, answer: Answer) {
        match (policy, answer) {
            (SinkPolicy::OneSuffices, Ok(())) => self.kept = true,
            (SinkPolicy::OneSuffices, Err(why)) => self.refused = Some(why),
            _ => {}
        }
    }

    fn result(&self) -> Answer {
        match self.refused {
            Some(why) if !self.kept => Err(why),
            _ => Ok(()),
        }
    }
}

/// Answers that are still to come, under one deadline.
#[derive(Default)]
struct Waiting {
    answers: Vec<(SinkPolicy, BoxFuture<Answer>)>,
    one_of: OneOf,
    refused: Option<SinkUnavailable>,
    over: Option<oneshot::Receiver<()>>,
}

impl Waiting {
    fn count(&mut self, policy: SinkPolicy, answer: Answer) {
        self.one_of.count(policy, answer);
        if let (SinkPolicy::Required, Err(why)) = (policy, answer) {
            self.refused.get_or_insert(why);
        }
    }

    /// Returns the answer of all together, once the answers to come cannot change it.
    fn outcome(&self) -> Option<Answer> {
        if let Some(why) = self.refused {
            return Some(Err(why));
        }
        let open = |policy| self.answers.iter().any(|(other, _)| *other == policy);
        if open(SinkPolicy::Required) || (open(SinkPolicy::OneSuffices) && !self.one_of.kept) {
            return None;
        }
        Some(self.one_of.result())
    }

    fn poll_answers(&mut self, task: &mut Context<'_>) {
        let mut index = 0;
        while let Some((policy, answer)) = self.answers.get_mut(index) {
            let policy = *policy;
            let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(task)));
            match polled.unwrap_or(Poll::Ready(Err(SinkUnavailable::Failing))) {
                Poll::Pending => index += 1,
                Poll::Ready(answer) => {
                    drop(self.answers.swap_remove(index));
                    self.count(policy, answer);
                }
            }
        }
    }
}

impl Future for Waiting {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Answer> {
        self.poll_answers(task);
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        match self.over.as_mut().map(|over| Pin::new(over).poll(task)) {
            Some(Poll::Ready(_)) => Poll::Ready(Err(SinkUnavailable::TimedOut)),
            _ => Poll::Pending,
        }
    }
}
