//! Units that wait to be charged or refunded.

use crate::store::redis::connection::DeliveryOutcome;

/// Units to charge and to refund.
///
/// They are separate, because refunds end at a full bucket and charges at the debt. Their
/// difference alone could refund what was never charged.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct PendingUnits {
    /// Units to charge.
    pub(crate) charge: u64,
    /// Units to refund.
    pub(crate) refund: u64,
    /// How many settlements the charge is the sum of.
    pub(super) charges: u32,
    /// How many settlements the refund is the sum of.
    pub(super) refunds: u32,
}

impl PendingUnits {
    /// Sorts units by their sign: positive ones are charged, negative ones refunded.
    pub(crate) fn of(units: i64) -> Self {
        let (charges, refunds) = (u32::from(units > 0), u32::from(units < 0));
        Self {
            charge: u64::from(charges) * units.unsigned_abs(),
            refund: u64::from(refunds) * units.unsigned_abs(),
            charges,
            refunds,
        }
    }

    /// Adds further units.
    pub(crate) const fn merge(&mut self, other: Self) {
        self.charge = self.charge.saturating_add(other.charge);
        self.refund = self.refund.saturating_add(other.refund);
        self.charges = self.charges.saturating_add(other.charges);
        self.refunds = self.refunds.saturating_add(other.refunds);
    }

    /// Returns what must be sent again after a delivery with this outcome.
    ///
    /// If it is unknown whether they were applied, charges are sent again and refunds are not. Both
    /// are the strict choice.
    pub(crate) fn to_send_again(self, delivery: DeliveryOutcome) -> Self {
        match delivery {
            DeliveryOutcome::NotApplied => self,
            DeliveryOutcome::Unknown => Self {
                refund: 0,
                refunds: 0,
                ..self
            },
            DeliveryOutcome::Done | DeliveryOutcome::Rejected => Self::default(),
        }
    }

    /// Returns the number of settlements.
    pub(super) fn settlements(&self) -> u64 {
        u64::from(self.charges) + u64::from(self.refunds)
    }

    /// Tells whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.settlements() == 0
    }
}
