//! The names of the limits that layers have over one store.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::{error::RateLimitBuildError, policy::Limit};

/// Remembers which limits the layers over one store have: buckets are kept by the name of the limit, so two
/// limits of one name would charge each other.
///
/// A custom [`LimitStore`](crate::LimitStore) that keeps buckets by name holds one and returns it from
/// [`limit_names`](crate::LimitStore::limit_names). [`RateLimitLayerBuilder::build`](crate::RateLimitLayerBuilder::build)
/// then fails with [`RateLimitBuildError::DuplicateLimit`].
///
/// A layer may be built again while its predecessor still runs: the same policy of the same kind of layer (by
/// client, by principal) has the same name, and finds the state that was left. A name is free again when the
/// layers that had it are dropped.
///
/// ```
/// use palisade_rate_limit::LimitNames;
///
/// let names = LimitNames::default();
/// # let _ = names;
/// ```
#[derive(Debug, Default)]
pub struct LimitNames(Mutex<Vec<Entry>>);

/// The layer that has a name, by what it is called. It has the name as long as this lives.
pub(crate) type Owner = Arc<&'static str>;

/// One name that is in use.
#[derive(Debug)]
struct Entry {
    /// The name of the limit: the key of its buckets.
    name: Box<str>,
    /// The name of the policy it came of, for the message.
    policy: Box<str>,
    /// The layer that has the name. It is free again when the layer is dropped.
    owner: Weak<&'static str>,
}

impl LimitNames {
    /// Registers the limits of a layer, all or none.
    ///
    /// # Errors
    ///
    /// The name of one is in use by another layer, or by another policy.
    pub(crate) fn register<'a>(
        &self,
        owner: &Owner,
        limits: impl Iterator<Item = &'a Limit> + Clone,
    ) -> Result<(), RateLimitBuildError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.owner.strong_count() > 0);
        for limit in limits.clone() {
            let taken = entries.iter().find(|entry| entry.excludes(owner, limit));
            if let Some(entry) = taken {
                return Err(entry.collision(limit));
            }
        }
        entries.extend(limits.map(|limit| Entry {
            name: limit.name.clone(),
            policy: limit.policy.clone(),
            owner: Arc::downgrade(owner),
        }));
        Ok(())
    }
}

impl Entry {
    /// Tells whether this entry keeps a limit from having its name. The same policy of a layer of the same kind
    /// is the one that is being replaced.
    fn excludes(&self, owner: &Owner, limit: &Limit) -> bool {
        let predecessor = || {
            let other = self.owner.upgrade();
            other.is_none_or(|other| *other == **owner) && self.policy == limit.policy
        };
        self.name == limit.name && !predecessor()
    }

    /// Describes which two policies want one name.
    fn collision(&self, limit: &Limit) -> RateLimitBuildError {
        RateLimitBuildError::DuplicateLimit {
            policy: limit.policy.clone(),
            limit: self.name.clone(),
            other_policy: self.policy.clone(),
            other_layer: Some(self.owner.upgrade().map_or("", |owner| *owner)),
        }
    }
}
