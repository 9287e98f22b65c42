//! The concurrency limit: how many requests of one client may run at the same time.
//!
//! The layer keeps a counter for each subject with a running request. A permit travels with the
//! request, and its drop releases the counter, however the request ends.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    num::NonZeroU32,
    sync::Arc,
};

use arrayvec::ArrayVec;
use dashmap::{DashMap, Entry};
use http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER, request};
use palisade_core::{Guard, Rejection, Rule, SecurityContext, Verdict, layer};

use crate::{
    error::RateLimitBuildError,
    policy::{Key, Subject, check_name, with_request_subject},
};

/// The field that describes the limit to a client: draft-ietf-httpapi-ratelimit-headers, section 3.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The problem type of a limit that is reached (the registry of HTTP problem types at IANA, RFC
/// 9457).
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// Limits how many requests of one client, principal or owner are in progress at the same time.
///
/// A rate says nothing of requests that last: ten requests a minute that run for an hour each are six
/// hundred at a time. A request counts until its response is complete: until the last byte of the body was
/// handed over, the client disconnected, or something failed. So a client that reads slowly uses up its own
/// limit and not that of others. The memory it takes is that of the requests in progress.
///
/// Where clients are counted, a network of IPv6 around them is counted too, as [`Key::ipv6_network`] says.
/// Routes whose rule is [unlimited](palisade_core::Rule::unlimited) are not counted. Each process counts
/// for itself.
///
/// With feature `metrics`, `palisade_concurrency_permits{limit}` is the number of requests in progress.
///
/// A refusal is 429 `too_many_at_once` with `Retry-After: 1`, since it is not known when a request ends, and
/// with `RateLimit-Policy: "voices";q=2;qu="concurrent-requests"`.
///
/// # Examples
///
/// Twenty at a time for each client address:
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_rate_limit::ConcurrencyLayer;
///
/// let twenty = NonZeroU32::new(20).expect("twenty is not zero");
/// let layer = ConcurrencyLayer::builder("connections", twenty).build()?;
/// assert_eq!(layer.clients(), 0);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
///
/// Two for each principal:
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_rate_limit::{ConcurrencyLayer, Key};
///
/// let two = NonZeroU32::new(2).expect("two is not zero");
/// let layer = ConcurrencyLayer::builder("voices", two).key(Key::principal()).build()?;
/// # fn is_layer<S>(_: impl palisade_core::Layer<S>) {}
/// # is_layer::<()>(layer);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConcurrencyLayer(Arc<ConcurrencyState>);

layer!(ConcurrencyLayer);

/// What all clones of a layer share.
struct ConcurrencyState {
    /// The label of the metrics.
    #[cfg(feature = "metrics")]
    name: Arc<str>,
    /// The most requests of one subject at the same time.
    limit: NonZeroU32,
    /// Whose requests are counted together.
    key: Key,
    /// Its keys are random for each process: a client cannot choose an address that shares the
    /// counter of another one.
    hasher: RandomState,
    /// The requests in progress by hashed subject. An entry without requests is removed, so an idle
    /// service holds none.
    under_way: DashMap<u64, u32>,
    /// The 429, made once. A flood of refusals then only copies it.
    refusal: Rejection,
}

impl fmt::Debug for ConcurrencyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyState")
            .field("limit", &self.limit)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl ConcurrencyLayer {
    /// Starts a layer that admits `limit` requests at the same time for each subject of its
    /// [key](ConcurrencyLayerBuilder::key). The name stands in refusals and in `RateLimit-Policy`.
    pub fn builder(name: impl Into<Box<str>>, limit: NonZeroU32) -> ConcurrencyLayerBuilder {
        ConcurrencyLayerBuilder {
            name: name.into(),
            limit,
            key: Key::client(),
        }
    }

    /// Returns how many subjects have requests in progress. Networks of IPv6 count too. For dashboards.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.0.under_way.len()
    }
}

/// Collects the settings of a [`ConcurrencyLayer`]. [`ConcurrencyLayer::builder`] returns it.
///
/// | Setting | Default |
/// |---|---|
/// | name, limit | none; `builder` demands both |
/// | [`key`](Self::key) | [`Key::client`] |
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
}

impl ConcurrencyLayerBuilder {
    /// Sets whose requests are counted together. Default: [`Key::client`].
    ///
    /// [`Key::principal`] and [`Key::owner`] need an authenticator outside the layer. Without one, every request
    /// is refused with 500 `misconfigured`.
    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::InvalidName`] if the name is empty, longer than 48 bytes or holds
    /// anything but ASCII letters, digits, `-`, `_` and `.`.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use palisade_rate_limit::ConcurrencyLayer;
    ///
    /// let error = ConcurrencyLayer::builder("no blanks", NonZeroU32::MIN).build().unwrap_err();
    /// assert!(error.to_string().contains("a name is 1 to 48 ASCII letters"));
    /// ```
    pub fn build(self) -> Result<ConcurrencyLayer, RateLimitBuildError> {
        let Self { name, limit, key } = self;
        check_name(&name)?;
        let policy = format!("\"{name}\";q={limit};qu=\"concurrent-requests\"");
        let policy = HeaderValue::try_from(policy)
            .map_err(|_| RateLimitBuildError::InvalidName { name: name.clone() })?;
        let refusal = Rejection::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_at_once",
            "Too many requests are in progress. Wait for one of them to end.",
        );
        let refusal = refusal
            .with_type(QUOTA_EXCEEDED)
            .with_member("violated-policies", vec![&*name])
            // The end of a request in progress cannot be predicted. One second keeps a client from
            // retrying at once.
            .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
            .with_header(RATE_LIMIT_POLICY, policy)
            .prerendered();
        Ok(ConcurrencyLayer(Arc::new(ConcurrencyState {
            #[cfg(feature = "metrics")]
            name: Arc::from(&*name),
            limit,
            key,
            hasher: RandomState::new(),
            under_way: DashMap::new(),
            refusal,
        })))
    }
}

impl Guard for ConcurrencyLayer {
    type Pass = Option<Permit>;

    fn name(&self) -> &'static str {
        "concurrency"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Option<Permit>> {
        if !cx.first_visit(Arc::as_ptr(&self.0).addr()) {
            return Verdict::Admit(None);
        }
        if cx.rule().is_some_and(Rule::is_unlimited) {
            return Verdict::Admit(None);
        }
        let subject = with_request_subject(&self.0.key, cx, head, |subject| self.0.hash(subject));
        let client = match subject {
            Ok(subject) => (subject, self.0.limit),
            Err(misconfigured) => return misconfigured.into(),
        };
        match Permit::acquire(&self.0, client, self.0.network(cx)) {
            Some(permit) => Verdict::Admit(Some(permit)),
            None => self.0.refusal.clone().into(),
        }
    }
}

/// The hash of a subject, and the limit of its concurrent requests.
type SubjectLimit = (u64, NonZeroU32);

impl ConcurrencyState {
    /// Returns the keyed hash of a subject, so that clients cannot choose colliding ones.
    fn hash(&self, subject: &Subject<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        subject.write(&mut |part| hasher.write(part));
        hasher.finish()
    }

    /// Returns the IPv6 network around the client and its limit, if it is counted.
    fn network(&self, cx: &SecurityContext) -> Option<SubjectLimit> {
        let multiple = self.key.network()?.multiple;
        let subject = self.key.network_of(cx)?;
        Some((self.hash(&subject), self.limit.saturating_mul(multiple)))
    }

    /// Adds to the number of permits in use.
    #[cfg_attr(not(feature = "metrics"), allow(clippy::unused_self))]
    fn gauge(&self, change: f64) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("palisade_concurrency_permits", "limit" => Arc::clone(&self.name))
            .increment(change);
        #[cfg(not(feature = "metrics"))]
        let _ = change;
    }

    /// Counts one more request of a subject, unless it has reached its limit.
    fn try_acquire(&self, (subject, limit): SubjectLimit) -> bool {
        let mut taken = self.under_way.entry(subject).or_insert(0);
        let free = *taken < limit.get();
        *taken += u32::from(free);
        drop(taken);
        free
    }
}

/// The permit of a client, and one of its network. It is dropped when the response is complete or
/// the request fails.
#[allow(unnameable_types)] // Only the layer uses it.
#[derive(Debug)]
pub struct Permit {
    /// Where the permits are returned to.
    of: Arc<ConcurrencyState>,
    /// The hashed subjects of the permits: the client, and its network of IPv6 if that is counted
    /// too.
    subjects: ArrayVec<u64, 2>,
    /// Whether it is in the gauge.
    is_counted: bool,
}

impl Permit {
    /// Acquires both permits or none: dropping `self` releases what was acquired.
    fn acquire(
        of: &Arc<ConcurrencyState>,
        client: SubjectLimit,
        network: Option<SubjectLimit>,
    ) -> Option<Self> {
        let mut permit = Self {
            of: Arc::clone(of),
            subjects: ArrayVec::new(),
            is_counted: false,
        };
        for subject_limit in std::iter::once(client).chain(network) {
            if !of.try_acquire(subject_limit) {
                return None;
            }
            permit.subjects.push(subject_limit.0);
        }
        of.gauge(1.0);
        permit.is_counted = true;
        Some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_counted {
            self.of.gauge(-1.0);
        }
        for subject in &self.subjects {
            if let Entry::Occupied(mut taken) = self.of.under_way.entry(*subject) {
                match *taken.get() {
                    0 | 1 => drop(taken.remove()),
                    _ => *taken.get_mut() -= 1,
                }
            }
        }
    }
}
