//! The builder of the layer.

use std::{num::NonZeroU32, ops::RangeInclusive, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use palisade_core::{Mode, Rejection};

use super::{ConcurrencyLayer, ConcurrencyState};
use crate::{
    error::RateLimitBuildError,
    policy::{FailureMode, Key, check_name},
    store::{LimitStore, permits::Permits},
};

/// The field that describes the limit to a client: draft-ietf-httpapi-ratelimit-headers, section 3.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The problem type of a limit that is reached (the registry of HTTP problem types at IANA, RFC
/// 9457).
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
/// The problem type of a store that cannot be asked.
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// The default expiry of a permit.
const EXPIRY: Duration = Duration::from_secs(30);

/// The script of the shared store removes permits that end later than the longest one.
const EXPIRIES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);

/// Collects the settings of a [`ConcurrencyLayer`]. [`ConcurrencyLayer::builder`] returns it.
///
/// | Setting | Default |
/// |---|---|
/// | name, limit | none; `builder` demands both |
/// | [`key`](Self::key) | [`Key::client`] |
/// | [`store`](Self::store) | this process alone |
/// | [`expiry`](Self::expiry) | 30 seconds |
/// | [`when_store_fails`](Self::when_store_fails) | that of the store |
/// | mode | refuses; [`dangerously_only_shadow`](Self::dangerously_only_shadow) records only |
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_rate_limit::{ConcurrencyLayer, Key};
///
/// // Four requests of one key at once, wherever they come from.
/// let four = NonZeroU32::new(4).expect("not zero");
/// let layer = ConcurrencyLayer::builder("voices", four).key(Key::principal()).build()?;
/// assert_eq!(layer.clients(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConcurrencyLayerBuilder {
    /// The name in refusals and in `RateLimit-Policy`.
    name: Box<str>,
    /// The most requests of one subject at the same time.
    limit: NonZeroU32,
    /// Whose requests are counted together. Default: [`Key::client`].
    key: Key,
    /// Where they are counted, or what a store without permits is. Default: in this process.
    permits: Result<Permits, String>,
    /// When a permit in a shared store expires. Default: 30 seconds.
    expiry: Duration,
    /// What happens while a shared store cannot be reached. `None`: what the store says.
    failure: Option<FailureMode>,
    /// Whether refusals are enforced. Default: they are.
    mode: Mode,
}

impl ConcurrencyLayerBuilder {
    pub(super) fn new(name: Box<str>, limit: NonZeroU32) -> Self {
        Self {
            name,
            limit,
            key: Key::client(),
            permits: Ok(Permits::default()),
            expiry: EXPIRY,
            failure: None,
            mode: Mode::Enforce,
        }
    }

    /// Sets whose requests are counted together. Default: [`Key::client`].
    ///
    /// [`Key::principal`] and [`Key::owner`] need an authenticator outside the layer. Without one, every request
    /// is refused with 500 `misconfigured`.
    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// Counts in this store. Default: in this process, for this layer and its clones.
    ///
    /// Over a `RedisStore`, all nodes count together. Over a [`MemoryStore`](crate::MemoryStore) or a
    /// [`SnapshotStore`](crate::SnapshotStore), requests in progress stay counted when the layer is built again, as at a
    /// reload. Layers of one name over one store count together.
    ///
    /// ```
    /// use std::{num::NonZeroU32, sync::Arc};
    /// use palisade_rate_limit::{ConcurrencyLayer, MemoryStore};
    ///
    /// let store = Arc::new(MemoryStore::default());
    /// let layer = ConcurrencyLayer::builder("voices", NonZeroU32::MIN).store(store).build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a builder takes a store, as other builders do"
    )]
    pub fn store(mut self, store: impl LimitStore) -> Self {
        self.permits = store.permits().ok_or_else(|| store.explain());
        self
    }

    /// Sets when a permit expires whose node does not renew it: 1 second to 10 minutes. Default: 30 seconds.
    ///
    /// So long the permits of a node that died stay in use. Nodes renew the permits of running requests at a third of
    /// the shortest expiry over their store. Without effect for a store of one process.
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets what happens while a shared store cannot be reached. Default: what the store says, which is
    /// [`FailureMode::local`] by default.
    ///
    /// With [`FailureMode::LocalFallback`] each node admits its part of the limit, rounded up: together at most the limit
    /// and one request for each node. With [`FailureMode::FailOpen`] each node admits up to the whole limit. With
    /// [`FailureMode::FailClosed`] requests are refused with 503.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use palisade_rate_limit::{ConcurrencyLayer, FailureMode};
    ///
    /// let layer = ConcurrencyLayer::builder("paid", NonZeroU32::MIN)
    ///     .when_store_fails(FailureMode::FailClosed)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub const fn when_store_fails(mut self, mode: FailureMode) -> Self {
        self.failure = Some(mode);
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
    /// [`RateLimitBuildError::InvalidName`] if the name is empty, longer than 48 bytes or holds
    /// anything but ASCII letters, digits, `-`, `_` and `.`. [`RateLimitBuildError::InvalidPermits`] if the expiry
    /// is out of range, or the store keeps no permits.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use palisade_rate_limit::ConcurrencyLayer;
    ///
    /// let error = ConcurrencyLayer::builder("no blanks", NonZeroU32::MIN).build().unwrap_err();
    /// assert!(error.to_string().contains("a name is 1 to 48 ASCII letters"));
    /// ```
    pub fn build(self) -> Result<ConcurrencyLayer, RateLimitBuildError> {
        check_name(&self.name)?;
        let problem = |reason: String| RateLimitBuildError::InvalidPermits {
            name: self.name.clone(),
            reason: reason.into(),
        };
        if !EXPIRIES.contains(&self.expiry) {
            let expiry = self.expiry;
            return Err(problem(format!(
                "an expiry of {expiry:?} is out of range; choose 1 second to 10 minutes"
            )));
        }
        let permits = self.permits.as_ref().map_err(|store| {
            problem(format!(
                "the store keeps no permits ({store}); implement `LimitStore::permits`, or give the layer no store"
            ))
        })?;
        let shared = permits.shared();
        if let Some(shared) = &shared {
            shared.register_expiry(self.expiry);
        }
        Ok(ConcurrencyLayer(Arc::new(ConcurrencyState {
            name: Arc::from(&*self.name),
            limit: self.limit,
            counters: permits.counters(&self.name),
            shared,
            expiry: self.expiry,
            failure: self.failure,
            mode: self.mode,
            refusal: refusal(&self.name, self.limit)?,
            unavailable: Rejection::unavailable(Duration::from_secs(1))
                .with_type(REDUCED_CAPACITY)
                .with_reason(
                    "the store of the permits cannot be reached, and the limit fails closed",
                )
                .prerendered(),
            key: self.key,
        })))
    }
}

/// Renders the 429.
///
/// # Errors
///
/// The name does not fit a header field.
fn refusal(name: &str, limit: NonZeroU32) -> Result<Rejection, RateLimitBuildError> {
    let policy = format!("\"{name}\";q={limit};qu=\"concurrent-requests\"");
    let policy = HeaderValue::try_from(policy)
        .map_err(|_| RateLimitBuildError::InvalidName { name: name.into() })?;
    let refusal = Rejection::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_at_once",
        "Too many requests are in progress. Wait for one of them to end.",
    );
    Ok(refusal
        .with_type(QUOTA_EXCEEDED)
        .with_policy(name)
        .with_member("violated-policies", vec![name])
        // The end of a request in progress cannot be predicted. One second keeps a client from
        // retrying at once.
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
        .with_header(RATE_LIMIT_POLICY, policy)
        .prerendered())
}
