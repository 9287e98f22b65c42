//! Lines that wait to be written, bounded in bytes.

use std::{
    collections::VecDeque,
    io::Write,
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Bytes of lines that wait. Beyond them lines are dropped.
const MOST_BYTES: usize = 1024 * 1024;
/// Bytes of a line. The rest of a longer one is cut off.
const LONGEST_LINE: usize = 16 * 1024;
/// How long the end of a program waits for its last lines.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that wait to be written. Nothing here blocks but [`flush`](Self::flush) and the writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// The writer has taken lines and not finished them.
    is_writing: bool,
    dropped: u64,
    /// How many of the dropped lines were told.
    told: u64,
}

impl State {
    fn is_done(&self) -> bool {
        self.lines.is_empty() && !self.is_writing && self.told == self.dropped
    }
}

impl Queue {
    /// Takes a line, or drops and counts it.
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

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Waits until everything is written, but at most a second.
    pub(super) fn flush(&self) {
        let state = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.is_done());
        drop(waited);
    }

    /// Writes lines as they come, for ever.
    pub(super) fn write_all_to(&self, mut output: Box<dyn Write + Send>) {
        loop {
            let (lines, dropped) = self.take();
            for line in &lines {
                // An output that is closed takes nothing. There is no one to tell.
                let _ = output.write_all(line);
            }
            if dropped > 0 {
                let line = format!("WARN {dropped} log lines were dropped: nobody read them\n");
                let _ = output.write_all(line.as_bytes());
            }
            let _ = output.flush();
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    pub(super) fn take(&self) -> (VecDeque<Box<[u8]>>, u64) {
        let state = self.lock();
        let idle = |state: &mut State| state.lines.is_empty() && state.told == state.dropped;
        let waited = self.changed.wait_while(state, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let dropped = state.dropped - state.told;
        state.told = state.dropped;
        state.bytes = 0;
        state.is_writing = true;
        (mem::take(&mut state.lines), dropped)
    }

    /// The state is whole after each step, so a panic elsewhere leaves it usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    fn an_output_that_nobody_reads_costs_lines_and_no_time() {
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
        let told = lines.iter().find(|line| line.starts_with(b"WARN"));
        let told = String::from_utf8(told.unwrap()).unwrap();
        assert!(told.contains(" log lines were dropped"), "{told}");
        queue.flush();
        assert!(queue.lock().is_done());
    }

    #[test]
    fn the_end_of_a_program_waits_a_second_and_no_longer() {
        let queue = Queue::default();
        queue.push(b"nobody writes this\n");
        queue.flush();
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn a_line_of_any_length_is_cut() {
        let line = cut(&vec![b'x'; 10 * LONGEST_LINE]);
        assert!(line.len() < LONGEST_LINE + 10 && line.ends_with(b"[cut]\n"));
    }
}
