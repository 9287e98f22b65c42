//! Log lines on standard error that cannot block or end a service (feature `logging`).
//!
//! A service that writes its log directly blocks when the pipe is not read, and a panic that cannot
//! be printed aborts the process. Here lines go into a queue of 1 MiB, and a thread writes them.
//!
//! When the queue is full, lines are dropped and counted. The number is written as soon as lines
//! are read again. With the feature `metrics` it is also `palisade_log_lines_dropped_total`. A line
//! has at most 16 KiB; the rest is cut off and marked `[cut]`.
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

/// The default directives. The HTTP and TLS libraries are off, because a client can make them write
/// a line for each frame that it sends.
const DEFAULT: &str = "warn,palisade=info,palisade_transport=info,h2=off,hyper=off,hyper_util=off,rustls=off,tokio_rustls=off";

/// A running log. Made by [`LogBuilder::start`].
///
/// When it is dropped, it writes the lines that are queued, for at most one second. Keep it until
/// the end of `main`.
#[derive(Debug)]
#[must_use = "the log ends when this value is dropped"]
pub struct Log(Arc<Queue>);

/// Settings of a log. Made by [`Log::builder`].
///
/// ```no_run
/// use palisade::logging::Log;
///
/// // The defaults, own directives, and those of `RUST_LOG`; to a file in place of standard error.
/// let file = std::fs::OpenOptions::new().create(true).append(true).open("service.log")?;
/// let log = Log::builder().directives("my_service=debug").environment().output(file).start()?;
/// // … until the end of `main`.
/// drop(log);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct LogBuilder {
    /// The directives of the program: the defaults and those that were added.
    directives: String,
    /// The value of `RUST_LOG`, if [`environment`](Self::environment) was called and it is set.
    from_environment: Option<String>,
    /// Whether lines have colors.
    colors: bool,
    /// Where lines are written to.
    output: Box<dyn Write + Send>,
}

/// Why the log cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// This process already has a global subscriber of `tracing`.
    AlreadyStarted,
    /// The directives cannot be parsed. Holds the message of the parser.
    Directives(String),
    /// The thread that writes the lines cannot be started.
    Thread(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted => {
                f.write_str("a log is already running in this process: start only one")
            }
            Self::Directives(problem) => write!(
                f,
                "the log's directives cannot be parsed ({problem}): write for example `warn,palisade=info`",
            ),
            Self::Thread(problem) => {
                write!(f, "the thread of the log cannot be started: {problem}")
            }
        }
    }
}

impl Error for LogError {}

impl Log {
    /// Returns a builder with the defaults, which writes to standard error.
    ///
    /// It logs warnings of all targets and information of Palisade. The HTTP and TLS libraries are
    /// off, since clients can make them log.
    pub fn builder() -> LogBuilder {
        LogBuilder {
            directives: DEFAULT.to_owned(),
            from_environment: None,
            colors: false,
            output: Box::new(io::stderr()),
        }
    }

    /// Returns how many lines were dropped since the start, because the queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// Writes a line as it is, and waits at most one second until it is written.
    ///
    /// For the last message of a program, such as the error that ends it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    /// use palisade::logging::Log;
    ///
    /// # fn serve() -> Result<(), std::io::Error> { Ok(()) }
    /// fn main() -> ExitCode {
    ///     let Ok(log) = Log::builder().environment().start() else {
    ///         return ExitCode::FAILURE;
    ///     };
    ///     match serve() {
    ///         Ok(()) => ExitCode::SUCCESS,
    ///         Err(error) => {
    ///             log.last_line(error);
    ///             ExitCode::FAILURE
    ///         }
    ///     }
    /// }
    /// ```
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
    ///
    /// They are added to the defaults. Later ones take precedence for the same target. They are
    /// parsed by [`start`](Self::start).
    pub fn directives(mut self, more: &str) -> Self {
        self.directives = format!("{},{more}", self.directives);
        self
    }

    /// Adds the directives in the environment variable `RUST_LOG`, after all others.
    ///
    /// Libraries that are off stay off, unless the variable names them. Lines have colors if
    /// standard error is a terminal and `NO_COLOR` is not set. Default: the environment is not
    /// read.
    pub fn environment(mut self) -> Self {
        let directives = env::var_os(EnvFilter::DEFAULT_ENV);
        self.from_environment = directives.map(|text| text.to_string_lossy().into_owned());
        self.colors = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
        self
    }

    /// Writes to another output. Default: standard error. Errors of the output are ignored.
    pub fn output(mut self, output: impl Write + Send + 'static) -> Self {
        self.output = Box::new(output);
        self
    }

    /// Starts the log for the whole process, and installs a panic hook.
    ///
    /// The hook logs the place of each panic and not its message, which may quote a request. It
    /// replaces the hook that was installed before.
    ///
    /// # Errors
    ///
    /// [`LogError`]: another log is running, the directives cannot be parsed, or there is no
    /// thread.
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
        panic::set_hook(Box::new(move |panic| log_panic(&panics, panic)));
        Ok(Log(queue))
    }

    /// Parses the directives of the program and of the environment.
    ///
    /// # Errors
    ///
    /// A directive cannot be parsed.
    fn filter(&self) -> Result<EnvFilter, LogError> {
        let more = self.from_environment.as_deref().unwrap_or_default();
        let directives = format!("{},{more}", self.directives);
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
            .field("from_environment", &self.from_environment)
            .finish_non_exhaustive()
    }
}

/// Logs the place of a panic.
///
/// It runs while a thread unwinds, where a second panic would abort the process. So it formats only
/// numbers and a path, and calls nothing that can panic.
fn log_panic(queue: &Queue, panic: &PanicHookInfo<'_>) {
    let line = match panic.location() {
        Some(place) => format!("ERROR a panic was caught place={place}\n"),
        None => "ERROR a panic was caught\n".to_owned(),
    };
    queue.push(line.as_bytes());
}

/// Passes each event of the log to the queue.
struct Lines(Arc<Queue>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

/// Receives one event, which is written by one call. It never fails: the library would report a
/// failure on standard error, and panic if that is closed.
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
    fn logged(from_environment: Option<&str>) -> String {
        let mut builder = Log::builder().directives("own=info");
        builder.from_environment = from_environment.map(ToOwned::to_owned);
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
    fn libraries_that_clients_can_make_log_are_off() {
        assert_eq!(targets(&logged(None)), ["other", "own"]);
        assert_eq!(targets(&logged(Some("info"))), ["other", "other", "own"]);
    }

    #[test]
    fn a_library_in_the_directives_is_logged() {
        let log = logged(Some("h2=warn"));
        assert_eq!(targets(&log), ["h2::proto::ping_pong", "other", "own"]);
    }

    #[test]
    fn invalid_directives_are_an_error() {
        let mut builder = Log::builder();
        builder.from_environment = Some("own=loud".to_owned());
        let error = builder.filter().unwrap_err().to_string();
        assert!(error.contains("palisade=info"), "{error}");
    }
}
