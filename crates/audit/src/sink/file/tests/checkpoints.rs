//! Places of checkpoints that hang, fail, or miss the last line of a process that was killed.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use palisade_core::SystemClock;

use super::super::{
    checkpoint_places::PlacedLine,
    checkpoint_writer::{CheckpointWriter, Settings, stored},
};
use crate::{
    VerifyOptions, Witness, WitnessAccepted,
    chain::{
        Anchor, Signer,
        merkle::{Tree, leaf_hash},
    },
};

/// A place on another machine, with its witness.
#[derive(Clone, Default)]
struct Remote(Arc<RemoteState>);

#[derive(Default)]
struct RemoteState {
    lines: Mutex<Vec<String>>,
    /// Whether it takes no line, and whether it was asked then.
    is_down: AtomicBool,
    was_asked: AtomicBool,
}

impl Remote {
    fn take(&self, line: &str) -> io::Result<()> {
        if self.0.is_down.load(Ordering::Relaxed) {
            self.0.was_asked.store(true, Ordering::Relaxed);
            return Err(io::Error::other("no route to host"));
        }
        self.0.lines.lock().unwrap().push(line.to_owned());
        Ok(())
    }

    fn go_down(&self) {
        self.0.is_down.store(true, Ordering::Relaxed);
    }

    fn come_back(&self) {
        until(|| self.0.was_asked.load(Ordering::Relaxed));
        self.0.is_down.store(false, Ordering::Relaxed);
    }

    fn has_lines(&self, count: usize) -> bool {
        self.0.lines.lock().unwrap().len() >= count
    }

    /// Returns the records that a witness of this place accepts, each with a proof since the one before.
    fn witnessed(&self) -> Vec<u64> {
        witnessed(&self.0.lines.lock().unwrap())
    }
}

/// Waits for what another thread does.
fn until(is_so: impl Fn() -> bool) {
    let clock = SystemClock::shared();
    let begun = clock.monotonic();
    while !is_so() {
        assert!(clock.monotonic() - begun < Duration::from_secs(10));
        thread::yield_now();
    }
}

fn witnessed(lines: &[String]) -> Vec<u64> {
    let mut witness = Witness::new(&VerifyOptions::new());
    let mut records = Vec::new();
    for line in lines {
        match witness.accept(line.as_bytes()).unwrap() {
            WitnessAccepted::New {
                record,
                proven_since,
            } => {
                assert_eq!(proven_since, records.last().copied(), "{line}");
                records.push(record);
            }
            other => assert_eq!(other, WitnessAccepted::Known, "{line}"),
        }
    }
    records
}

/// A server that writes checkpoints.
struct Server {
    writer: CheckpointWriter,
    tree: Tree,
}

impl Server {
    /// Starts with a tree, and with what the checkpoint file has.
    fn start(
        tree: Tree,
        file: Option<PathBuf>,
        others: Vec<Box<dyn FnMut(&str) -> io::Result<()> + Send>>,
    ) -> Self {
        let known = file.as_deref().map(|file| stored(file, &Signer::Plain));
        let settings = Settings {
            file,
            beside: false,
            others,
            ..Settings::default()
        };
        let lines = known.map_or_else(VecDeque::new, |known| known.lines);
        Self::with(tree, settings, &lines)
    }

    fn with(tree: Tree, settings: Settings, lines: &VecDeque<PlacedLine>) -> Self {
        let trail = (Path::new("audit.jsonl"), None);
        let writer = CheckpointWriter::start(settings, trail, (&tree, lines));
        let writer = writer.unwrap().unwrap();
        Self { writer, tree }
    }

    /// Writes some records, and a checkpoint after them.
    fn write(&mut self, records: u64) {
        for _ in 0..records {
            let leaf = leaf_hash(&self.tree.size().to_be_bytes());
            self.tree.push(leaf, |_, _| {});
        }
        let safe = Anchor::new(self.tree.size(), self.tree.root());
        let now = (Duration::ZERO, Duration::ZERO);
        self.writer.keep(("t", safe, &mut self.tree), now, true);
    }
}

/// A function that waits for a permission before each line.
fn slow(
    remote: &Remote,
) -> (
    Sender<()>,
    impl FnMut(&str) -> io::Result<()> + Send + use<>,
) {
    let (permits, permitted): (Sender<()>, Receiver<()>) = channel();
    let remote = remote.clone();
    let take = move |line: &str| {
        let _ = permitted.recv();
        remote.take(line)
    };
    (permits, take)
}

fn output(remote: &Remote) -> Box<dyn FnMut(&str) -> io::Result<()> + Send> {
    let remote = remote.clone();
    Box::new(move |line| remote.take(line))
}

#[test]
fn lines_that_wait_for_a_slow_place_prove_growth_since_each_other() {
    let remote = Remote::default();
    let (permits, take) = slow(&remote);
    let mut server = Server::start(Tree::new(), None, vec![Box::new(take)]);
    for _ in 0..4 {
        server.write(50);
    }
    drop(permits);
    server.writer.finish();
    assert_eq!(remote.witnessed(), [50, 100, 150, 200]);
}

#[test]
fn a_place_that_fails_for_a_while_gets_what_it_missed_and_the_others_go_on() {
    let (good, bad) = (Remote::default(), Remote::default());
    let mut server = Server::start(Tree::new(), None, vec![output(&good), output(&bad)]);
    server.write(10);
    bad.go_down();
    for _ in 0..3 {
        server.write(10);
    }
    bad.come_back();
    server.write(10);
    server.writer.finish();
    assert_eq!(good.witnessed(), [10, 20, 30, 40, 50]);
    assert_eq!(bad.witnessed(), [10, 20, 30, 40, 50]);
}

#[test]
fn a_place_that_fails_for_long_misses_lines_and_no_proof() {
    let (good, bad) = (Remote::default(), Remote::default());
    bad.go_down();
    let mut server = Server::start(Tree::new(), None, vec![output(&good), output(&bad)]);
    for written in 1..=100 {
        server.write(7);
        until(|| good.has_lines(written));
    }
    assert_eq!(server.writer.take_change(), Some(true));
    bad.come_back();
    // The first one tells the thread that there is something to do. It gets there only if the thread, which may
    // know already, has made space; the second one does in any case.
    server.write(7);
    until(|| bad.has_lines(32));
    server.write(7);
    server.writer.finish();
    assert_eq!(good.witnessed().len(), 102);
    let mut witnessed = bad.witnessed();
    witnessed.retain(|record| *record != 101 * 7);
    let kept: Vec<u64> = (1..=32).map(|line| line * 7).chain([102 * 7]).collect();
    assert_eq!(witnessed, kept);
}

#[test]
fn a_crash_between_two_places_is_no_fork_for_the_second_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints");
    let remote = Remote::default();
    let mut server = Server::start(Tree::new(), Some(file.clone()), vec![output(&remote)]);
    for written in 1..=20 {
        server.write(5);
        until(|| remote.has_lines(written));
    }
    // The process is killed after the file has a line, and before the other place has it.
    remote.go_down();
    server.write(5);
    let tree = server.tree.clone();
    server.writer.finish();
    remote.come_back();
    let mut server = Server::start(tree, Some(file.clone()), vec![output(&remote)]);
    server.write(5);
    server.writer.finish();
    let all: Vec<u64> = (1..=22).map(|line| line * 5).collect();
    assert_eq!(remote.witnessed(), all);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 22, "the file gets no line again");
    assert_eq!(witnessed(&lines), all);
}

#[test]
fn the_file_has_every_line_before_another_place_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints");
    let remote = Remote::default();
    let (reads, takes) = (file.clone(), remote.clone());
    let take = move |line: &str| {
        let stored = std::fs::read_to_string(&reads).unwrap();
        assert!(stored.contains(line), "{line}");
        takes.take(line)
    };
    let mut server = Server::start(Tree::new(), Some(file), vec![Box::new(take)]);
    for _ in 0..30 {
        server.write(5);
    }
    server.writer.finish();
    assert_eq!(remote.witnessed().len(), 30);
}

/// A place that never takes a line, and tells when it was asked.
fn hanging() -> (
    Receiver<()>,
    Sender<()>,
    Box<dyn FnMut(&str) -> io::Result<()> + Send>,
) {
    let (asks, asked) = channel();
    let (ends, ended): (Sender<()>, Receiver<()>) = channel();
    let take = move |_: &str| {
        let _ = asks.send(());
        let _ = ended.recv();
        Err(io::Error::other("given up"))
    };
    (asked, ends, Box::new(take))
}

#[test]
fn a_place_that_hangs_delays_no_other_place() {
    let (one, two) = (Remote::default(), Remote::default());
    // The first of them is the one that the others wait for.
    for places in [0, 1] {
        let mut others = vec![output(&one), output(&two)];
        let (asked, ends, hangs) = hanging();
        others.insert(places, hangs);
        let settings = Settings {
            beside: false,
            others,
            file_patience: Duration::ZERO,
            ..Settings::default()
        };
        let mut server = Server::with(Tree::new(), settings, &VecDeque::new());
        for written in 1..=40 {
            server.write(5);
            until(|| one.has_lines(places * 40 + written) && two.has_lines(places * 40 + written));
        }
        asked.recv().unwrap();
        assert_eq!(
            server.writer.take_change(),
            Some(true),
            "more lines wait for it than there is space for"
        );
        drop(ends);
        server.writer.finish();
    }
}
