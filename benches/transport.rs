//! Where a request comes from: the peer itself, or one to three trusted proxies in front of it.
#![allow(missing_docs)]

use benches::{Floor, both_regimes, client, settings, with_key};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderName, HeaderValue, header::FORWARDED};
use palisade::transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
use tower::Layer as _;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Every network that the requests come from, and one of proxies behind the first.
fn behind(header: ForwardedHeader) -> ClientInfoLayer {
    let networks = "198.18.0.0/15, 203.0.113.0/24, 10.0.0.0/8";
    let proxies = TrustedProxies::parse(networks).expect("networks");
    ClientInfoLayer::behind(proxies, header)
}

fn addresses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transport");
    with_key(&mut group, "floor", Floor, None);
    with_key(&mut group, "direct", client().layer(Floor), None);
    for (name, layer, field, value) in [
        (
            "one proxy, X-Forwarded-For",
            behind(ForwardedHeader::XForwardedFor),
            X_FORWARDED_FOR,
            "192.0.2.7",
        ),
        (
            "three proxies, X-Forwarded-For",
            behind(ForwardedHeader::XForwardedFor),
            X_FORWARDED_FOR,
            "192.0.2.7, 10.1.1.1, 10.2.2.2",
        ),
        (
            "one proxy, Forwarded",
            behind(ForwardedHeader::Forwarded),
            FORWARDED,
            "for=192.0.2.7;proto=https",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        both_regimes(&mut group, name, layer.layer(Floor), |regime, index| {
            let mut request = regime.request(None, index);
            request.headers_mut().insert(field.clone(), value.clone());
            request
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = addresses);
criterion_main!(benches);
