//! Rate limits by GCRA, in memory and in Redis, and the layer that enforces them.
//!
//! A [`Policy`] has a name, one or several [rates](PolicyWithoutRate::rate) in Flask-Limiter's grammar, a [`Key`]
//! that says whom it counts, and a cost. A [`RateLimitLayer`] decides all its policies together: a
//! request is admitted and charged by all of them, or refused and charged by none.
//!
//! ```
//! use palisade_rate_limit::{Policy, RateLimitLayer};
//!
//! // Outside authentication: every client sixty requests a minute, and ten on the routes that say so.
//! let layer = RateLimitLayer::by_client()
//!     .policy(Policy::named("all").rate("60/minute")?)
//!     .policy(Policy::named("tts").rate("10/minute")?.on_named_routes())
//!     .build()?;
//! # fn is_layer<S>(_: impl palisade_core::Layer<S>) {}
//! # is_layer::<()>(layer);
//! # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
//! ```
//!
//! One that uses more of it: failed logins are counted, guests and users have daily quotas in
//! characters, which the handler settles, and older clients get the older header fields.
//!
//! ```
//! use std::sync::Arc;
//! use palisade_rate_limit::{HeaderStyle, Key, MemoryStore, Policy, RateLimitLayer, ResetFormat, CostUnit};
//!
//! let store = Arc::new(MemoryStore::with_capacity(200_000));
//! let outside = RateLimitLayer::by_client()
//!     .policy(Policy::named("login").rate("5/minute;20/hour")?.penalty())
//!     .policy(Policy::named("address").rate("20/second").map(|policy| policy.burst(40))?)
//!     .store(store.clone())
//!     .build()?;
//! let inside = RateLimitLayer::by_principal()
//!     .policy(
//!         Policy::named("characters")
//!             .rate("200000/day;20000/hour")?
//!             .key(Key::owner())
//!             .unit(CostUnit::Custom)
//!             .cost(500)
//!             .settled_by("characters"),
//!     )
//!     .headers([HeaderStyle::Draft10, HeaderStyle::Legacy(ResetFormat::Delta)])
//!     .store(store)
//!     .build()?;
//! assert!(inside.explain().contains("characters-day: 200000/day"));
//! # let _ = outside;
//! # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
//! ```
//!
//! # What a rate means
//!
//! `60/minute` lets a client that was idle send sixty requests at once, and then one a second. There
//! are no windows that begin and end: in any span of time at most the burst and what came back
//! in that span is granted, so nothing is gained by waiting for an edge. [`Policy::burst`] makes the
//! first number smaller. Fractions are rounded against the client, never for it.
//!
//! # What clients see
//!
//! Every response has `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10); a
//! refusal is a 429 with a problem document that names the violated policies, and `Retry-After` is
//! exactly enough. A request that costs more than a full bucket is refused permanently (400 or 413).
//!
//! # What a limit needs to know
//!
//! [`RateLimitLayer::by_client`] needs the client's address, decided by a layer outside it;
//! [`RateLimitLayer::by_principal`] needs an authenticator outside it. Without, every request is
//! refused with 500 `misconfigured`, and the log says why. *Together* means within one layer: what an outer layer
//! charged stays charged when an inner one refuses. A retry made between two layers is still one
//! request of the client's, and charged once.
//!
//! Nothing is given back because a client left. What was charged changes when the handler reports the cost
//! ([`Policy::settled_by`]) and, where a policy says so ([`Policy::charge_when`]), because a layer
//! further in refused the request before it reached the handler.
//!
//! # Who is a client
//!
//! An IPv4 address or a /64 of IPv6. Beside the /64, each /56 around it is counted, with four times
//! the quota: see [`Key::ipv6_network`]. Routes whose rule is
//! [unlimited](palisade_core::Rule::unlimited) are not counted, but for penalties.
//!
//! # At the same time
//!
//! A rate says nothing of requests that last. [`ConcurrencyLayer`] limits how many of one client are in progress, on one
//! node or on several together, and [`LoadShedLayer`] how many in all, the least important ones first.
//!
//! # Stores
//!
//! | Store | Counts | When it is full or away |
//! |---|---|---|
//! | [`MemoryStore`] | in this process, in memory of a fixed size | new clients share a bucket with their network |
//! | [`SnapshotStore`] | in this process, and in a file for the next one | as [`MemoryStore`] |
//! | `RedisStore` (feature `redis`) | for all nodes, on one server, a cluster or under Sentinel | each policy follows its [`FailureMode`] |
//! | a custom [`LimitStore`] | as it likes | as it says |
//!
//! # Operators
//!
//! [`RateLimitLayer::explain`] prints the limits. [`RateLimitLayer::inspect_client`] shows what a client has left, and
//! [`RateLimitLayer::reset_client`] ends its refusals. [`RateLimitLayer::set_override`] gives one principal another
//! amount. For a shared store, `palisade limits show` and
//! `palisade limits reset` do both from the command line.
//!
//! # Features
//!
//! | Feature | Adds | Costs |
//! |---|---|---|
//! | `budgets` | [`BudgetStore`]: what may be spent in a day or a month of a time zone | `jiff`, with a time zone database |
//! | `delay` | `Policy::delay`: requests that would be refused wait for a bounded time | `tokio`, with its timer |
//! | `metrics` | counters and gauges for the `metrics` facade | the crate `metrics` |
//! | `redis` | `RedisStore` | `redis`, `tokio`, `hmac`, `sha2` |
//! | `redis-tls` | addresses with `rediss` | `rustls`, which compiles C |
//!
//! None is on by default.
//!
//! # Sources
//!
//! * GCRA, the Generic Cell Rate Algorithm: ITU-T I.371, annex A.
//! * 429: RFC 6585, section 4. `Retry-After`: RFC 9110, section 10.2.3. Problem documents: RFC 9457.
//! * `RateLimit` and `RateLimit-Policy`: draft-ietf-httpapi-ratelimit-headers-10, as structured fields (RFC 9651).

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(test, feature = "redis"))]
mod model;
mod layer;
mod fields;
mod concurrency;
mod load_shed;
mod store;
#[cfg(feature = "budgets")]
mod budget;
mod policy;
mod error;
mod gcra;
mod rate;

#[cfg(feature = "budgets")]
pub use self::budget::{
    BudgetCharge, BudgetDecision, BudgetFileError, BudgetKey, BudgetProblem, BudgetState,
    BudgetStore, CalendarPeriod, CalendarWindow, MemoryBudgets, Reservation, UnknownTimeZone,
    WindowSpan,
};
#[cfg(feature = "redis")]
pub use self::store::redis::{
    MostUsed, RedisStore, RedisStoreBuildError, RedisStoreBuilder, StoreStatus, UsedBucket,
};
pub use self::{
    concurrency::{ConcurrencyLayer, ConcurrencyLayerBuilder},
    error::RateLimitBuildError,
    fields::{HeaderStyle, ResetFormat},
    layer::{BucketState, LimitRefusal, RateLimitLayer, RateLimitLayerBuilder, RefusedSubject},
    load_shed::{Adaptation, LoadShedLayer, LoadShedLayerBuilder},
    policy::{ChargeWhen, CostUnit, FailureMode, Key, Limit, Policy, PolicyWithoutRate, Subject},
    rate::{Rate, RateError},
    store::leases::{LeasedStore, LeasedStoreBuildError, LeasedStoreBuilder},
    store::snapshot::{SnapshotStore, SnapshotStoreBuildError, SnapshotStoreBuilder},
    store::{
        BucketKey, Charge, ChargeOutcome, LimitNames, LimitOverride, LimitOverrides, LimitState,
        LimitStore, OverrideError, Permits, StoreDecision, StoreProblem, memory::MemoryStore,
    },
};

// The example of the README, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
