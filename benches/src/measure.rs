//! How one question is measured with criterion: requests made beforehand, in both regimes.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, measurement::WallTime};
use http::{Request, Response};
use tower::Service;

use crate::{Body, Regime, run};

/// Criterion with the settings of all benches here: short enough to run them all in minutes.
///
/// The report reads the least time of the 30 samples, which a busy machine disturbs least.
#[must_use]
pub fn settings() -> Criterion {
    Criterion::default()
        .without_plots()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200))
}

/// Measures a service in both regimes, with requests that `make` gives for a regime and an index.
///
/// Making and freeing requests is outside the time; reading the response to its end is inside.
pub fn both_regimes<S, Q, B>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut service: S,
    make: impl Fn(Regime, usize) -> Request<Q>,
) where
    S: Service<Request<Q>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    for regime in Regime::BOTH {
        group.bench_function(BenchmarkId::new(name, regime.name()), |bencher| {
            bencher.iter_custom(|times| {
                time_of(
                    times,
                    regime.batch(),
                    |index| make(regime, index),
                    |one| {
                        black_box(run(&mut service, one));
                    },
                )
            });
        });
    }
}

/// Measures a service with requests that carry this key, or none.
pub fn with_key<S, B>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    service: S,
    key: Option<&str>,
) where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    both_regimes(group, name, service, |regime, index| {
        regime.request(key, index)
    });
}

/// The time that `spend` takes for so many inputs, which are made in batches beforehand.
#[allow(clippy::disallowed_methods)] // Measuring time is what this is for.
pub fn time_of<T>(
    times: u64,
    batch: usize,
    make: impl Fn(usize) -> T,
    mut spend: impl FnMut(T),
) -> Duration {
    let mut left = times;
    let mut total = Duration::ZERO;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(batch);
        let inputs: Vec<T> = (0..now).map(&make).collect();
        let start = Instant::now();
        for input in inputs {
            spend(input);
        }
        total += start.elapsed();
        left -= now as u64;
    }
    total
}
