//! Each layer alone around the bare service: what it costs to admit.
#![allow(missing_docs)]

use benches::{Floor, client, settings, with_key};
use criterion::{Criterion, criterion_group, criterion_main};
use palisade::core::{GuardLayer, NotFoundLayer, RouteLayer, RouteTable};
use palisade::transport::HostLayer;
use palisade::{AllowedHosts, HeadersLayer, SanitizeLayer};
use tower::Layer as _;

fn layers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("layers");
    let hosts = AllowedHosts::parse(["voice.example"]).expect("a host");
    let table = RouteTable::builder().build().expect("a table").into();
    let scanned = (RouteLayer::new(table), NotFoundLayer::new());
    let host = (client(), HostLayer::new(hosts));

    with_key(&mut group, "floor", Floor, None);
    with_key(&mut group, "client address", client().layer(Floor), None);
    with_key(
        &mut group,
        "security headers",
        HeadersLayer::api().layer(Floor),
        None,
    );
    with_key(
        &mut group,
        "client address and host",
        GuardLayer(host).layer(Floor),
        None,
    );
    with_key(
        &mut group,
        "unknown path refused",
        GuardLayer(scanned).layer(Floor),
        None,
    );
    with_key(
        &mut group,
        "text fields watched, none there",
        SanitizeLayer::new().layer(Floor),
        None,
    );
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = layers);
criterion_main!(benches);
