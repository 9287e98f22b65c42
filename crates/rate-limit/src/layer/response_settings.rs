//! The settings of what responses tell about limits: header fields, `Retry-After`, partition keys.

use super::RateLimitLayerBuilder;
use crate::fields::HeaderStyle;

impl RateLimitLayerBuilder {
    /// Sets the header fields that state the limits. Default: [`HeaderStyle::Draft10`].
    ///
    /// An empty list sends none of them. `Retry-After` is sent in any case.
    ///
    /// ```
    /// use palisade_rate_limit::{HeaderStyle, Policy, RateLimitLayer, ResetFormat};
    ///
    /// let quiet = RateLimitLayer::by_client().policy(Policy::named("a").rate("9/minute")?).headers([]).build()?;
    /// let old = RateLimitLayer::by_client()
    ///     .policy(Policy::named("a").rate("9/minute")?)
    ///     .headers([HeaderStyle::Legacy(ResetFormat::Delta)])
    ///     .build()?;
    /// # let _ = (quiet, old);
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn headers(mut self, styles: impl IntoIterator<Item = HeaderStyle>) -> Self {
        self.styles = styles.into_iter().collect();
        self
    }

    /// Lengthens `Retry-After` by a random part of it, at most this many percent, rounded up to
    /// seconds. Default: 0, the exact time. More than 100 counts as 100.
    ///
    /// Clients that were refused together then do not return together. The time is never shortened,
    /// so a client that obeys it is still admitted. `RateLimit` keeps the exact time.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .retry_after_jitter(10)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn retry_after_jitter(mut self, percent: u8) -> Self {
        self.retry_after_jitter = percent.min(100);
        self
    }

    /// Adds the parameter `pk` to each limit in `RateLimit`: an opaque key of the bucket that counted the request
    /// (draft-ietf-httpapi-ratelimit-headers-10, partition key). Default: none.
    ///
    /// For clients that share a bucket with others, or use several: requests with the same key share what remains. It
    /// is a keyed digest of eight bytes, and holds neither the address nor the name of a principal. Nodes over one
    /// shared store send the same; with a store in memory it changes with each process. Clients of one network or owner
    /// can see that they share a bucket. Without [`HeaderStyle::Draft10`](crate::HeaderStyle::Draft10) it has no
    /// effect.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// // RateLimit: "all";r=59;t=1;pk=:2mY0xq1c3Eo=:
    /// let layer = RateLimitLayer::by_principal()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .partition_keys()
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn partition_keys(mut self) -> Self {
        self.partition_keys = true;
        self
    }
}
