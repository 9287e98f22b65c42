//! What a request costs in allocations, on the guard alone.

use allocation_counter::measure;
use palisade_core::{Guard, SecurityContext, Verdict};

use crate::support::{Stand, with_header};

/// Counts what `admit` allocates, the context and the request being there already.
fn admit(stand: &Stand, key: &str) -> u64 {
    let layer = stand.layer();
    let (mut head, ()) = with_header("x-api-key", key).map(drop).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    // The first fact reserves capacity for those to come; that is the context's own cost.
    cx.record(palisade_core::Fact::Degraded {
        guard: "test",
        what: "warm",
    });
    let mut verdict = None;
    let counted = measure(|| verdict = Some(layer.admit(&cx, &mut head)));
    assert!(!matches!(verdict, Some(Verdict::Later(_))));
    counted.count_total
}

#[test]
fn an_admission_allocates_nothing() {
    let stand = Stand::new();
    let key = stand.key();
    assert_eq!(admit(&stand, &key), 0);
}

#[test]
fn a_refusal_allocates_its_box_alone() {
    let stand = Stand::new();
    let unknown = Stand::new().key();
    assert_eq!(admit(&stand, "guess"), 1);
    assert_eq!(admit(&stand, &unknown), 1);
}
