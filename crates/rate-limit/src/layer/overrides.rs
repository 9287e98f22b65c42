//! Other amounts for single subjects: overrides, how an operator sets them, and how a request finds them and the
//! amounts that its principal brings.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use palisade_core::OwnLimits;

use super::{ConfiguredLimit, LayerState, LimitId, LimitVariant, RateLimitLayer};
use crate::{
    error::RateLimitBuildError,
    policy::{Cost, KeyKind, Limit, Subject},
    store::{BucketKey, Charge, LimitOverride, LimitOverrides, OverrideError, StoreProblem},
};

/// The limits of overrides that apply to one request, with the index of the limit that each replaces.
///
/// They live as long as the request: what it settles, it settles at the price of its charge. Most requests have none
/// and allocate nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestOverrides(Option<Box<OverriddenLimits>>);

/// Pairs of index and limit. Few requests have more than one, so a search is faster than a table.
#[derive(Clone, Debug, Default)]
struct OverriddenLimits(Vec<(u8, Arc<Limit>)>);

impl RequestOverrides {
    /// Most requests have none.
    pub(super) const NONE: Self = Self(None);

    /// Tells whether all limits of the request are the configured ones.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the limit that replaces the one of this index.
    pub(super) fn limit(&self, index: u8) -> Option<&Arc<Limit>> {
        let OverriddenLimits(limits) = &**self.0.as_ref()?;
        let found = limits.iter().find(|(other, _)| *other == index);
        found.map(|(_, limit)| limit)
    }

    /// Replaces the limit of this index for the request.
    fn push(&mut self, index: u8, limit: Arc<Limit>) {
        self.0.get_or_insert_default().0.push((index, limit));
    }
}

impl LayerState {
    /// Returns the overrides of the store, if there are any.
    pub(super) fn overrides_in_use(&self) -> Option<&LimitOverrides> {
        self.store
            .overrides()
            .filter(|overrides| overrides.in_use())
    }

    /// Replaces a limit by that of an override, if the subject has one that applies.
    ///
    /// Another process may have set an amount that this configuration cannot have: see
    /// [`limit_under_override`](Self::limit_under_override).
    pub(super) fn apply_override(
        &self,
        overrides: &LimitOverrides,
        id: LimitId,
        bucket: BucketKey,
        request: &mut RequestOverrides,
    ) -> LimitId {
        let Some(configured) = self.limits.get(usize::from(id.index)) else {
            return id;
        };
        match self.overridden(overrides, configured, bucket) {
            None => id,
            Some((limit, _)) => {
                request.push(id.index, limit);
                id.overridden()
            }
        }
    }

    /// Finds the override of a subject, and its limit.
    pub(super) fn overridden(
        &self,
        overrides: &LimitOverrides,
        configured: &ConfiguredLimit,
        bucket: BucketKey,
    ) -> Option<(Arc<Limit>, LimitOverride)> {
        let unix_time = || self.clock.unix_time();
        let found = overrides.find(&configured.limit, bucket, unix_time)?;
        let base = (LimitVariant::Base, &configured.limit);
        let limit = self.limit_under(configured, base, found.amount())?;
        Some((limit, found))
    }

    /// Replaces a limit by one with the principal's own amount, if it has one for this limit.
    ///
    /// A higher amount than that of the policy or tier needs the policy's word. An override takes precedence.
    pub(super) fn apply_own_limit(
        &self,
        own: &OwnLimits,
        id: LimitId,
        request: &mut RequestOverrides,
    ) -> LimitId {
        let found = (id.variant != LimitVariant::Override)
            .then(|| self.own_limit(own, id))
            .flatten();
        match found {
            None => id,
            Some(limit) => {
                request.push(id.index, limit);
                id.overridden()
            }
        }
    }

    /// Returns the limit with the principal's own amount. `None`: it has none, or none that changes anything.
    fn own_limit(&self, own: &OwnLimits, id: LimitId) -> Option<Arc<Limit>> {
        let configured = self.limits.get(usize::from(id.index))?;
        let amount = own.amount(&configured.limit.name)?;
        if configured.limit.penalty || !matches!(configured.key.0, KeyKind::Principal(_)) {
            return None;
        }
        let limit = self.limit(id, &RequestOverrides::NONE)?;
        let granted = limit.rate.amount();
        let most = limit.own_amounts.and_then(NonZeroU32::new);
        let amount = amount.min(most.map_or(granted, |most| most.max(granted)));
        if amount == granted {
            return None;
        }
        self.limit_under(configured, (id.variant, limit), amount)
    }

    /// Returns a limit, or its variant for a tier, with another amount. `None`: the limit itself applies.
    ///
    /// Of an amount that the limit cannot have, such as one below the cost of a request, the smallest that it can have
    /// applies in its place: a restriction stays a restriction.
    fn limit_under(
        &self,
        configured: &ConfiguredLimit,
        (variant, limit): (LimitVariant, &Arc<Limit>),
        amount: NonZeroU32,
    ) -> Option<Arc<Limit>> {
        if let Some(prepared) = configured.prepared.find((variant, amount)) {
            return prepared;
        }
        let changed = match self.limit_with_amount(limit, amount) {
            Ok(changed) => Some(changed),
            Err(reason) => {
                let smallest = self.smallest_above(limit, amount);
                let applied = smallest.as_ref().unwrap_or(limit).rate.amount();
                self.tell_other_amount(configured, amount, applied, &reason);
                smallest
            }
        };
        let key = (variant, amount);
        configured.prepared.keep(key, changed.clone());
        changed
    }

    /// Returns the limit with the smallest possible amount above an impossible one, and below its own.
    fn smallest_above(&self, limit: &Limit, impossible: NonZeroU32) -> Option<Arc<Limit>> {
        let (mut low, mut high) = (impossible.get(), limit.rate.amount().get());
        let mut smallest = None;
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            let possible =
                NonZeroU32::new(middle).map(|amount| self.limit_with_amount(limit, amount));
            match possible {
                Some(Ok(possible)) => (high, smallest) = (middle, Some(possible)),
                _ => low = middle,
            }
        }
        smallest
    }

    /// Logs that another amount applies than the one that was set: once for each amount, at most once a minute.
    fn tell_other_amount(
        &self,
        configured: &ConfiguredLimit,
        amount: NonZeroU32,
        applied: NonZeroU32,
        reason: &RateLimitBuildError,
    ) {
        let Some(held_back) = configured.prepared.admit_line(self.clock.monotonic()) else {
            return;
        };
        tracing::warn!(
            target: "palisade",
            limit = %configured.limit.name,
            amount,
            applied,
            %reason,
            held_back,
            "an override or a principal has an amount that the limit cannot have here: the one in `applied` applies; set another amount"
        );
    }

    /// Returns a limit with another amount.
    ///
    /// # Errors
    ///
    /// The limit, or its store, cannot have it.
    fn limit_with_amount(
        &self,
        limit: &Limit,
        amount: NonZeroU32,
    ) -> Result<Arc<Limit>, RateLimitBuildError> {
        let limit = Arc::new(limit.with_amount(amount)?);
        self.store.check_limit(&limit)?;
        match limit.cost {
            Cost::Fixed(cost) if cost > limit.burst() => Err(RateLimitBuildError::CostAboveBurst {
                policy: limit.policy.clone(),
                cost,
                burst: limit.burst(),
            }),
            _ => Ok(limit),
        }
    }
}

impl RateLimitLayer {
    /// Gives a subject another amount of a limit, or removes that with `None`. For an operator.
    ///
    /// `limit` is a name as [`explain`](Self::explain) prints it: that of the policy, with the window where it has
    /// several rates. What the subject has used is kept in units: with 5 of 5 used, an override of 500 leaves 495.
    /// Of a limit with a [lease](crate::Policy::lease), units that nodes hold at that moment may count as unused.
    /// Where an override takes units away, at most a full bucket counts as used.
    ///
    /// It applies to every layer over the store. With `RedisStore`, this process applies it at once, and others
    /// within eleven seconds. With a store in memory it is lost when the process ends, unless a snapshot keeps it.
    ///
    /// Where a layer cannot have the amount (another process set it, and one request costs more here), the smallest
    /// that it can have applies, and one line of the log says so.
    ///
    /// # Errors
    ///
    /// [`OverrideError`] if the layer has no such limit, the amount is too large or smaller than the cost of one
    /// request, there are 1,024 already, or a shared store does not confirm it. With
    /// [`NotSaved`](OverrideError::NotSaved) it applies, and only the file of a snapshot was not written.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use palisade_rate_limit::{LimitOverride, Policy, RateLimitLayer, Subject};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let layer = RateLimitLayer::by_principal().policy(Policy::named("tts").rate("100/day")?).build()?;
    /// let anna = Subject::Named { kind: "api_key", id: "anna", group: None };
    /// let more = LimitOverride::new(NonZeroU32::new(5_000).expect("not zero"));
    /// layer.set_override(&anna, "tts", Some(more)).await?;
    ///
    /// let states = layer.inspect(&anna).get().await.expect("memory is never away");
    /// assert_eq!((states[0].remaining, states[0].overridden), (5_000, Some(more)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub async fn set_override(
        &self,
        subject: &Subject<'_>,
        limit: &str,
        value: Option<LimitOverride>,
    ) -> Result<(), OverrideError> {
        let counted =
            |configured: &ConfiguredLimit| configured.counts_subject(subject).then_some(*subject);
        self.change_override(limit, value, counted).await
    }

    /// Gives a client address another amount of a limit, or removes that with `None`, as
    /// [`set_override`](Self::set_override) does.
    ///
    /// It applies to the network that the limit counts the address with. The wider IPv6 network around it keeps
    /// its quota.
    ///
    /// # Errors
    ///
    /// As for [`set_override`](Self::set_override).
    pub async fn set_client_override(
        &self,
        ip: IpAddr,
        limit: &str,
        value: Option<LimitOverride>,
    ) -> Result<(), OverrideError> {
        self.change_override(limit, value, |configured| configured.subject_of_client(ip))
            .await
    }

    /// Sets or removes an override, and carries over what was used.
    ///
    /// # Errors
    ///
    /// As for [`set_override`](Self::set_override).
    async fn change_override<'a>(
        &self,
        limit: &str,
        value: Option<LimitOverride>,
        subject: impl Fn(&ConfiguredLimit) -> Option<Subject<'a>>,
    ) -> Result<(), OverrideError> {
        let unknown = || OverrideError::UnknownLimit {
            limit: limit.into(),
        };
        let named = |configured: &&ConfiguredLimit| {
            *configured.limit.name == *limit && !configured.limit.is_network
        };
        let mut limits = self.limits_with_shadow();
        let configured = limits.find(named).ok_or_else(unknown)?;
        let subject = subject(configured).ok_or_else(unknown)?;
        let bucket = self.0.store.bucket_key(&subject);
        let overrides = self.0.store.overrides().ok_or(OverrideError::Unsupported)?;
        let unix_time = self.0.clock.unix_time();
        if value.is_some_and(|value| !value.applies(unix_time.as_secs())) {
            return Err(OverrideError::Ended);
        }
        let base = &configured.limit;
        let before = self.0.overridden(overrides, configured, bucket);
        let before = before.map_or_else(|| Arc::clone(base), |(limit, _)| limit);
        let after = match value {
            None => Arc::clone(base),
            Some(value) => self
                .0
                .limit_with_amount(base, value.amount())
                .map_err(|reason| OverrideError::InvalidAmount { reason })?,
        };
        let used = self.used_units(&before, bucket).await?;
        let changed = self.0.store.change_override(base, bucket, value, unix_time);
        let changed = changed.get().await;
        // It applies nevertheless, so what was used is carried over.
        if !matches!(changed, Ok(()) | Err(OverrideError::NotSaved { .. })) {
            return changed;
        }
        let now = self.0.clock.monotonic();
        match self.0.store.rescale(now, &before, &after, bucket) {
            Some(rescaled) => rescaled.get().await?,
            None => self.carry_over(&before, &after, bucket, used),
        }
        changed
    }

    /// Returns how many units of a bucket are used, rounded up.
    ///
    /// # Errors
    ///
    /// A shared store cannot be reached.
    async fn used_units(&self, limit: &Arc<Limit>, bucket: BucketKey) -> Result<i64, StoreProblem> {
        let deciding = {
            let look = [Charge::check_only(limit, bucket)];
            self.0.store.look(self.0.clock.monotonic(), &look)
        };
        let decision = deciding.get().await;
        match decision.limit_states() {
            [state] if !decision.degraded => {
                let used = state.backlog.div_ceil(limit.gcra.emission());
                Ok(i64::try_from(used).unwrap_or(i64::MAX))
            }
            _ => Err(StoreProblem::Timeout),
        }
    }

    /// Charges the used units at the price of another amount, in place of that before.
    fn carry_over(&self, before: &Arc<Limit>, after: &Arc<Limit>, bucket: BucketKey, used: i64) {
        if used == 0 || before.gcra.emission() == after.gcra.emission() {
            return;
        }
        let now = self.0.clock.monotonic();
        self.0.store.adjust(now, before, bucket, -used);
        self.0.store.adjust(now, after, bucket, used);
    }
}

impl ConfiguredLimit {
    /// Tells whether requests can be counted against such a subject. Pairs have subjects that no one can name.
    fn counts_subject(&self, subject: &Subject<'_>) -> bool {
        let owner = |kind: &str| kind == "owner";
        match (&self.key.0, subject) {
            (KeyKind::Everyone, Subject::Everyone)
            | (KeyKind::Custom { .. }, Subject::Everyone)
            | (
                KeyKind::Client(_) | KeyKind::Owner(_) | KeyKind::Principal(_),
                Subject::Network { .. },
            ) => true,
            (KeyKind::Custom { name, .. }, Subject::Named { kind, .. }) => name == kind,
            // A principal without an owner counts for itself.
            (KeyKind::Owner(_), Subject::Named { .. }) => true,
            (KeyKind::Principal(_), Subject::Named { kind, .. }) => !owner(kind),
            _ => false,
        }
    }
}
