//! The sinks of a layer, each kept from harming the others.
//!
//! A sink is code of others: it may panic, or never result. A panic is caught where the sink is
//! called, so that the other sinks get the event and release their reservations. A result that does
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

use super::deadline_timer::DeadlineTimer;
use crate::{
    chain::Anchor,
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
    sink::Sink,
};

/// Sinks of one layer: as many as a bit mask has bits.
pub(super) const MAX_SINKS: usize = 64;

type SinkResult = Result<(), SinkUnavailable>;

/// What the layer does when a sink cannot keep a record. Default: [`Required`](Self::Required).
///
/// The policy holds for reservations at the beginning of a request and for head records before the
/// response. A request that is over is never undone: its sinks only count what they lost.
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
pub(super) struct SinkSlot {
    pub(super) sink: Arc<dyn Sink>,
    policy: SinkPolicy,
    requires_head_records: bool,
    failures: AtomicU64,
    log: LogLimit,
}

impl SinkSlot {
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
    slots: Vec<SinkSlot>,
    timer: DeadlineTimer,
    clock: SharedClock,
    deadline: Duration,
}

/// Which sinks reserved space for a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct ReservedSinks(u64);

impl ReservedSinks {
    pub(super) const ALL: Self = Self(u64::MAX);

    fn has(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    fn add(&mut self, index: usize) {
        self.0 |= 1 << index;
    }
}

impl Sinks {
    pub(super) fn new(slots: Vec<SinkSlot>, clock: SharedClock, deadline: Duration) -> Self {
        Self {
            slots,
            timer: DeadlineTimer::new(Arc::clone(&clock)),
            clock,
            deadline,
        }
    }

    pub(super) fn timer(&self) -> &DeadlineTimer {
        &self.timer
    }

    pub(super) fn requires_head_records(&self) -> bool {
        self.slots.iter().any(|slot| slot.requires_head_records)
    }

    /// Lets the sinks reserve space. If too few can, the others release it.
    pub(super) fn reserve(&self) -> Result<ReservedSinks, SinkUnavailable> {
        let mut reserved = ReservedSinks::default();
        let mut any_sink = AnySinkResult::default();
        for (index, slot) in self.slots.iter().enumerate() {
            let result = self.call_sink(slot, Err(SinkUnavailable::Failing), |sink| sink.reserve());
            match (result, slot.policy) {
                (Ok(()), _) => reserved.add(index),
                (Err(why), SinkPolicy::Required) => {
                    self.release(reserved);
                    return Err(why);
                }
                _ => {}
            }
            any_sink.count(slot.policy, result);
        }
        any_sink.result().inspect_err(|_| self.release(reserved))?;
        Ok(reserved)
    }

    fn release(&self, reserved: ReservedSinks) {
        self.call_each(reserved, |sink| sink.release());
    }

    pub(super) fn record_request(&self, reserved: ReservedSinks, event: &Arc<RequestRecord>) {
        self.call_each(reserved, |sink| sink.record_request(event));
    }

    pub(super) fn record_event(&self, event: &Arc<AuditEvent>) {
        self.call_each(ReservedSinks::ALL, |sink| sink.record_event(event));
    }

    /// Asks all sinks that demand heads to keep one.
    pub(super) fn record_before_response(
        &self,
        reserved: ReservedSinks,
        event: &Arc<RequestRecord>,
        ask: fn(&dyn Sink, &Arc<RequestRecord>) -> Soon<SinkResult>,
    ) -> Soon<SinkResult> {
        let asked = self.slots.iter().enumerate();
        let asked =
            asked.filter(|(index, slot)| slot.requires_head_records && reserved.has(*index));
        let results = asked.map(|(_, slot)| {
            let failing = Soon::Now(Err(SinkUnavailable::Failing));
            (
                slot.policy,
                self.call_sink(slot, failing, |sink| ask(sink, event)),
            )
        });
        self.combine(results.collect(), self.deadline)
    }

    /// Makes everything safe that was taken.
    pub(super) fn flush(&self, limit: Duration) -> Soon<SinkResult> {
        self.call_all(limit, |sink| sink.flush())
    }

    pub(super) fn close(&self, limit: Duration) -> Soon<SinkResult> {
        self.call_all(limit, |sink| sink.close())
    }

    pub(super) fn anchor(&self) -> Option<Anchor> {
        let mut slots = self.slots.iter();
        slots.find_map(|slot| self.call_sink(slot, None, |sink| sink.anchor()))
    }

    pub(super) fn lost_records(&self) -> u64 {
        let lost = |slot: &SinkSlot| self.call_sink(slot, 0, |sink| sink.lost_records());
        self.slots.iter().map(lost).fold(0, u64::saturating_add)
    }

    /// Returns how often sinks panicked.
    pub(super) fn failures(&self) -> u64 {
        let failures = |slot: &SinkSlot| slot.failures.load(Ordering::Relaxed);
        self.slots.iter().map(failures).fold(0, u64::saturating_add)
    }

    fn call_all(
        &self,
        limit: Duration,
        ask: fn(&dyn Sink) -> Soon<SinkResult>,
    ) -> Soon<SinkResult> {
        let results = self.slots.iter().map(|slot| {
            let failing = Soon::Now(Err(SinkUnavailable::Failing));
            // A flush reports every sink.
            (SinkPolicy::Required, self.call_sink(slot, failing, ask))
        });
        self.combine(results.collect(), limit)
    }

    fn call_each(&self, reserved: ReservedSinks, call: impl Fn(&dyn Sink)) {
        for (index, slot) in self.slots.iter().enumerate() {
            if reserved.has(index) {
                self.call_sink(slot, (), &call);
            }
        }
    }

    /// Calls a sink; a panic ends here.
    fn call_sink<T>(&self, slot: &SinkSlot, otherwise: T, call: impl FnOnce(&dyn Sink) -> T) -> T {
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

    fn combine(
        &self,
        results: Vec<(SinkPolicy, Soon<SinkResult>)>,
        limit: Duration,
    ) -> Soon<SinkResult> {
        let mut waiting = PendingResults::default();
        for (policy, result) in results {
            match result {
                Soon::Now(result) => waiting.count(policy, result),
                Soon::Later(result) => waiting.results.push((policy, result)),
            }
        }
        match waiting.outcome() {
            Some(outcome) => Soon::Now(outcome),
            None => {
                waiting.deadline_passed = Some(self.timer.after(limit));
                Soon::later(waiting)
            }
        }
    }
}

/// Whether one of those is there of which one suffices.
#[derive(Debug, Default)]
struct AnySinkResult {
    kept: bool,
    refused: Option<SinkUnavailable>,
}

impl AnySinkResult {
    fn count(&mut self, policy: SinkPolicy, result: SinkResult) {
        match (policy, result) {
            (SinkPolicy::OneSuffices, Ok(())) => self.kept = true,
            (SinkPolicy::OneSuffices, Err(why)) => self.refused = Some(why),
            _ => {}
        }
    }

    fn result(&self) -> SinkResult {
        match self.refused {
            Some(why) if !self.kept => Err(why),
            _ => Ok(()),
        }
    }
}

/// Results that are still to come, under one deadline.
#[derive(Default)]
struct PendingResults {
    results: Vec<(SinkPolicy, BoxFuture<SinkResult>)>,
    any_sink: AnySinkResult,
    refused: Option<SinkUnavailable>,
    deadline_passed: Option<oneshot::Receiver<()>>,
}

impl PendingResults {
    fn count(&mut self, policy: SinkPolicy, result: SinkResult) {
        self.any_sink.count(policy, result);
        if let (SinkPolicy::Required, Err(why)) = (policy, result) {
            self.refused.get_or_insert(why);
        }
    }

    /// Returns the result of all together, once the results to come cannot change it.
    fn outcome(&self) -> Option<SinkResult> {
        if let Some(why) = self.refused {
            return Some(Err(why));
        }
        let open = |policy| self.results.iter().any(|(other, _)| *other == policy);
        if open(SinkPolicy::Required) || (open(SinkPolicy::OneSuffices) && !self.any_sink.kept) {
            return None;
        }
        Some(self.any_sink.result())
    }

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
