//! The concurrency limit: how many requests of one client may run at the same time.
//!
//! The layer keeps a counter for each subject with a running request. A permit travels with the
//! request, and its drop releases the counter, however the request ends. Over a shared store the permit
//! is claimed there too.

mod builder;
mod permit;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use http::request;
use palisade_core::{Guard, Mode, Rejection, Rule, SecurityContext, Verdict, layer};

pub use self::builder::ConcurrencyLayerBuilder;
use self::permit::{Permit, SubjectLimit};
use crate::{
    policy::{FailureMode, Key, Subject, with_request_subject},
    store::permits::{PermitCounters, SharedPermits},
};

/// Limits how many requests of one client, principal or owner are in progress at the same time.
///
/// A rate says nothing of requests that last: ten requests a minute that run for an hour each are six
/// hundred at a time. A request counts until its response is complete: until the last byte of the body was
/// handed over, the client disconnected, or something failed. So a client that reads slowly uses up its own
/// limit and not that of others. The memory it takes is that of the requests in progress.
///
/// Where clients are counted, a network of IPv6 around them is counted too, as [`Key::ipv6_network`] says.
/// Routes whose rule is [unlimited](palisade_core::Rule::unlimited) are not counted. Each process counts
/// for itself, unless the layer has a [store](ConcurrencyLayerBuilder::store) that several nodes share.
///
/// # Several nodes
///
/// Over a `RedisStore` a request needs a permit of the server too. That costs one call, within the deadline of the
/// store; a client that reached its limit on one node is refused there without a call.
///
/// * **A node that dies.** A permit expires when its node did not renew it for
///   [`expiry`](ConcurrencyLayerBuilder::expiry), 30 seconds by default. Running requests are renewed at a third of
///   that, however long they run.
/// * **The server away.** The [failure mode](ConcurrencyLayerBuilder::when_store_fails) decides: each node admits its
///   part of the limit (default), or counts up to the whole limit for itself, or refuses with 503. Requests that
///   run stay. When the server is back they are entered there, so that it counts them; until enough of them
///   ended, no further ones are admitted.
/// * **The server without its data.** After a failover to a replica that missed the last writes, running requests are
///   unknown until they are renewed. Until then a subject may have that many more.
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
    /// The name of the limit: the label of the metrics, and a part of the keys in a shared store.
    name: Arc<str>,
    /// The most requests of one subject at the same time.
    limit: NonZeroU32,
    /// Whose requests are counted together.
    key: Key,
    /// The requests in progress in this process.
    counters: Arc<PermitCounters>,
    /// `None`: this process counts alone.
    shared: Option<Arc<dyn SharedPermits>>,
    /// When a permit in the shared store expires that is not renewed.
    expiry: Duration,
    /// What happens while the shared store cannot be reached. `None`: what the store says.
    failure: Option<FailureMode>,
    /// Whether refusals are enforced.
    mode: Mode,
    /// The 429, made once. A flood of refusals then only copies it.
    refusal: Rejection,
    /// The 503 of a limit that fails closed while the store cannot be reached.
    unavailable: Rejection,
}

impl fmt::Debug for ConcurrencyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyState")
            .field("limit", &self.limit)
            .field("key", &self.key)
            .field("is_shared", &self.shared.is_some())
            .finish_non_exhaustive()
    }
}

impl ConcurrencyLayer {
    /// Starts a layer that admits `limit` requests at the same time for each subject of its
    /// [key](ConcurrencyLayerBuilder::key). The name stands in refusals and in `RateLimit-Policy`.
    pub fn builder(name: impl Into<Box<str>>, limit: NonZeroU32) -> ConcurrencyLayerBuilder {
        ConcurrencyLayerBuilder::new(name.into(), limit)
    }

    /// Returns how many subjects have requests in progress in this process. Networks of IPv6 count too. For
    /// dashboards.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.0.counters.subjects()
    }
}

impl Guard for ConcurrencyLayer {
    type Pass = Option<Permit>;

    fn name(&self) -> &'static str {
        "concurrency"
    }

    fn mode(&self) -> Mode {
        self.0.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<Option<Permit>> {
        if !cx.first_visit(Arc::as_ptr(&self.0).addr()) {
            return Verdict::Admit(None);
        }
        if cx.rule().is_some_and(Rule::is_unlimited) {
            return Verdict::Admit(None);
        }
        let counted = |subject: &Subject<'_>| self.0.subject(subject, self.0.limit);
        let client = match with_request_subject(&self.0.key, cx, head, counted) {
            Ok(client) => client,
            Err(misconfigured) => return misconfigured.into(),
        };
        let subjects = std::iter::once(client).chain(self.0.network(cx)).collect();
        let Some(permit) = Permit::acquire(&self.0, subjects) else {
            return self.0.refusal.clone().into();
        };
        match self.0.shared.clone() {
            None => Verdict::Admit(Some(permit)),
            Some(shared) => {
                let cx = cx.clone();
                Verdict::later(async move { permit.acquire_shared(shared, cx).await.map(Some) })
            }
        }
    }
}

impl ConcurrencyState {
    /// Returns a subject with its hashes. The one of a shared store costs an HMAC.
    fn subject(&self, subject: &Subject<'_>, limit: NonZeroU32) -> SubjectLimit {
        SubjectLimit {
            here: self.counters.hash(subject),
            shared: self.shared.as_ref().map_or(0, |store| store.hash(subject)),
            limit,
        }
    }

    /// Returns the IPv6 network around the client and its limit, if it is counted.
    fn network(&self, cx: &SecurityContext) -> Option<SubjectLimit> {
        let multiple = self.key.network()?.multiple;
        let subject = self.key.network_of(cx)?;
        Some(self.subject(&subject, self.limit.saturating_mul(multiple)))
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
}
