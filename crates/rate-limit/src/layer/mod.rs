//! The rate limit layer: selects the limits of a request, charges them, and adds header fields.
//!
//! `builder` checks the configuration. `charge` admits or refuses, `settle` corrects charges when
//! the request ends, `refusal` renders 429 and 503. If the store fails, each policy follows its
//! `FailureMode`.

mod check;
mod builder;
mod explain;
mod inspect;
mod reset;
mod shadow;
mod refused;
mod refusal_hook;
mod exempt;
mod response_settings;
mod wait;
mod charge;
mod settle;
mod refusal;
mod overrides;
mod prepared_limits;
#[cfg(feature = "metrics")]
mod refusal_metric;

use std::{hash::RandomState, sync::Arc};

use http::{HeaderName, request, response};
use palisade_core::{
    Guard, MaybeReady, Mode, Outcome, SecurityContext, SharedClock, Verdict, layer,
};

pub use self::{
    builder::RateLimitLayerBuilder, inspect::BucketState, refusal_hook::LimitRefusal,
    refused::RefusedSubject,
};
use self::{
    charge::LimitCharges, exempt::Exemption, overrides::RequestOverrides,
    prepared_limits::PreparedLimits, refusal::RefusalTemplates, refusal_hook::RefusalHook,
    refused::RefusedSubjects, settle::ChargedRequest,
};
use crate::{
    fields::LimitFields,
    policy::{Key, Limit},
    store::{LimitStore, Owner, StoreDecision},
};

/// Limits requests by policies that are decided together.
///
/// A request is admitted and charged by all of them, or refused and charged by none. Place one layer
/// before authentication ([`by_client`](Self::by_client)) and another after it
/// ([`by_principal`](Self::by_principal)). *Together* applies within one layer: what the outer one charged
/// stays charged when the inner one refuses.
///
/// Clones share their buckets. A layer that is applied twice around one handler charges once.
///
/// # Responses
///
/// | Status | Code | When |
/// |---|---|---|
/// | 429 (RFC 6585) | `quota_exceeded` | a bucket does not hold what the request needs |
/// | 429 | `too_many_failures` | only penalties refuse |
/// | 429 | `too_many_refusals` | only [penalties for refusals](crate::Policy::penalty_for_refusals) refuse |
/// | 400 | `cost_exceeds_quota` | the request costs more than a full bucket |
/// | 413 | `payload_too_large` | the same, for bytes of content |
/// | 503 | `temporary-reduced-capacity` | the store cannot be reached, and a policy [fails closed](crate::FailureMode::FailClosed) |
/// | 500 | `misconfigured` | the layer that finds the client or the principal is missing |
///
/// The body of a 429 is a problem document (RFC 9457) with the member `violated-policies`. `Retry-After`
/// (RFC 9110, 10.2.3) is in seconds, rounded up: a client that waits that long is admitted.
///
/// # Metrics
///
/// With feature `metrics`: `palisade_limit_refusals_total{limit}`, also of policies in shadow.
///
/// # Examples
///
/// Sixty requests a minute for each client address:
///
/// ```
/// use palisade_rate_limit::{Policy, RateLimitLayer};
///
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("all").rate("60/minute")?)
///     .build()?;
/// assert!(layer.explain().starts_with("all: 60/minute, at once 60, by client"));
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
///
/// Principals with tiers, in a store of another size, with the older header fields too:
///
/// ```
/// use palisade_rate_limit::{HeaderStyle, MemoryStore, Policy, RateLimitLayer, ResetFormat};
///
/// let layer = RateLimitLayer::by_principal()
///     .policy(Policy::named("tts").rate("100/day")?.for_tier("paid", "5000/day"))
///     .store(MemoryStore::with_capacity(10_000))
///     .headers([HeaderStyle::Draft10, HeaderStyle::Legacy(ResetFormat::Delta)])
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RateLimitLayer(Arc<LayerState>);

layer!(RateLimitLayer);

/// What all clones of a layer share.
#[derive(Debug)]
struct LayerState {
    /// The name of the guard in the audit trail.
    name: &'static str,
    /// Whether it refuses, or only records.
    mode: Mode,
    /// The limits in the order of the policies. Their index is the bit in sets of refused limits.
    limits: Box<[ConfiguredLimit]>,
    /// Where the backlogs are. One call decides all limits of a request together.
    store: Arc<dyn LimitStore>,
    /// Time comes from here alone, so that a test can move it.
    clock: SharedClock,
    /// The requests that no limit counts.
    exempt: Exemption,
    /// The function of the application that sees each refusal.
    refusal_hook: RefusalHook,
    /// In percent of the time.
    retry_after_jitter: u8,
    /// Chooses the jitter. Seeded at random, so that clients cannot calculate when others return.
    random: RandomState,
    /// Writes `RateLimit` and `RateLimit-Policy`, or the older fields.
    fields: LimitFields,
    /// Whether `RateLimit` names the bucket.
    partition_keys: bool,
    /// The responses of refusals, made at first use.
    refusal_templates: RefusalTemplates,
    /// Whom this layer refused most.
    refused: RefusedSubjects,
    /// The policies that refuse nothing. Another layer, so that what they would refuse changes nothing here.
    shadow: Option<RateLimitLayer>,
    /// Keeps the names of the limits in the store.
    _owner: Owner,
}

/// The index of a limit in the layer, and which of its variants applies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct LimitId {
    /// The position in the list of limits. At most eight limits are configured.
    index: u8,
    /// The limit itself, the one of a tier, or an override.
    variant: LimitVariant,
}

/// Which variant of a limit applies to a subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LimitVariant {
    /// The limit itself.
    Base,
    /// That of an override, or with the principal's own amount: it is among the [`RequestOverrides`].
    Override,
    /// That of the tier with this index.
    Tier(u16),
}

impl LimitId {
    /// Returns the same limit under an override.
    const fn overridden(self) -> Self {
        Self {
            variant: LimitVariant::Override,
            ..self
        }
    }

    /// Returns the set of limits as bits. `None` if one of them is the limit of a tier or of an override.
    fn set(ids: impl Iterator<Item = Self>) -> Option<usize> {
        let mut ids = ids;
        ids.try_fold(0, |set, id| {
            (id.variant == LimitVariant::Base).then_some(set | 1 << id.index)
        })
    }
}

/// A limit of the layer, with the key that selects its bucket.
#[derive(Debug)]
struct ConfiguredLimit {
    /// What is counted: rate, burst and cost.
    limit: Arc<Limit>,
    /// Whose bucket it is.
    key: Key,
    /// The index of the first limit with the same key: the subject is looked up once for both.
    bucket_of: usize,
    /// With the amounts of overrides.
    prepared: PreparedLimits,
    /// The requests that wait for units of this limit.
    #[cfg(feature = "delay")]
    waiting: Arc<wait::WaitingRequests>,
    /// The counter of refusals, looked up once and not for each refusal.
    #[cfg(feature = "metrics")]
    refusals: refusal_metric::RefusalMetric,
}

impl RateLimitLayer {
    /// Returns a builder of a layer that counts client addresses.
    ///
    /// Place it before authentication, inside the layer that determines the client's address. Without that
    /// layer, every request is refused with 500 (`misconfigured`). It is the place for limits that protect the
    /// service from strangers, and for [penalties](crate::Policy::penalty).
    pub fn by_client() -> RateLimitLayerBuilder {
        RateLimitLayerBuilder::new("limit_client", Key::client())
    }

    /// Returns a builder of a layer that counts principals, and guests by their address.
    ///
    /// Place it inside authentication. Without an authenticator, every request is refused with 500
    /// (`misconfigured`). It is the place for quotas: what a user or tenant may use.
    pub fn by_principal() -> RateLimitLayerBuilder {
        RateLimitLayerBuilder::new("limit_principal", Key::principal())
    }

    /// Returns the names of the policies, in the order in which they were added.
    ///
    /// Compare them with those that the rules of routes name: a name that no layer has limits nothing.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        let mut last = "";
        let limits = self
            .limits_with_shadow()
            .filter(|configured| !configured.limit.is_network);
        let names = limits.map(|configured| &*configured.limit.policy);
        names.filter(move |name| std::mem::replace(&mut last, name) != *name)
    }

    /// Returns the names of the policies that count only on routes whose rule names them.
    pub fn policies_on_named_routes(&self) -> impl Iterator<Item = &str> {
        let named = self
            .limits_with_shadow()
            .filter(|configured| configured.limit.named_routes_only);
        let mut last = "";
        named
            .map(|configured| &*configured.limit.policy)
            .filter(move |name| std::mem::replace(&mut last, name) != *name)
    }

    /// Returns the names of the header fields that admitted responses get, such as `ratelimit`.
    ///
    /// For lists of headers that scripts of other origins may read, and to keep space for them.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client().policy(Policy::named("all").rate("60/minute")?).build()?;
    /// let names: Vec<_> = layer.header_names().collect();
    /// assert_eq!(names, ["ratelimit-policy", "ratelimit"]);
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn header_names(&self) -> impl Iterator<Item = HeaderName> {
        self.0.fields.names()
    }
}

impl LayerState {
    /// Returns a limit, or its variant for a tier or for an override of the request.
    fn limit<'a>(&'a self, id: LimitId, overrides: &'a RequestOverrides) -> Option<&'a Arc<Limit>> {
        let base = &self.limits.get(usize::from(id.index))?.limit;
        match id.variant {
            LimitVariant::Base => Some(base),
            LimitVariant::Override => overrides.limit(id.index),
            LimitVariant::Tier(tier) => base.tiers.get(usize::from(tier))?.1.as_ref(),
        }
    }
}

impl Guard for RateLimitLayer {
    type Pass = ChargedRequest;

    fn name(&self) -> &'static str {
        self.0.name
    }

    fn mode(&self) -> Mode {
        self.0.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<ChargedRequest> {
        // The address of what all clones share.
        if !cx.first_visit(Arc::as_ptr(&self.0).addr()) || self.0.exempt.covers(cx, head) {
            return Verdict::Admit(ChargedRequest::default());
        }
        let Some(shadow) = &self.0.shadow else {
            return self.admit_by_limits(cx, head);
        };
        let verdict = self.admit_by_limits(cx, head);
        shadow.watch(cx, head, verdict)
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut ChargedRequest,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        // Charged before the response leaves: a client that waits for it before the next guess has
        // paid for this one.
        self.0.charge_failure(cx, pass);
        self.0.charge_by_response(cx, pass, head);
        if let (Some(shadow), Some(pass)) = (&self.0.shadow, pass.shadow_mut()) {
            let _ = shadow.finish(cx, pass, head);
        }
        if !pass.is_silent() && !head.status.is_redirection() {
            let now = || self.0.clock.unix_time().as_secs();
            self.0.fields.add_to_response(
                &mut head.headers,
                pass.set(),
                &self.0.reported_items(pass),
                now,
            );
        }
        Verdict::Admit(())
    }

    fn close(&self, cx: &SecurityContext, mut pass: ChargedRequest, _: Outcome) {
        self.0.close(cx, &mut pass);
        if let (Some(shadow), Some(mut pass)) = (&self.0.shadow, pass.take_shadow()) {
            shadow.0.close(cx, &mut pass);
        }
    }
}

impl LayerState {
    /// Charges what is known when a request has ended.
    fn close(&self, cx: &SecurityContext, pass: &mut ChargedRequest) {
        self.charge_failure(cx, pass);
        self.settle(cx, pass);
    }
}

impl RateLimitLayer {
    /// Charges the limits that refuse.
    #[inline]
    fn admit_by_limits(
        &self,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Verdict<ChargedRequest> {
        let mut charges = LimitCharges::default();
        if let Err(rejection) = self.0.add_charges(cx, head, &mut charges) {
            return rejection.into();
        }
        if charges.list.is_empty() {
            return Verdict::Admit(ChargedRequest::default());
        }
        match self.0.charge_store(cx, &charges) {
            MaybeReady::Ready(decision) => self.0.admit_or_wait(cx, charges, decision),
            MaybeReady::Pending(decision) => self.admit_later(cx, charges, decision),
        }
    }

    /// Waits for a store that does not decide at once, and then decides as `admit` does.
    fn admit_later(
        &self,
        cx: &SecurityContext,
        charges: LimitCharges,
        decision: palisade_core::BoxFuture<StoreDecision>,
    ) -> Verdict<ChargedRequest> {
        // A client that leaves meanwhile has paid: the store may have counted it already.
        let (this, cx) = (Arc::clone(&self.0), cx.clone());
        Verdict::later(async move {
            let decision = decision.await;
            this.admit_or_wait(&cx, charges, decision).get().await
        })
    }
}
