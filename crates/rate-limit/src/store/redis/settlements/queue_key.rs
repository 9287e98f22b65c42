//! The names of buckets in the queue.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use hashbrown::Equivalent;

use crate::{policy::Limit, store::BucketKey};

/// A bucket of one limit. Limits are compared by their address; the entry keeps them alive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::store::redis) struct QueueKey {
    /// The hash of the subject.
    bucket: u128,
    /// The address of the limit in memory. The entry of the queue keeps the limit, so no other one
    /// gets this address.
    limit: usize,
    /// The hash of the name of the limit.
    salt: u32,
}

/// A bucket by the name of its limit: tiers, and the limits before and after a reload, share it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BucketName {
    /// The hash of the subject.
    bucket: u128,
    /// The hash of the name of the limit.
    salt: u32,
}

impl QueueKey {
    /// Returns the key of a bucket of this limit.
    pub(super) fn of(limit: &Arc<Limit>, bucket: BucketKey) -> Self {
        Self {
            bucket: bucket.own,
            limit: Arc::as_ptr(limit).addr(),
            salt: limit.salt,
        }
    }

    /// Returns the name that all versions of the limit share.
    pub(super) const fn bucket_name(&self) -> BucketName {
        BucketName {
            bucket: self.bucket,
            salt: self.salt,
        }
    }

    /// Returns the hash of the subject.
    pub(in crate::store::redis) const fn bucket(&self) -> u128 {
        self.bucket
    }
}

/// That of the name alone, so that a bucket is found under any of its limits.
impl Hash for QueueKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bucket_name().hash(state);
    }
}

impl Hash for BucketName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.bucket, self.salt).hash(state);
    }
}

impl Equivalent<QueueKey> for BucketName {
    fn equivalent(&self, key: &QueueKey) -> bool {
        (self.bucket, self.salt) == (key.bucket, key.salt)
    }
}
