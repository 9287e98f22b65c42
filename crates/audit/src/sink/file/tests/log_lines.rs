//! What is logged: each state once when it begins and once when it is over.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use palisade_core::ManualClock;

use crate::sink::LossPolicy;

use super::super::{
    queue::{Queue, RepeatSettings, Settings},
    write_health::WriteHealth,
};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the log lines of what runs here.
pub(super) fn logged(run: impl FnOnce()) -> Vec<String> {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_thousand_failed_writes_are_a_few_lines_with_the_systems_error() {
    let lines = logged(|| {
        let mut health = WriteHealth::default();
        let full = || Err(io::Error::from_raw_os_error(28));
        for second in 0..1000 {
            health.note(&full(), Duration::from_millis(50 * second));
        }
        health.note(
            &Err(io::Error::from_raw_os_error(30)),
            Duration::from_secs(50),
        );
        health.note(&Ok(()), Duration::from_secs(51));
        health.note(&Ok(()), Duration::from_secs(52));
    });
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].contains("errno=28"), "{lines:#?}");
    assert!(lines[1].contains("errno=30"), "{lines:#?}");
    assert!(lines[2].contains("again") && lines[2].contains("attempts=1001"));
}

#[test]
fn a_disk_that_does_not_respond_is_logged_once_also_in_drop_mode() {
    let clock = ManualClock::new(Duration::ZERO);
    let settings = Settings {
        capacity: 8,
        deadline: Duration::from_secs(2),
        policy: LossPolicy::DropAndCount,
        fold: RepeatSettings {
            window: None,
            budget: Some(0),
        },
    };
    let queue = Queue::new(settings, clock.shared());
    let lines = logged(|| {
        queue.writing_since(Some(Duration::ZERO));
        for _ in 0..100 {
            clock.advance(Duration::from_secs(1));
            queue.tell_hanging();
        }
        queue.writing_since(None);
        queue.tell_hanging();
        queue.tell_hanging();
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("does not respond") && lines[1].contains("responds again"));
}
