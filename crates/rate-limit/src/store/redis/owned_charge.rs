//! A charge that waits for a reply of the server.

use std::sync::Arc;

use crate::{
    policy::Limit,
    store::{BucketKey, Charge},
};

/// A charge that can outlive the head of the request.
#[derive(Clone, Debug)]
pub(super) struct OwnedCharge {
    pub(super) limit: Arc<Limit>,
    pub(super) bucket: BucketKey,
    required: u32,
    pub(super) consumed: u32,
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
    pub(super) fn borrow(&self) -> Charge<'_> {
        Charge {
            limit: &self.limit,
            bucket: self.bucket,
            required: self.required,
            consumed: self.consumed,
        }
    }
}
