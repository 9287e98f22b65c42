//! Log lines on standard error that cannot hold up or end a service (feature `logging`).
//!
//! A service that writes its log itself stops when nobody reads the pipe, and a panic that cannot be
//! printed aborts the process. Here lines go into a queue of one mebibyte, and a thread writes them.
//! When the queue is full, lines are dropped and counted; the number is told as soon as lines are read
//! again, and is the metric `palisade_log_lines_dropped_total`.
//!
//! ```no_run
//! let log = palisade::logging::Log::builder()
//!     .directives("my_service=info")
//!     .environment()
//!     .start()?;
//! tracing::info!(target: "my_service", "ready");
//! drop(log); // writes the last lines, for at most a second
//! # Ok::<(), palisade::logging::LogError>(())
//! ```

mod queue;

use std::{
    env,
    error::Error,
    fmt,
    io::{self, IsTerminal, Write},
    panic::{self, PanicHookInfo},
    sync::Arc,
    thread,
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use self::queue::Queue;

/// What is logged where nothing else is asked for. The HTTP and TLS libraries are off: a client makes
/// them write a line for each frame that it sends.
const DEFAULT: &str = "warn,palisade=info,palisade_transport=info,h2=off,hyper=off,hyper_util=off,rustls=off,tokio_rustls=off";

/// A log that runs. Dropped, it writes what is queued, for at most a second.
#[derive(Debug)]
#[must_use = "the log ends when this value is dropped"]
pub struct Log(Arc<Queue>);

/// Collects how to log.
#[must_use]
pub struct LogBuilder {
    directives: String,
    asked: Option<String>,
    colors: bool,
    output: Box<dyn Write + Send>,
}

/// Why the log cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// Something else in this process logs already.
    AlreadyStarted,
    /// The directives cannot be read.
    Directives(String),
    /// The system gives no thread.
    Thread(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted => f.write_str("a log was started before: start one only"),
            Self::Directives(problem) => write!(
                f,
                "the log's directives cannot be read ({problem}): write for example `warn,palisade=info`",
            ),
            Self::Thread(problem) => write!(f, "no thread for the log: {problem}"),
        }
    }
}

impl Error for LogError {}

impl Log {
    /// Starts from the defaults: warnings of all, information of Palisade, nothing of the libraries
    /// for HTTP and TLS, to standard error.
    pub fn builder() -> LogBuilder {
        LogBuilder {
            directives: DEFAULT.to_owned(),
            asked: None,
            colors: false,
            output: Box::new(io::stderr()),
        }
    }

    /// Returns how many lines were dropped because nobody read the log.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// Writes a line as it is, for the last words of a program, and waits at most a second until it
    /// is written.
    pub fn last_line(&self, line: impl fmt::Display) {
        self.0.push(format!("{line}\n").as_bytes());
        self.0.flush();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

impl LogBuilder {
    /// Adds directives of `tracing-subscriber`, such as `my_service=info,h2=debug`.
    pub fn directives(mut self, more: &str) -> Self {
        self.directives = format!("{},{more}", self.directives);
        self
    }

    /// Reads more directives from the variable `RUST_LOG`. Libraries that are off stay off, unless
    /// it names them. Colors are used on a terminal, unless `NO_COLOR` is set.
    pub fn environment(mut self) -> Self {
        let asked = env::var_os(EnvFilter::DEFAULT_ENV);
        self.asked = asked.map(|asked| asked.to_string_lossy().into_owned());
        self.colors = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
        self
    }

    /// Writes elsewhere than to standard error.
    pub fn output(mut self, output: impl Write + Send + 'static) -> Self {
        self.output = Box::new(output);
        self
    }

    /// Starts the log for the whole process, and tells each panic by its place. The words of a panic
    /// stay out: they may quote a client.
    ///
    /// # Errors
    /// [`LogError`] says why it cannot start.
    pub fn start(self) -> Result<Log, LogError> {
        let filter = self.filter()?;
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        let thread = thread::Builder::new().name("log".to_owned());
        thread
            .spawn(move || writer.write_all_to(self.output))
            .map_err(LogError::Thread)?;
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(self.colors)
            .with_writer(Lines(Arc::clone(&queue)))
            .finish();
        tracing::subscriber::set_global_default(subscriber)
            .map_err(|_| LogError::AlreadyStarted)?;
        let panics = Arc::clone(&queue);
        panic::set_hook(Box::new(move |panic| tell(&panics, panic)));
        Ok(Log(queue))
    }

    fn filter(&self) -> Result<EnvFilter, LogError> {
        let asked = self.asked.as_deref().unwrap_or_default();
        let directives = format!("{},{asked}", self.directives);
        let directives = directives.trim_end_matches(',');
        EnvFilter::builder()
            .parse(directives)
            .map_err(|problem| LogError::Directives(problem.to_string()))
    }
}

impl fmt::Debug for LogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogBuilder")
            .field("directives", &self.directives)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

/// Runs while a thread unwinds, where a second panic would abort the process: it formats numbers and a
/// path, and calls nothing that can panic.
fn tell(queue: &Queue, panic: &PanicHookInfo<'_>) {
    let line = match panic.location() {
        Some(place) => format!("ERROR a panic was caught place={place}\n"),
        None => "ERROR a panic was caught\n".to_owned(),
    };
    queue.push(line.as_bytes());
}

/// Gives each event of the log to the queue.
struct Lines(Arc<Queue>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

/// Takes one event, which is written by one call. Never fails: the library would report a failure to
/// standard error, and panic where that is closed.
struct Line<'a>(&'a Queue);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is written of events of some targets, all at level `WARN` or `INFO`.
    fn logged(asked: Option<&str>) -> String {
        let mut builder = Log::builder().directives("own=info");
        builder.asked = asked.map(ToOwned::to_owned);
        let queue = Arc::new(Queue::default());
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(builder.filter().unwrap())
            .with_ansi(false)
            .with_writer(Lines(Arc::clone(&queue)))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "h2::proto::ping_pong", "frame");
            tracing::warn!(target: "hyper::proto", "frame");
            tracing::warn!(target: "rustls::conn", "alert");
            tracing::warn!(target: "other", "warning");
            tracing::info!(target: "other", "information");
            tracing::info!(target: "own", "information");
        });
        let (lines, _) = queue.take();
        String::from_utf8(lines.into_iter().flatten().collect()).unwrap()
    }

    fn targets(log: &str) -> Vec<&str> {
        let words = log
            .lines()
            .filter_map(|line| line.split_whitespace().nth(2));
        words.map(|word| word.trim_end_matches(':')).collect()
    }

    #[test]
    fn libraries_that_a_client_makes_talk_are_off() {
        assert_eq!(targets(&logged(None)), ["other", "own"]);
        assert_eq!(targets(&logged(Some("info"))), ["other", "other", "own"]);
    }

    #[test]
    fn a_library_that_is_named_is_on() {
        let log = logged(Some("h2=warn"));
        assert_eq!(targets(&log), ["h2::proto::ping_pong", "other", "own"]);
    }

    #[test]
    fn directives_that_mean_nothing_are_told() {
        let mut builder = Log::builder();
        builder.asked = Some("own=loud".to_owned());
        let error = builder.filter().unwrap_err().to_string();
        assert!(error.contains("palisade=info"), "{error}");
    }
}
