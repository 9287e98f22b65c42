//! Load shedding: how many requests may be in progress in all, and which are refused first when there are too many.
//!
//! `occupancy` counts the requests in progress, `adaptive` moves the limit by their latency.

mod builder;
mod adaptive;
mod occupancy;

use std::{fmt, sync::Arc, time::Duration};

use http::{request, response};
use palisade_core::{
    Guard, Mode, Priority, Rejection, Rule, SecurityContext, SharedClock, Verdict, layer,
};

pub use self::{adaptive::Adaptation, builder::LoadShedLayerBuilder};
use self::{
    adaptive::AdaptiveLimit,
    occupancy::{Occupancy, OccupiedPlace},
};

/// Limits how many requests are in progress in this process, and refuses the least important ones first.
///
/// A service that takes more requests than it can serve serves none of them in time. With this layer it refuses at
/// once what it cannot serve, and keeps space for what matters:
///
/// | Priority | Uses at most, of the limit | For |
/// |---|---|---|
/// | [`Sheddable`](Priority::Sheddable) | half | what may be done later: exports, crawlers, prefetches |
/// | [`Normal`](Priority::Normal) | nine tenths | requests without another priority |
/// | [`Critical`](Priority::Critical) | all of it | what must work under load: sign-in, payment, an operator |
///
/// The priority is that of the route's rule ([`Rule::priority`]), or else that of the principal's tier
/// ([`tier`](LoadShedLayerBuilder::tier)), or else `Normal`. A client cannot choose it. Routes whose rule is
/// [unlimited](Rule::unlimited), such as health checks, are not counted.
///
/// A request counts until its response is complete. A refusal is 503 `overloaded` with `Retry-After: 1`. Place the
/// layer before authentication to protect that too, or after it for priorities by tier.
///
/// # The adaptive limit
///
/// With [`adaptive`](LoadShedLayerBuilder::adaptive) the limit follows the latency: additive increase, multiplicative
/// decrease (AIMD). Once a second, if at least ten responses began: when more than half of them began later than the
/// target, the limit becomes nine tenths; otherwise, when the limit was nearly used, it grows by a twentieth of the
/// most.
///
/// The time until the head of a response counts, with all waits inside: for the body of the request, and for
/// [`Policy::delay`](crate::Policy::delay). A request that is cancelled after the target counts as late. How long a
/// client reads the response does not count.
///
/// The wait for the body is not left out: a handler that reads its body as it arrives needs that time too, and keeps what
/// the limit protects for as long. Give slow uploads a route of their own, whose rule is `unlimited`, or a
/// [`ConcurrencyLayer`](crate::ConcurrencyLayer).
///
/// Each request has one vote, not each client. A client that sends most of the requests decides: it lowers the limit
/// by bodies that it sends slowly, and keeps it high by requests that are cheap. So place rate limits and
/// [`ConcurrencyLayer`](crate::ConcurrencyLayer) by client outside, and limits with a delay too.
///
/// This layer has no share for each client: one that reads many responses slowly keeps their places. The same limits
/// outside, and time-outs for bodies, prevent it.
///
/// # Metrics
///
/// With feature `metrics`: `palisade_load_limit` and `palisade_load_in_progress`, and
/// `palisade_load_shed_total{priority}`.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_rate_limit::LoadShedLayer;
///
/// let most = NonZeroU32::new(500).expect("not zero");
/// let layer = LoadShedLayer::builder(most).build()?;
/// assert_eq!((layer.limit(), layer.in_progress()), (500, 0));
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
///
/// A limit between 20 and 500 that keeps most responses within 200 ms, and a tier that is refused last:
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use palisade_core::Priority;
/// use palisade_rate_limit::{Adaptation, LoadShedLayer};
///
/// let most = NonZeroU32::new(500).expect("not zero");
/// let least = NonZeroU32::new(20).expect("not zero");
/// let layer = LoadShedLayer::builder(most)
///     .adaptive(Adaptation::new(least, Duration::from_millis(200)))
///     .tier("gold", Priority::Critical)
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LoadShedLayer(Arc<LoadState>);

layer!(LoadShedLayer);

/// What all clones of a layer share.
struct LoadState {
    /// The places. Each request in progress holds one.
    occupancy: Arc<Occupancy>,
    /// Moves the limit. `None`: it is fixed.
    adaptive: Option<AdaptiveLimit>,
    /// The tiers with a priority of their own. A route with an explicit priority comes first.
    tiers: Box<[(Box<str>, Priority)]>,
    /// Measures the latency of responses.
    clock: SharedClock,
    /// Whether refusals are enforced.
    mode: Mode,
    /// The 503, made once: refusing has to be cheap when the service is overloaded.
    refusal: Rejection,
}

impl fmt::Debug for LoadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadState")
            .field("occupancy", &self.occupancy)
            .field("adaptive", &self.adaptive)
            .finish_non_exhaustive()
    }
}

impl LoadShedLayer {
    /// Starts a layer that admits so many requests at the same time, of all clients together.
    pub fn builder(most: std::num::NonZeroU32) -> LoadShedLayerBuilder {
        LoadShedLayerBuilder::new(most)
    }

    /// Returns how many requests may be in progress now. It changes where the limit is adaptive.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.0.occupancy.limit()
    }

    /// Returns how many requests are in progress.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.0.occupancy.in_progress()
    }
}

impl LoadState {
    /// Returns the priority of a request. Nothing that the client sends is read.
    fn priority(&self, cx: &SecurityContext) -> Priority {
        if let Some(priority) = cx.rule().and_then(Rule::explicit_priority) {
            return priority;
        }
        let tier = cx.principal().and_then(|who| who.tier());
        let of_tier = tier.and_then(|tier| self.tiers.iter().find(|(known, _)| **known == *tier));
        of_tier.map_or(Priority::Normal, |(_, priority)| *priority)
    }
}

/// A request in progress: its place, and when it came.
#[allow(unnameable_types)] // Only the layer uses it.
#[derive(Debug)]
pub struct RequestInProgress {
    /// Where the latency is recorded.
    layer: Arc<LoadState>,
    /// Only held: its drop frees the place.
    _place: OccupiedPlace,
    /// `None`: its latency is known, or not wanted.
    began: Option<Duration>,
}

/// A request that was cancelled before its response began counts if that was after the target: under too much load
/// clients give up first. One that was cancelled earlier says nothing.
impl Drop for RequestInProgress {
    fn drop(&mut self) {
        let Some((began, adaptive)) = self.began.zip(self.layer.adaptive.as_ref()) else {
            return;
        };
        let now = self.layer.clock.monotonic();
        let latency = now.saturating_sub(began);
        if adaptive.is_late(latency) {
            adaptive.record(&self.layer.occupancy, now, latency);
        }
    }
}

impl Guard for LoadShedLayer {
    type Pass = Option<RequestInProgress>;

    fn name(&self) -> &'static str {
        "load_shed"
    }

    fn mode(&self) -> Mode {
        self.0.mode
    }

    fn admit(
        &self,
        cx: &SecurityContext,
        _: &mut request::Parts,
    ) -> Verdict<Option<RequestInProgress>> {
        if !cx.first_visit(Arc::as_ptr(&self.0).addr()) || cx.rule().is_some_and(Rule::is_unlimited)
        {
            return Verdict::Admit(None);
        }
        let priority = self.0.priority(cx);
        let Some(place) = Occupancy::take(&self.0.occupancy, priority) else {
            count_shed(priority);
            return self.0.refusal.clone().into();
        };
        let began = self.0.adaptive.is_some();
        Verdict::Admit(Some(RequestInProgress {
            layer: Arc::clone(&self.0),
            _place: place,
            began: began.then(|| cx.monotonic_time(&*self.0.clock)),
        }))
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut Option<RequestInProgress>,
        _: &mut response::Parts,
    ) -> Verdict<()> {
        let began = pass.as_mut().and_then(|pass| pass.began.take());
        if let (Some(began), Some(adaptive)) = (began, &self.0.adaptive)
            // Refusals are fast and say nothing of the handler.
            && !cx.refused_before_handler()
        {
            let now = self.0.clock.monotonic();
            adaptive.record(&self.0.occupancy, now, now.saturating_sub(began));
        }
        Verdict::Admit(())
    }
}

/// Counts a request that was refused.
fn count_shed(priority: Priority) {
    #[cfg(feature = "metrics")]
    metrics::counter!("palisade_load_shed_total", "priority" => priority.as_str()).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = priority;
}
