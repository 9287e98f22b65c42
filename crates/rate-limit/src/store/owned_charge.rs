//! A charge that waits for a reply of a store.

use std::sync::Arc;

use super::{BucketKey, Charge};
use crate::policy::Limit;

/// A charge that can outlive the head of the request.
#[derive(Clone, Debug)]
pub(crate) struct OwnedCharge {
    /// The limit that counts. The owner keeps it alive until the reply has come.
    pub(crate) limit: Arc<Limit>,
    /// The bucket of the subject.
    pub(crate) bucket: BucketKey,
    /// The units that must be there for the request to be admitted.
    pub(crate) required: u32,
    /// The units that are taken then. Fewer than required ones for a charge that only asks.
    pub(crate) consumed: u32,
}

impl From<&Charge<'_>> for OwnedCharge {
    fn from(charge: &Charge<'_>) -> Self {
        let Charge {
            limit,
            bucket,
            required,
            consumed,
        } = *charge;
        Self {
            limit: Arc::clone(limit),
            bucket,
            required,
            consumed,
        }
    }
}

impl OwnedCharge {
    /// Returns the charge as a store takes it.
    pub(crate) fn borrow(&self) -> Charge<'_> {
        Charge {
            limit: &self.limit,
            bucket: self.bucket,
            required: self.required,
            consumed: self.consumed,
        }
    }
}
