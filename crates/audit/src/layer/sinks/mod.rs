//! The sinks of a layer, and what happens if one of them fails.
//!
//! A sink is code of others: it may panic or never finish. A panic is caught where the sink is
//! called, so the other sinks still get the record and release their reservations. A result that
//! is later than the deadline counts as a failure. The policy of each sink decides whether the
//! request is refused. A sink that does not fail closed never refuses one: for its records responses only wait.
//!
//! | Policy | One sink fails | All sinks fail |
//! |---|---|---|
//! | [`Required`](SinkPolicy::Required) | the request is refused | the request is refused |
//! | [`OneSuffices`](SinkPolicy::OneSuffices) | the request goes on | the request is refused |
//! | [`BestEffort`](SinkPolicy::BestEffort) | the request goes on | the request goes on |

mod policy;
mod results;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::{MaybeReady, SharedClock};
use palisade_internal::log_limit::LogLimit;

pub use self::policy::SinkPolicy;
use self::results::{AnySinkResult, PendingResults, ResultRule};
use crate::{
    chain::Anchor,
    deadline_timer::DeadlineTimer,
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
    sink::Sink,
};

/// The most sinks of one layer: the bits of a mask.
pub(super) const MAX_SINKS: usize = 64;

/// Whether a sink kept a record.
type SinkResult = Result<(), SinkUnavailable>;

/// A sink with its policy.
#[derive(Debug)]
pub(super) struct SinkSlot {
    /// The sink.
    pub(super) sink: Arc<dyn Sink>,
    /// What happens if it cannot keep a record.
    policy: SinkPolicy,
    /// Whether it needs a record before the response. Read once, when the layer is built.
    requires_head_records: bool,
    /// Whether a request is refused that it cannot record. Read once too.
    fails_closed: bool,
    /// How often it panicked.
    failures: AtomicU64,
    /// Limits log lines about it to one a minute.
    log: LogLimit,
}

impl SinkSlot {
    /// Asks the sink once for what it needs. A sink that panics here counts as one that needs
    /// everything.
    pub(super) fn new(sink: Arc<dyn Sink>, policy: SinkPolicy) -> Self {
        let mut slot = Self {
            sink,
            policy,
            requires_head_records: false,
            fails_closed: false,
            failures: AtomicU64::new(0),
            log: LogLimit::per_minute(),
        };
        let demands = catch_unwind(AssertUnwindSafe(|| slot.sink.requires_head_records()));
        // A sink that cannot even say so is taken for one that must be asked, and refuses.
        slot.requires_head_records = demands.unwrap_or(true);
        let closed = catch_unwind(AssertUnwindSafe(|| slot.sink.fails_closed()));
        slot.fails_closed = closed.unwrap_or(true) && policy != SinkPolicy::BestEffort;
        slot
    }
}

/// All sinks of a layer.
#[derive(Debug)]
pub(super) struct Sinks {
    /// The sinks, in the order in which they were added.
    slots: Vec<SinkSlot>,
    /// Ends waits at the deadline.
    timer: DeadlineTimer,
    /// Measures the deadline.
    clock: SharedClock,
    /// The longest wait for a record before a response.
    deadline: Duration,
}

/// Which sinks reserved space for a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct ReservedSinks(u64);

impl ReservedSinks {
    /// All sinks, for records without a reservation.
    pub(super) const ALL: Self = Self(u64::MAX);

    /// Returns whether a sink reserved space.
    fn has(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    /// Notes that a sink reserved space.
    fn add(&mut self, index: usize) {
        self.0 |= 1 << index;
    }
}

impl Sinks {
    /// Returns the sinks of a layer.
    pub(super) fn new(slots: Vec<SinkSlot>, clock: SharedClock, deadline: Duration) -> Self {
        Self {
            slots,
            timer: DeadlineTimer::new(Arc::clone(&clock)),
            clock,
            deadline,
        }
    }

    /// Returns the timer for deadlines.
    pub(super) fn timer(&self) -> &DeadlineTimer {
        &self.timer
    }

    /// Returns whether any sink needs a record before the response.
    pub(super) fn requires_head_records(&self) -> bool {
        self.slots.iter().any(|slot| slot.requires_head_records)
    }

    /// Returns whether any sink refuses requests that it cannot record.
    pub(super) fn fail_closed(&self) -> bool {
        self.slots.iter().any(|slot| slot.fails_closed)
    }

    /// Lets all sinks reserve space. If the policies refuse the request, those that did release it.
    ///
    /// # Errors
    ///
    /// The error of the first required sink that has no space, or of the last one if one would have sufficed.
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

    /// Releases the space of all sinks that reserved some.
    fn release(&self, reserved: ReservedSinks) {
        self.call_each(reserved, |sink| sink.release());
    }

    /// Ends a request without a record, as the rules of the layer say.
    pub(super) fn leave_out(&self, reserved: ReservedSinks) {
        self.release(reserved);
        #[cfg(feature = "metrics")]
        metrics::counter!("palisade_audit_left_out_total").increment(1);
    }

    /// Gives the last record of a request to all sinks that reserved space.
    pub(super) fn record_request(&self, reserved: ReservedSinks, event: &Arc<RequestRecord>) {
        self.call_each(reserved, |sink| sink.record_request(event));
    }

    /// Gives an event to all sinks.
    pub(super) fn record_event(&self, event: &Arc<AuditEvent>) {
        self.call_each(ReservedSinks::ALL, |sink| sink.record_event(event));
    }

    /// Asks all sinks that demand heads to keep one. The result is ready when the policies are satisfied, and at the
    /// latest at the deadline.
    pub(super) fn record_before_response(
        &self,
        reserved: ReservedSinks,
        event: &Arc<RequestRecord>,
        ask: fn(&dyn Sink, &Arc<RequestRecord>) -> MaybeReady<SinkResult>,
    ) -> MaybeReady<SinkResult> {
        let asked = self.slots.iter().enumerate();
        let asked =
            asked.filter(|(index, slot)| slot.requires_head_records && reserved.has(*index));
        let results = asked.map(|(_, slot)| {
            let failing = MaybeReady::Ready(Err(SinkUnavailable::Failing));
            let rule = ResultRule {
                policy: slot.policy,
                fails_closed: slot.fails_closed,
            };
            (rule, self.call_sink(slot, failing, |sink| ask(sink, event)))
        });
        self.combine(results.collect(), self.deadline)
    }

    /// Makes all records safe that were taken. Waits at most `limit`.
    pub(super) fn flush(&self, limit: Duration) -> MaybeReady<SinkResult> {
        self.call_all(limit, |sink| sink.flush())
    }

    /// Closes all sinks. Waits at most `limit`.
    pub(super) fn close(&self, limit: Duration) -> MaybeReady<SinkResult> {
        self.call_all(limit, |sink| sink.close())
    }

    /// Returns the last safe record of the first sink that has a chain.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        let mut slots = self.slots.iter();
        slots.find_map(|slot| self.call_sink(slot, None, |sink| sink.anchor()))
    }

    /// Returns how many records all sinks together lost.
    pub(super) fn lost_records(&self) -> u64 {
        let lost = |slot: &SinkSlot| self.call_sink(slot, 0, |sink| sink.lost_records());
        self.slots.iter().map(lost).fold(0, u64::saturating_add)
    }

    /// Returns how often sinks panicked.
    pub(super) fn failures(&self) -> u64 {
        let failures = |slot: &SinkSlot| slot.failures.load(Ordering::Relaxed);
        self.slots.iter().map(failures).fold(0, u64::saturating_add)
    }

    /// Calls all sinks and combines their results.
    fn call_all(
        &self,
        limit: Duration,
        ask: fn(&dyn Sink) -> MaybeReady<SinkResult>,
    ) -> MaybeReady<SinkResult> {
        let results = self.slots.iter().map(|slot| {
            let failing = MaybeReady::Ready(Err(SinkUnavailable::Failing));
            (ResultRule::REPORTED, self.call_sink(slot, failing, ask))
        });
        self.combine(results.collect(), limit)
    }

    /// Calls all sinks that reserved space.
    fn call_each(&self, reserved: ReservedSinks, call: impl Fn(&dyn Sink)) {
        for (index, slot) in self.slots.iter().enumerate() {
            if reserved.has(index) {
                self.call_sink(slot, (), &call);
            }
        }
    }

    /// Calls a sink and catches a panic: it is counted, logged once a minute, and `otherwise` is returned.
    ///
    /// The sink is called again at the next request. A sink whose state is broken may panic each time; the others do
    /// not notice.
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

    /// Combines the results of several sinks by their policies, at most until `limit` has passed.
    ///
    /// The common case is that all results are there already. Then no timer is started.
    fn combine(
        &self,
        results: Vec<(ResultRule, MaybeReady<SinkResult>)>,
        limit: Duration,
    ) -> MaybeReady<SinkResult> {
        let mut waiting = PendingResults::default();
        for (rule, result) in results {
            match result {
                MaybeReady::Ready(result) => waiting.count(rule, result),
                MaybeReady::Pending(result) => waiting.results.push((rule, result)),
            }
        }
        match waiting.outcome() {
            Some(outcome) => MaybeReady::Ready(outcome),
            None => {
                waiting.deadline_passed = Some(self.timer.after(limit));
                MaybeReady::pending(waiting)
            }
        }
    }
}
