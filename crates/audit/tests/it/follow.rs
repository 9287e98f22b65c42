//! A reader that follows a trail sees every record once.

use std::thread;

use palisade_audit::{AuditEvent, AuditLayer, FileSink, follow_trail, read_trail};
use tempfile::tempdir;

#[test]
fn a_follower_gets_every_record_once_over_rotations_and_restarts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).open().unwrap();
    let layer = AuditLayer::builder().sink(sink).build().unwrap();
    layer.handle().close_blocking().unwrap();
    let mut trail = follow_trail(&path).unwrap();
    let writes = path.clone();
    let writer = thread::spawn(move || {
        for process in 0..12 {
            let sink = FileSink::builder(&writes).rotate_at(4096).open().unwrap();
            let layer = AuditLayer::builder().sink(sink).build().unwrap();
            for _ in 0..30 {
                layer.record(AuditEvent::new("app.exported").text("data", "x".repeat(100)));
            }
            let last = if process == 11 {
                "app.last"
            } else {
                "app.next"
            };
            layer.record(AuditEvent::new(last));
            layer.handle().close_blocking().unwrap();
        }
    });
    let (mut followed, mut ends) = (Vec::new(), false);
    while !ends {
        match trail.next_record().unwrap() {
            Some(record) => {
                ends = record.event_id() == Some("app.last");
                followed.push(record.line().to_owned());
            }
            None => trail.wait().unwrap(),
        }
    }
    writer.join().unwrap();
    let whole: Vec<String> = read_trail(&path)
        .unwrap()
        .map(|it| it.unwrap().line().to_owned())
        .collect();
    // What a process of its own end wrote after the last event was not waited for.
    assert!(
        whole.starts_with(&followed),
        "{} of {}",
        followed.len(),
        whole.len()
    );
    assert!(whole.len() <= followed.len() + 2);
    assert_eq!(trail.unreadable_lines(), 0);
    let parts = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(parts > 10, "{parts}");
}

#[test]
fn a_trail_that_is_not_there_is_not_followed() {
    let folder = tempdir().unwrap();
    assert!(follow_trail(folder.path().join("audit.jsonl")).is_err());
    assert!(follow_trail(folder.path().join("no/audit.jsonl")).is_err());
}
