//! The units of one bucket that a node took ahead: when they are spent, renewed and given back.
//!
//! Only arithmetic: no lock, no clock and no store. [`LeasedStore`](super::LeasedStore) and the model
//! of the algorithm call the same functions.
//!
//! # The bound
//!
//! A bucket has one lease on each node. A lease never holds more than its size, whatever is spent,
//! taken and given back at the same time:
//!
//! 1. Units are taken only while the lease holds none: none to spend, none that a request holds while
//!    it waits for other limits, and none on their way back to the store.
//! 2. One request at a time takes units.
//! 3. Units are not spent after the end of the lease. They are given back once.
//!
//! The store charged these units before. So in any span of time, all nodes together admit at most what
//! the limit grants in that span, and one lease for each node.

/// What a lease does with the charge of a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum LeaseStep {
    /// The store decides about these units. They include the charge; the others are then leased.
    Ask {
        /// The units to take from the store.
        units: u32,
        /// What the lease still had, and holds back until the store has replied.
        rest: u32,
    },
    /// The store decides about the charge alone.
    Exact,
    /// The lease paid.
    Spent,
}

/// The lease of one bucket on one node. Times are nanoseconds of the node's monotonic clock.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Lease {
    /// Units that are left to pay with.
    units: u32,
    /// Spent by requests about which other limits have not decided, or held back by one that asks.
    undecided: u32,
    /// When the lease ends. Its rest then goes back to the store.
    ends: u64,
    /// Until then the store has too few units for a lease, or cannot be reached.
    exact_until: u64,
    /// A question to the store is on its way. Until the reply, others of this bucket are decided by
    /// the store alone.
    is_asking: bool,
}

impl Lease {
    /// Decides who pays a charge: the lease, or the store.
    ///
    /// `size` is the most that the lease may hold. `may_ask` tells whether units can be taken: nothing
    /// of this bucket is on its way back to the store.
    pub(crate) fn charge(&mut self, now: u64, units: u32, size: u32, may_ask: bool) -> LeaseStep {
        if self.pays(now, units) {
            self.units -= units;
            self.undecided += units;
            return LeaseStep::Spent;
        }
        let is_free = self.is_settled() && now >= self.exact_until;
        if !may_ask || !is_free || self.has_ended(now) || units >= size {
            return LeaseStep::Exact;
        }
        let rest = std::mem::take(&mut self.units);
        self.undecided = rest;
        self.is_asking = true;
        LeaseStep::Ask {
            units: size - rest,
            rest,
        }
    }

    /// Tells whether the lease can pay a charge.
    pub(crate) const fn pays(&self, now: u64, units: u32) -> bool {
        now < self.ends && units <= self.units
    }

    /// Tells whether no request waits: none that the lease paid, and none that takes units.
    pub(crate) const fn is_settled(&self) -> bool {
        !self.is_asking && self.undecided == 0
    }

    /// Adds units that the store granted, without those of the request that asked.
    pub(crate) fn granted(&mut self, asked: u32, rest: u32, spent: u32, ends: u64) {
        self.is_asking = false;
        self.undecided -= self.undecided.min(rest);
        self.units += (asked + rest).saturating_sub(spent);
        self.ends = ends;
    }

    /// Ends a question that brought no units. None is asked before `exact_until`. Returns units that
    /// must be given back to the store: the lease ended meanwhile.
    pub(crate) fn not_granted(&mut self, now: u64, rest: u32, exact_until: u64) -> u32 {
        self.is_asking = false;
        self.exact_until = exact_until;
        self.undo(now, rest)
    }

    /// Takes back what a request spent that was not admitted. Returns units that must be given back to
    /// the store.
    pub(crate) fn undo(&mut self, now: u64, units: u32) -> u32 {
        self.confirm(units);
        if now >= self.ends {
            return units;
        }
        self.units += units;
        0
    }

    /// Ends the wait of a request that was admitted.
    pub(crate) fn confirm(&mut self, units: u32) {
        self.undecided -= self.undecided.min(units);
    }

    /// Returns the units of a lease that has ended, which must be given back to the store. Once.
    pub(crate) fn take_ended(&mut self, now: u64) -> u32 {
        match now >= self.ends {
            true => std::mem::take(&mut self.units),
            false => 0,
        }
    }

    /// Ends the lease now and returns its units, for a process that stops.
    pub(crate) fn end(&mut self) -> u32 {
        self.ends = 0;
        std::mem::take(&mut self.units)
    }

    /// Puts units of the ended lease back that the store could not take. They are given back later.
    pub(crate) const fn keep_ended(&mut self, units: u32) {
        self.units = self.units.saturating_add(units);
    }

    /// Tells whether the lease has units that must be given back.
    pub(crate) const fn has_ended(&self, now: u64) -> bool {
        self.units > 0 && now >= self.ends
    }

    /// Returns the units that can be spent.
    pub(crate) const fn units(&self) -> u32 {
        self.units
    }

    /// Returns the units that the store charged and no admitted request used. At most the size.
    #[cfg(test)]
    pub(crate) const fn held(&self) -> u32 {
        self.units + self.undecided
    }

    /// Tells whether nothing would be lost with the lease.
    pub(crate) const fn is_idle(&self, now: u64) -> bool {
        self.units == 0 && self.is_settled() && now >= self.exact_until
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: u32 = 10;
    const LIFE: u64 = 100;

    fn leased(now: u64) -> Lease {
        let mut lease = Lease::default();
        let step = lease.charge(now, 1, SIZE, true);
        assert_eq!(step, LeaseStep::Ask { units: 10, rest: 0 });
        lease.granted(10, 0, 1, now + LIFE);
        lease
    }

    #[test]
    fn a_lease_pays_until_it_is_empty_and_is_then_renewed() {
        let mut lease = leased(0);
        for _ in 0..9 {
            assert_eq!(lease.charge(1, 1, SIZE, true), LeaseStep::Spent);
            lease.confirm(1);
        }
        let ask = LeaseStep::Ask { units: 10, rest: 0 };
        assert_eq!(lease.charge(1, 1, SIZE, true), ask);
        assert_eq!(lease.charge(1, 1, SIZE, true), LeaseStep::Exact, "one asks");
    }

    #[test]
    fn what_is_left_of_a_lease_counts_when_it_is_renewed() {
        let mut lease = leased(0);
        assert_eq!(lease.charge(1, 6, SIZE, true), LeaseStep::Spent);
        lease.confirm(6);
        let ask = LeaseStep::Ask { units: 7, rest: 3 };
        assert_eq!(lease.charge(1, 5, SIZE, true), ask);
        lease.granted(7, 3, 5, LIFE + 1);
        assert_eq!(lease.held(), 5);
    }

    #[test]
    fn a_lease_that_has_ended_pays_nothing_and_is_given_back_once() {
        let mut lease = leased(0);
        assert_eq!(lease.charge(LIFE, 1, SIZE, true), LeaseStep::Exact);
        assert_eq!([lease.take_ended(LIFE), lease.take_ended(LIFE)], [9, 0]);
    }

    #[test]
    fn after_a_refusal_the_charge_alone_is_asked_for() {
        let mut lease = Lease::default();
        let ask = LeaseStep::Ask { units: 10, rest: 0 };
        assert_eq!(lease.charge(0, 1, SIZE, true), ask);
        assert_eq!(lease.not_granted(0, 0, 50), 0);
        assert_eq!(lease.charge(49, 1, SIZE, true), LeaseStep::Exact);
        assert_eq!(lease.charge(50, 1, SIZE, true), ask);
    }

    #[test]
    fn a_charge_as_large_as_a_lease_takes_none() {
        let mut lease = Lease::default();
        assert_eq!(lease.charge(0, SIZE, SIZE, true), LeaseStep::Exact);
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Ask,
        Charge(u32),
        End,
        EndWithoutSpace,
        Finish { admitted: bool },
        Pass(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Ask),
            (1..SIZE).prop_map(Event::Charge),
            Just(Event::End),
            Just(Event::EndWithoutSpace),
            any::<bool>().prop_map(|admitted| Event::Finish { admitted }),
            (0..LIFE).prop_map(Event::Pass),
        ]
    }

    proptest! {
        /// Of what the store charged, a lease never holds more than its size, and nothing is made or lost.
        #[test]
        fn a_lease_never_holds_more_than_its_size(events in prop::collection::vec(event(), 1..60)) {
            let (mut lease, mut now) = (Lease::default(), 0);
            let mut waiting: Vec<(LeaseStep, u32)> = Vec::new();
            let (mut taken, mut used, mut returned) = (0, 0, 0);
            for event in events {
                match event {
                    Event::Ask | Event::Charge(_) => {
                        let units = if let Event::Charge(units) = event { units } else { 1 };
                        waiting.push((lease.charge(now, units, SIZE, true), units));
                    }
                    Event::End => returned += lease.take_ended(now),
                    Event::EndWithoutSpace => {
                        let ended = lease.take_ended(now);
                        lease.keep_ended(ended);
                    }
                    Event::Pass(time) => now += time,
                    Event::Finish { admitted } => match (waiting.pop(), admitted) {
                        (Some((LeaseStep::Spent, units)), true) => {
                            lease.confirm(units);
                            used += units;
                        }
                        (Some((LeaseStep::Spent, units)), false) => returned += lease.undo(now, units),
                        (Some((LeaseStep::Ask { units, rest }, spent)), true) => {
                            lease.granted(units, rest, spent, now + LIFE);
                            taken += units;
                            used += spent;
                        }
                        (Some((LeaseStep::Ask { rest, .. }, _)), false) => {
                            returned += lease.not_granted(now, rest, now + 7);
                        }
                        (Some((LeaseStep::Exact, _)) | None, _) => {}
                    },
                }
                prop_assert!(lease.held() <= SIZE, "{lease:?}");
                prop_assert_eq!(lease.held() + used + returned, taken, "{:?}", lease);
            }
        }
    }
}
