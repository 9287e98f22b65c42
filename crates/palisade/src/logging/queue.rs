//! Lines that wait to be written, bounded in bytes.
//!
//! Threads of the service call [`Queue::push`], which never blocks on the output. One thread runs
//! [`Queue::write_all_to`]. If the output is not read, the queue fills and lines are dropped.

use std::{
    collections::VecDeque,
    io::Write,
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The most bytes of waiting lines. Beyond them lines are dropped.
const MOST_BYTES: usize = 1024 * 1024;
/// The most bytes of a line. The rest of a longer one is cut off.
const LONGEST_LINE: usize = 16 * 1024;
/// How long the end of a program waits for its last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Lines that wait to be written. Only [`flush`](Self::flush) and the writer block.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The lock is held only to move lines, never while the output is written.
    state: Mutex<State>,
    /// Notified after a line was added and after lines were written.
    changed: Condvar,
}

/// The lines and the counters, under the lock.
#[derive(Debug, Default)]
struct State {
    /// The lines that wait, oldest first, each with its line feed.
    lines: VecDeque<Box<[u8]>>,
    /// The length of all waiting lines, in bytes.
    bytes: usize,
    /// Whether the writer has taken lines and not finished writing them.
    is_writing: bool,
    /// How many lines were dropped since the start.
    dropped: u64,
    /// How many of the dropped lines were reported in the log.
    reported: u64,
}

impl State {
    /// Returns whether every line is written and every dropped line reported.
    fn is_done(&self) -> bool {
        self.lines.is_empty() && !self.is_writing && self.reported == self.dropped
    }
}

impl Queue {
    /// Adds a line, or drops and counts it if the queue is full.
    pub(super) fn push(&self, line: &[u8]) {
        let line = cut(line);
        let mut state = self.lock();
        if state.bytes.saturating_add(line.len()) > MOST_BYTES {
            state.dropped = state.dropped.saturating_add(1);
            drop(state);
            #[cfg(feature = "metrics")]
            metrics::counter!("palisade_log_lines_dropped_total").increment(1);
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        drop(state);
        self.changed.notify_all();
    }

    /// Returns how many lines were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Waits until everything is written, but at most [`FLUSH_TIMEOUT`].
    pub(super) fn flush(&self) {
        let state = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(state, FLUSH_TIMEOUT, |state| !state.is_done());
        drop(waited);
    }

    /// Writes lines as they arrive, and never returns. Errors of the output are ignored.
    pub(super) fn write_all_to(&self, mut output: Box<dyn Write + Send>) {
        loop {
            let (lines, dropped) = self.take();
            for line in &lines {
                // A closed output accepts nothing, and there is no other place to report that.
                let _ = output.write_all(line);
            }
            if dropped > 0 {
                let line =
                    format!("WARN {dropped} log lines were dropped: the output was not read\n");
                let _ = output.write_all(line.as_bytes());
            }
            let _ = output.flush();
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for lines or dropped lines. Returns all lines, and how many were dropped since the
    /// last call.
    pub(super) fn take(&self) -> (VecDeque<Box<[u8]>>, u64) {
        let state = self.lock();
        let idle = |state: &mut State| state.lines.is_empty() && state.reported == state.dropped;
        let waited = self.changed.wait_while(state, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let dropped = state.dropped - state.reported;
        state.reported = state.dropped;
        state.bytes = 0;
        state.is_writing = true;
        (mem::take(&mut state.lines), dropped)
    }

    /// Locks the state. It is consistent after each step, so it stays usable after a panic
    /// elsewhere.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a line, cut to [`LONGEST_LINE`] bytes and marked if it was longer.
fn cut(line: &[u8]) -> Box<[u8]> {
    match line.get(..LONGEST_LINE) {
        Some(start) if line.len() > LONGEST_LINE => [start, b"[cut]\n"].concat().into(),
        _ => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, mpsc},
        thread,
    };

    use super::*;

    /// An output that waits before each write until it is told to go on.
    struct Stalled {
        go_on: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.go_on.recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_is_not_read_drops_lines_and_does_not_block() {
        let (release, go_on) = mpsc::channel();
        let (written, lines) = mpsc::channel();
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        thread::spawn(move || writer.write_all_to(Box::new(Stalled { go_on, written })));

        // Four mebibytes; the writer holds at most what it took, and the queue one mebibyte.
        let line = [b'x'; 1024];
        for _ in 0..4096 {
            queue.push(&line);
        }
        let dropped = queue.dropped();
        assert!((2048..4096).contains(&dropped), "{dropped}");
        drop(release);
        let report = lines.iter().find(|line| line.starts_with(b"WARN"));
        let report = String::from_utf8(report.unwrap()).unwrap();
        assert!(report.contains(" log lines were dropped"), "{report}");
        queue.flush();
        assert!(queue.lock().is_done());
    }

    #[test]
    fn the_last_flush_waits_at_most_a_second() {
        let queue = Queue::default();
        queue.push(b"no one writes this\n");
        queue.flush();
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn a_line_of_any_length_is_cut() {
        let line = cut(&vec![b'x'; 10 * LONGEST_LINE]);
        assert!(line.len() < LONGEST_LINE + 10 && line.ends_with(b"[cut]\n"));
    }
}
