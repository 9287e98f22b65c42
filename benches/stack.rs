//! The whole stack around the bare service: what it costs to admit, and to refuse at each place.
#![allow(missing_docs)]

use benches::{Floor, Regime, audit, both_regimes, run, settings, shield, with_key};
use criterion::{Criterion, criterion_group, criterion_main};

fn stack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack");
    let folder = tempfile::tempdir().expect("a folder");
    let trail = |name: &str| audit(&folder.path().join(name));
    let often = "1000000000/minute";
    with_key(&mut group, "floor", Floor, None);

    let (without, key) = shield(often, None);
    let service = || without.wrap(Floor);
    with_key(&mut group, "admitted, no trail", service(), Some(&key));
    with_key(&mut group, "no key (401), no trail", service(), None);

    let (with, key) = shield(often, Some(trail("admits")));
    let service = || with.wrap(Floor);
    with_key(&mut group, "admitted", service(), Some(&key));
    with_key(&mut group, "no key (401)", service(), None);
    both_regimes(
        &mut group,
        "unknown path (404)",
        service(),
        |regime, index| {
            let mut request = regime.request(None, index);
            *request.uri_mut() = http::Uri::from_static("/.env");
            request
        },
    );

    for (name, trail) in [
        ("limit reached (429), no trail", None),
        ("limit reached (429)", Some(trail("refuses"))),
    ] {
        let (reached, key) = shield("1/day", trail);
        let mut service = reached.wrap(Floor);
        for regime in Regime::BOTH {
            for index in 0..benches::ADDRESSES {
                run(&mut service, regime.request(Some(&key), index));
            }
        }
        with_key(&mut group, name, service, Some(&key));
    }
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = stack);
criterion_main!(benches);
