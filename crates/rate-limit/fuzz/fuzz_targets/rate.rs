//! The grammar of rates: no text makes it panic, what it reads it prints and reads again, and a policy of
//! what it reads has limits that can be counted.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use palisade_rate_limit::{Policy, Rate};

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

fuzz_target!(|text: &str| {
    if let Ok(rate) = text.parse::<Rate>() {
        assert!(rate.window() >= Duration::from_secs(1) && rate.window() <= TEN_YEARS);
        assert_eq!(rate.to_string().parse(), Ok(rate), "{rate}");
        assert_eq!(
            rate.to_string().to_uppercase().parse(),
            Ok(rate),
            "case does not matter"
        );
    }
    let Ok(policy) = Policy::named("fuzz").rate(text) else {
        return;
    };
    if let Ok(limits) = policy.limits() {
        assert!((1..=8).contains(&limits.len()));
        for limit in limits {
            assert!(
                !limit.interval().is_zero() && limit.burst() > 0,
                "{limit:?}"
            );
        }
    }
});
