use std::{
    io,
    sync::{Mutex, atomic::AtomicU64},
};

use super::*;

/// A file of one number.
struct Number {
    reports: Mutex<Vec<String>>,
}

impl FileFormat for Number {
    type Value = u32;
    type Error = String;

    fn read(&self, _: &Path, text: &str) -> Result<u32, String> {
        text.trim()
            .parse()
            .map_err(|_| format!("no number: {text}"))
    }

    fn io_error(&self, _: &Path, attempt: &'static str, problem: io::Error) -> String {
        format!("cannot {attempt}: {problem}")
    }

    fn report(&self, _: &Path, report: Report<'_, u32, String>) {
        self.reports.lock().unwrap().push(format!("{report:?}"));
    }
}

struct Bench {
    folder: tempfile::TempDir,
    seconds: Arc<AtomicU64>,
    file: Arc<WatchedFile<Number>>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        fs::write(&path, "1").unwrap();
        let seconds = Arc::new(AtomicU64::new(100));
        let clock = Arc::clone(&seconds);
        let options = Options::new(64, move || {
            Duration::from_secs(clock.load(Ordering::SeqCst))
        });
        let format = Number {
            reports: Mutex::default(),
        };
        let file = Arc::new(WatchedFile::open(format, path, options).unwrap());
        Self {
            folder,
            seconds,
            file,
        }
    }

    fn write(&self, text: &str) {
        private_file::replace(&self.folder.path().join("number"), text.as_bytes()).unwrap();
    }

    fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    fn reports(&self) -> Vec<String> {
        std::mem::take(&mut self.file.format.reports.lock().unwrap())
    }
}

#[test]
fn a_file_is_read_once_more_after_each_change() {
    let bench = Bench::new();
    let path = bench.file.path();
    let covered = || {
        let stamp = Stamp::of(&fs::metadata(path).unwrap());
        bench.file.last_check().covers(stamp)
    };
    assert!(!covered(), "a writer may have been at it in the same tick");
    assert!(!bench.file.refresh().unwrap());
    assert!(covered());
    bench.write("2");
    assert!(!covered());
    assert!(bench.file.refresh().unwrap());
    assert!(!covered());
    assert_eq!(**bench.file.value().load(), 2);
}

#[test]
fn an_older_state_expires_after_the_bound_and_returns_with_the_file() {
    let bench = Bench::new();
    bench.write("x");
    bench.pass(1);
    assert!(bench.file.refresh().is_err());
    assert_eq!(bench.file.freshness(), Freshness::Stale);
    bench.pass(899);
    assert_eq!(bench.file.freshness(), Freshness::Stale);
    bench.pass(1);
    assert_eq!(bench.file.freshness(), Freshness::Expired);
    bench.write("3");
    assert!(bench.file.refresh().unwrap());
    assert_eq!(bench.file.freshness(), Freshness::Fresh);
}

#[test]
fn each_problem_and_the_end_are_reported_once() {
    let bench = Bench::new();
    for text in ["x", "x", "y", "x"] {
        bench.write(text);
        assert!(bench.file.refresh().is_err());
    }
    bench.pass(900);
    assert!(bench.file.refresh().is_err());
    assert!(bench.file.refresh().is_err());
    let expected = [
        "Kept(\"no number: x\")",
        "Kept(\"no number: y\")",
        "Expired(\"no number: x\")",
    ];
    assert_eq!(bench.reports(), expected);
    for number in 0..100 {
        bench.write(&format!("z{number}"));
        assert!(bench.file.refresh().is_err());
    }
    assert_eq!(bench.reports().len(), MOST_REPORTED - 2);
}

#[test]
fn a_thread_that_is_stuck_makes_the_state_stale_and_then_expired() {
    let bench = Bench::new();
    // Started, but it never runs in this test: it checks once a day of the real clock.
    let watch = Watch::start("stuck", Duration::from_secs(86_400), || Some(())).unwrap();
    assert!(bench.file.watch.set(watch).is_ok());
    assert_eq!(bench.file.freshness(), Freshness::Fresh);
    bench.pass(60);
    assert_eq!(bench.file.freshness(), Freshness::Stale);
    bench.pass(840);
    assert_eq!(bench.file.freshness(), Freshness::Expired);
    bench.file.refresh().unwrap();
    assert_eq!(bench.file.freshness(), Freshness::Fresh);
}

#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_refused_and_not_waited_for() {
    let bench = Bench::new();
    let path = bench.file.path().to_owned();
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no mkfifo");
        return;
    }
    assert!(bench.file.refresh().unwrap_err().contains("regular file"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(bench.file.refresh().unwrap_err().contains("regular file"));
    assert_eq!(**bench.file.value().load(), 1, "the state before");
}

/// Otherwise a process that stopped while it held the lock would keep revocations from all others.
#[cfg(target_os = "linux")]
#[test]
fn the_file_is_read_while_a_change_waits_for_the_lock() {
    use std::os::unix::fs::MetadataExt as _;

    let bench = Bench::new();
    let held = lock::acquire(bench.file.path()).unwrap();
    let inode = format!(":{} ", held.metadata().unwrap().ino());
    let file = Arc::clone(&bench.file);
    let change = std::thread::spawn(move || {
        file.update(|number| Ok::<_, String>((number + 1, (number + 1).to_string(), ())))
    });
    let waits = |locks: String| {
        let mut lines = locks.lines();
        lines.any(|line| line.contains("->") && line.contains(&inode))
    };
    while !waits(fs::read_to_string("/proc/locks").unwrap()) {
        std::thread::yield_now();
    }
    assert!(bench.file.last_check.try_lock().is_ok(), "it is not held");
    bench.write("7");
    assert!(bench.file.refresh().unwrap());
    assert_eq!(**bench.file.value().load(), 7);
    drop(held);
    change.join().unwrap().unwrap();
    assert_eq!(
        **bench.file.value().load(),
        8,
        "the change is of what was there"
    );
}
