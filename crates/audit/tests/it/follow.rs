//! A reader that follows a trail sees every record once.

use std::{fs::File, io::Write, path::Path, thread};

use palisade_audit::{AuditEvent, AuditLayer, FileSink, TrailFollower, follow_trail, read_trail};
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

/// Returns all records that are there now.
fn now(trail: &mut TrailFollower) -> Vec<String> {
    let records = std::iter::from_fn(|| trail.next_record().unwrap());
    records.map(|it| it.line().to_owned()).collect()
}

/// Writes a trail with one event, in a process that ends.
fn process(path: &Path) {
    let sink = FileSink::builder(path).open().unwrap();
    let layer = AuditLayer::builder().sink(sink).build().unwrap();
    layer.record(AuditEvent::new("app.exported"));
    layer.handle().close_blocking().unwrap();
}

#[test]
fn a_torn_line_that_is_cut_off_hides_no_record() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    process(&path);
    let mut trail = follow_trail(&path).unwrap();
    let mut followed = now(&mut trail);
    // The power fails in the middle of a write.
    let torn = format!(
        "{{\"v\":1,\"type\":\"request\",\"id\":\"{}",
        "a".repeat(700)
    );
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(torn.as_bytes()).unwrap();
    assert_eq!(now(&mut trail), [""; 0]);
    process(&path);
    followed.extend(now(&mut trail));
    let whole: Vec<String> = read_trail(&path)
        .unwrap()
        .map(|it| it.unwrap().line().to_owned())
        .collect();
    assert_eq!(followed, whole);
    assert!(
        whole.iter().any(|it| it.contains("torn_line")),
        "{whole:#?}"
    );
    assert_eq!(trail.unreadable_lines(), 0);
}

#[test]
fn lines_that_are_cut_off_and_written_again_are_returned_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    process(&path);
    process(&path);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let first = |count: usize| lines[..count].iter().map(|it| it.len() + 1).sum::<usize>();
    let file = File::options().append(true).open(&path).unwrap();
    let cut = |count| file.set_len(first(count) as u64).unwrap();
    cut(4);
    let mut trail = follow_trail(&path).unwrap();
    assert_eq!(now(&mut trail), lines[..4]);
    // A write failed after two of its lines, and is repeated with all.
    cut(2);
    (&file).write_all(b"{\"v\":1,").unwrap();
    assert_eq!(now(&mut trail), [""; 0]);
    cut(2);
    assert_eq!(now(&mut trail), [""; 0]);
    (&file).write_all(&text.as_bytes()[first(2)..]).unwrap();
    assert_eq!(now(&mut trail), lines[4..]);
    assert_eq!(trail.unreadable_lines(), 0);
}

#[test]
fn a_trail_that_is_not_there_is_not_followed() {
    let folder = tempdir().unwrap();
    assert!(follow_trail(folder.path().join("audit.jsonl")).is_err());
    assert!(follow_trail(folder.path().join("no/audit.jsonl")).is_err());
}
