//! A charge that waits for a reply of a store.

use std::sync::Arc;

use super::{BucketKey, Charge};
use crate::policy::Limit;

/// A charge that can outlive the head of the request.
#[derive(Clone, Debug)]
pub(crate) struct OwnedCharge {
    pub(crate) limit: Arc<Limit>,
    pub(crate) bucket: BucketKey,
    pub(crate) required: u32,
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
