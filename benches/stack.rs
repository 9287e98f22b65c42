//! The whole stack around the bare service: what it costs to admit, and to refuse at each place.
#![allow(missing_docs)]

use std::hint::black_box;

use benches::{Body, Floor, audit, request, run, shield};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::Request;
use palisade::shield::Protected;

fn stack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack");
    let folder = tempfile::tempdir().expect("a folder");
    let trail = |name: &str| audit(&folder.path().join(name));
    let mut measure =
        |name: &str, service: Protected<Floor>, request: &dyn Fn() -> Request<Body>| {
            let mut service = service;
            group.bench_function(name, |bencher| {
                bencher.iter_batched(
                    request,
                    |request| black_box(run(&mut service, request)),
                    BatchSize::SmallInput,
                );
            });
        };

    let often = "1000000000/minute";
    let (without, key) = shield(often, None);
    measure("admits, no audit", without.wrap(Floor), &|| {
        request(Some(&key))
    });
    let (with, key) = shield(often, Some(trail("admits")));
    measure("admits", with.wrap(Floor), &|| request(Some(&key)));
    measure("refuses a guest", with.wrap(Floor), &|| request(None));
    let unknown = || {
        let mut request = request(None);
        *request.uri_mut() = http::Uri::from_static("/.env");
        request
    };
    measure("refuses an unknown path", with.wrap(Floor), &unknown);
    let (reached, key) = shield("1/day", Some(trail("refuses")));
    run(&mut reached.wrap(Floor), request(Some(&key)));
    measure("refuses by the limit", reached.wrap(Floor), &|| {
        request(Some(&key))
    });
    let (reached, key) = shield("1/day", None);
    run(&mut reached.wrap(Floor), request(Some(&key)));
    measure(
        "refuses by the limit, no audit",
        reached.wrap(Floor),
        &|| request(Some(&key)),
    );
    let mut floor = Floor;
    group.bench_function("floor", |bencher| {
        bencher.iter_batched(
            || request(None),
            |request| black_box(run(&mut floor, request)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, stack);
criterion_main!(benches);
