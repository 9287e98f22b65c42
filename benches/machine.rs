//! What the machine around the decisions costs: a guard that decides nothing, one and eight of them.
//!
//! Each is a guard of its own in the sequence: its admission, its look at the response, its end.
#![allow(missing_docs)]

use benches::{Floor, settings, with_key};
use criterion::{Criterion, criterion_group, criterion_main};
use http::request;
use palisade::core::{Guard, GuardLayer, SecurityContext, Verdict};
use tower::Layer as _;

/// Admits everything.
#[derive(Clone, Copy, Debug)]
struct AdmitAll;

impl Guard for AdmitAll {
    type Pass = ();

    fn name(&self) -> &'static str {
        "admit_all"
    }

    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }
}

fn machine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machine");
    with_key(&mut group, "floor", Floor, None);
    with_key(
        &mut group,
        "one guard",
        GuardLayer(AdmitAll).layer(Floor),
        None,
    );
    let eight = (
        AdmitAll, AdmitAll, AdmitAll, AdmitAll, AdmitAll, AdmitAll, AdmitAll, AdmitAll,
    );
    with_key(
        &mut group,
        "eight guards",
        GuardLayer(eight).layer(Floor),
        None,
    );
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = machine);
criterion_main!(benches);
