//! Methods of a [`LimitStore`](super::LimitStore) that ask another store.

/// Writes the named methods, each of which asks the store `$to` and does nothing else.
///
/// A store around another one names the methods that it does not change. It has to name each: one that is forgotten has
/// the default of the trait, and asks no one.
macro_rules! forward {
    ($this:ident => $to:expr;) => {};
    ($this:ident => $to:expr; budgets $($more:ident)*) => {
        #[cfg(feature = "budgets")]
        fn budgets(&$this) -> Option<std::sync::Arc<dyn $crate::budget::BudgetStore>> {
            $to.budgets()
        }
        $crate::store::forward!($this => $to; $($more)*);
    };
    ($this:ident => $to:expr; $method:ident $($more:ident)*) => {
        $crate::store::forward!(@ $method, $this, $to);
        $crate::store::forward!($this => $to; $($more)*);
    };
    (@ bucket_key, $this:ident, $to:expr) => {
        fn bucket_key(&$this, subject: &$crate::policy::Subject<'_>) -> $crate::store::BucketKey {
            $to.bucket_key(subject)
        }
    };
    (@ charge, $this:ident, $to:expr) => {
        fn charge(&$this, now: std::time::Duration, charges: &[$crate::store::Charge<'_>]) -> palisade_core::MaybeReady<$crate::store::StoreDecision> {
            $to.charge(now, charges)
        }
    };
    (@ look, $this:ident, $to:expr) => {
        fn look(&$this, now: std::time::Duration, charges: &[$crate::store::Charge<'_>]) -> palisade_core::MaybeReady<$crate::store::StoreDecision> {
            $to.look(now, charges)
        }
    };
    (@ adjust, $this:ident, $to:expr) => {
        fn adjust(&$this, now: std::time::Duration, limit: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey, units: i64) {
            $to.adjust(now, limit, bucket, units);
        }
    };
    (@ adjust_degraded, $this:ident, $to:expr) => {
        fn adjust_degraded(&$this, now: std::time::Duration, limit: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey, units: i64) {
            $to.adjust_degraded(now, limit, bucket, units);
        }
    };
    (@ adjust_uncertain, $this:ident, $to:expr) => {
        fn adjust_uncertain(&$this, now: std::time::Duration, limit: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey, units: i64) {
            $to.adjust_uncertain(now, limit, bucket, units);
        }
    };
    (@ try_refund, $this:ident, $to:expr) => {
        fn try_refund(&$this, now: std::time::Duration, limit: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey, units: u32) -> bool {
            $to.try_refund(now, limit, bucket, units)
        }
    };
    (@ is_adjusting, $this:ident, $to:expr) => {
        fn is_adjusting(&$this, limit: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey) -> bool {
            $to.is_adjusting(limit, bucket)
        }
    };
    (@ has_leases, $this:ident, $to:expr) => {
        fn has_leases(&$this) -> bool {
            $to.has_leases()
        }
    };
    (@ finish, $this:ident, $to:expr) => {
        fn finish(&$this) -> palisade_core::MaybeReady<()> {
            $to.finish()
        }
    };
    (@ reset, $this:ident, $to:expr) => {
        fn reset(&$this, now: std::time::Duration, limit: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey) -> palisade_core::MaybeReady<Result<(), $crate::store::StoreProblem>> {
            $to.reset(now, limit, bucket)
        }
    };
    (@ check_limit, $this:ident, $to:expr) => {
        fn check_limit(&$this, limit: &$crate::policy::Limit) -> Result<(), $crate::error::RateLimitBuildError> {
            $to.check_limit(limit)
        }
    };
    (@ limit_names, $this:ident, $to:expr) => {
        fn limit_names(&$this) -> Option<&$crate::store::LimitNames> {
            $to.limit_names()
        }
    };
    (@ overrides, $this:ident, $to:expr) => {
        fn overrides(&$this) -> Option<&$crate::store::LimitOverrides> {
            $to.overrides()
        }
    };
    (@ rescale, $this:ident, $to:expr) => {
        fn rescale(&$this, now: std::time::Duration, before: &std::sync::Arc<$crate::policy::Limit>, after: &std::sync::Arc<$crate::policy::Limit>, bucket: $crate::store::BucketKey) -> Option<palisade_core::MaybeReady<Result<(), $crate::store::StoreProblem>>> {
            $to.rescale(now, before, after, bucket)
        }
    };
    (@ change_override, $this:ident, $to:expr) => {
        fn change_override(&$this, limit: &$crate::policy::Limit, bucket: $crate::store::BucketKey, value: Option<$crate::store::LimitOverride>, unix_time: std::time::Duration) -> palisade_core::MaybeReady<Result<(), $crate::store::OverrideError>> {
            $to.change_override(limit, bucket, value, unix_time)
        }
    };
    (@ permits, $this:ident, $to:expr) => {
        fn permits(&$this) -> Option<$crate::store::Permits> {
            $to.permits()
        }
    };
    (@ explain, $this:ident, $to:expr) => {
        fn explain(&$this) -> String {
            $to.explain()
        }
    };
}
pub(crate) use forward;
