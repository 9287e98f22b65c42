//! What a request pays where it runs; the writing is done elsewhere.

use std::sync::Arc;

use allocation_counter::measure;
use http::{Method, Request, StatusCode};
use palisade_audit::{AuditLayer, FileSink};
use palisade_core::{
    Guard, Outcome, OutcomeKind, RouteLayer, RouteTable, Rule, SecurityContext, Verdict,
};

/// Counts what a request allocates in the guard, the context being there already.
fn counted(path: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let sink = FileSink::builder(folder.path().join("audit.jsonl"))
        .open()
        .unwrap();
    let layer = AuditLayer::builder().sink(sink).build().unwrap();
    let table = RouteTable::builder().route("/tts", Method::GET, Rule::public());
    let routes = RouteLayer::new(Arc::new(table.build().unwrap()));
    let once = || {
        let (mut head, ()) = Request::get(path).body(()).unwrap().into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let _ = routes.admit(&cx, &mut head);
        let ending = Outcome::new(OutcomeKind::Complete, Some(StatusCode::OK), 0);
        let counted = measure(|| {
            let Verdict::Admit(pass) = layer.admit(&cx, &mut head) else {
                panic!("refused");
            };
            layer.close(&cx, pass, ending);
        });
        counted.count_total
    };
    // The queue grows to its size in the beginning.
    let _ = (0..64).map(|_| once()).max();
    (0..64).map(|_| once()).min().unwrap()
}

#[test]
fn a_request_on_a_known_route_allocates_its_event_alone() {
    assert_eq!(counted("/tts"), 1);
}

#[test]
fn a_request_on_an_unknown_route_allocates_a_long_path_too() {
    assert_eq!(counted("/wp-admin"), 1);
    assert_eq!(counted(&"/wp-admin".repeat(20)), 2);
}
