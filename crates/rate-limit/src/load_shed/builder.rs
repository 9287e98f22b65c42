//! The builder of the layer.

use std::{num::NonZeroU32, sync::Arc};

use palisade_core::{Mode, Priority, Rejection, SharedClock, SystemClock};

use super::{
    LoadShedLayer, LoadState,
    adaptive::{Adaptation, AdaptiveLimit},
    occupancy::Occupancy,
};
use crate::error::RateLimitBuildError;

/// Collects the settings of a [`LoadShedLayer`]. [`LoadShedLayer::builder`] returns it.
///
/// | Setting | Default |
/// |---|---|
/// | the most requests | none; `builder` demands it |
/// | [`adaptive`](Self::adaptive) | the limit is the most, always |
/// | [`tier`](Self::tier) | principals have the priority `Normal` |
/// | [`clock`](Self::clock) | the system clock |
/// | mode | refuses; [`dangerously_only_shadow`](Self::dangerously_only_shadow) records only |
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_core::Priority;
/// use palisade_rate_limit::LoadShedLayer;
///
/// let most = NonZeroU32::new(200).expect("not zero");
/// let layer = LoadShedLayer::builder(most).tier("free", Priority::Sheddable).build()?;
/// assert_eq!(layer.limit(), 200);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LoadShedLayerBuilder {
    /// The most requests in progress. An adaptive limit begins here.
    most: NonZeroU32,
    /// How the limit follows the latency. `None`: it stays.
    adaptation: Option<Adaptation>,
    /// The priority of the principals of a tier. Others are [`Priority::Normal`].
    tiers: Vec<(Box<str>, Priority)>,
    /// Measures latencies. Default: the system clock.
    clock: SharedClock,
    mode: Mode,
}

impl LoadShedLayerBuilder {
    /// Starts with a fixed limit, no tiers and the system clock.
    pub(super) fn new(most: NonZeroU32) -> Self {
        Self {
            most,
            adaptation: None,
            tiers: Vec::new(),
            clock: SystemClock::shared(),
            mode: Mode::Enforce,
        }
    }

    /// Lets the limit follow the latency, up to the most. Default: it does not change.
    pub fn adaptive(mut self, adaptation: Adaptation) -> Self {
        self.adaptation = Some(adaptation);
        self
    }

    /// Gives principals of a tier this priority, on routes whose rule has none. Default: `Normal`.
    ///
    /// It needs an authenticator outside the layer. The last call for a tier counts.
    pub fn tier(mut self, tier: impl Into<Box<str>>, priority: Priority) -> Self {
        let tier = tier.into();
        self.tiers.retain(|(known, _)| *known != tier);
        self.tiers.push((tier, priority));
        self
    }

    /// Takes the time from this clock. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Admits what would be refused and records it (shadow mode). Default: it is refused. Use it only while rolling
    /// out. What would be refused is not counted.
    pub const fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::InvalidAdaptation`] if the least is more than the most, or the target is zero.
    ///
    /// ```
    /// use std::{num::NonZeroU32, time::Duration};
    /// use palisade_rate_limit::{Adaptation, LoadShedLayer};
    ///
    /// let most = NonZeroU32::new(10).expect("not zero");
    /// let more = NonZeroU32::new(11).expect("not zero");
    /// let adaptation = Adaptation::new(more, Duration::from_millis(200));
    /// assert!(LoadShedLayer::builder(most).adaptive(adaptation).build().is_err());
    /// ```
    pub fn build(self) -> Result<LoadShedLayer, RateLimitBuildError> {
        if let Some(Adaptation { least, target }) = self.adaptation
            && (least > self.most || target.is_zero())
        {
            return Err(RateLimitBuildError::InvalidAdaptation {
                least: least.get(),
                most: self.most.get(),
            });
        }
        let most = self.most;
        Ok(LoadShedLayer(Arc::new(LoadState {
            occupancy: Arc::new(Occupancy::new(most)),
            adaptive: self
                .adaptation
                .map(|adaptation| AdaptiveLimit::new(adaptation, most.get())),
            tiers: self.tiers.into(),
            clock: self.clock,
            mode: self.mode,
            refusal: refusal(),
        })))
    }
}

/// Renders the 503.
fn refusal() -> Rejection {
    Rejection::new(
        http::StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "The service has too many requests in progress. Try again later.",
    )
    .with_type("https://iana.org/assignments/http-problem-types#temporary-reduced-capacity")
    // When requests in progress end cannot be predicted. One second keeps a client from retrying at once.
    .with_header(
        http::header::RETRY_AFTER,
        http::HeaderValue::from_static("1"),
    )
    .prerendered()
}
