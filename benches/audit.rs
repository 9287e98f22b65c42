//! An audit record for each response: to a file that drops and counts, and to one that fails closed.
#![allow(missing_docs)]

use benches::{Floor, audit, settings, with_key};
use criterion::{Criterion, criterion_group, criterion_main};
use tower::Layer as _;

fn trails(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    let folder = tempfile::tempdir().expect("a folder");
    with_key(&mut group, "floor", Floor, None);
    let trail = audit(&folder.path().join("audit.jsonl"));
    with_key(&mut group, "file, drop and count", trail.layer(Floor), None);
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = trails);
criterion_main!(benches);
