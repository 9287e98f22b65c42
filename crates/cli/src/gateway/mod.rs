//! `palisade gateway`: a reverse proxy with the whole stack, in front of a service in any language.
//!
//! All decisions are made in `palisade-gateway`. This file turns arguments into its settings, and
//! signals of the system into its methods:
//!
//! | signal | effect |
//! |---|---|
//! | SIGINT, SIGTERM | no new connections; open requests are finished within the drain time; exit code 0 |
//! | SIGHUP, or a change of the file with `--watch` | the configuration, the keys and the certificate are read again |
//!
//! # Output
//!
//! Standard output has the greeting: the address, the first key and a `curl` command on a first
//! start, and later the address. With `--shadow` a report follows at the end. Log lines go to
//! standard error.
//!
//! # Exit codes
//!
//! 0 after SIGINT or SIGTERM, and for `--check` and `explain` without a mistake. 2 if a setting is
//! wrong, a file cannot be used, the address is in use, or no gateway answers at its admin socket. 1 if
//! a running gateway refuses what `reload` or `limits` asks for.
//!
//! # What it never does
//!
//! It does not run in the background, write a PID file or change its user: a service manager does
//! that. It prints the secret of a key only to a terminal. A wrong configuration at SIGHUP never
//! stops it.

mod serve;
mod metrics;
mod watch;
mod limits;
mod admin;
mod options;

use clap::{Args, Subcommand};
use palisade::logging::Log;
use palisade_gateway::{Settings, explain};
use tokio::runtime::Runtime;

use self::{
    options::Options,
    serve::{serve_endpoint, serve_until_signal},
    watch::WatchedFile,
};
use crate::{failure::Failure, output};

/// Serve an HTTP service over HTTPS, with keys, limits, clean text and an audit trail
///
/// Without a configuration file every path needs a key. An address may send 60 requests a minute, a
/// key 10. The first start makes a certificate authority for development and a key, and prints a
/// `curl` command. SIGHUP reads the configuration file again.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    options: Options,
}

/// What to do in place of serving.
#[derive(Subcommand)]
enum Action {
    /// Print what a gateway with these options does, and the file that says the same
    ///
    /// Checks everything as a start does. Serves nothing, asks no server, and does not open the audit
    /// trail. With `--upstream` it makes the data folder as the first start does, without a key.
    Explain(Box<Options>),
    /// Print the servers of a running gateway: health, breaker, open requests
    ///
    /// Needs `[admin]` in the file of the gateway, and its user or root.
    Status(admin::Status),
    /// Make a running gateway read its file again, all or nothing
    ///
    /// Prints the keys that changed. Exit code 1 if the file has a mistake: then nothing changes.
    Reload(admin::Plain),
    /// Stop a running gateway, as SIGTERM does: open requests are finished first
    Drain(admin::Plain),
    /// Limits of a running gateway: the counters that decide
    #[command(subcommand)]
    Limits(limits::Limits),
}

const EXAMPLES: &str = "\
Examples:
  palisade gateway --upstream http://127.0.0.1:5000 --text text
  palisade gateway --upstream http://127.0.0.1:5000 --listen 0.0.0.0:443 --host voice.example \\
      --certificate chain.pem --key key.pem
  palisade gateway --preset ollama --upstream http://127.0.0.1:11434
  palisade gateway explain --preset ollama --upstream http://127.0.0.1:11434
  palisade gateway --config gateway.toml --check
  palisade gateway --config gateway.toml
  palisade gateway --config gateway.toml --auth-endpoint 127.0.0.1:9091
  palisade gateway status --config gateway.toml
  palisade gateway limits clear --config gateway.toml --client 203.0.113.7";

impl Action {
    /// Does what is asked in place of serving.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Explain(options) => print_description(&options.into_settings()?),
            Self::Status(status) => status.run(),
            Self::Reload(plain) => plain.reload(),
            Self::Drain(plain) => plain.drain(),
            Self::Limits(limits) => limits.run(),
        }
    }
}

impl Command {
    /// Serves until SIGINT or SIGTERM.
    ///
    /// Log lines go to standard error; `RUST_LOG` selects them.
    ///
    /// # Errors
    ///
    /// Exit code 2: a setting is wrong, a file cannot be read, or an address is in use.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let _log = Log::builder().environment().start()?;
        if let Some(action) = self.action {
            return action.run();
        }
        let is_check = self.options.check;
        if let (Some(address), Some(file)) = (self.options.auth_endpoint, &self.options.config) {
            let watched = self.options.watch.then(|| WatchedFile::new(file));
            return Runtime::new()?.block_on(serve_endpoint(file, address, watched));
        }
        let file = self
            .options
            .config
            .as_deref()
            .filter(|_| self.options.watch);
        let watched = file.map(WatchedFile::new);
        let settings = self.options.into_settings()?;
        // Fetching of keys and health checks need a runtime, also for a check.
        let runtime = Runtime::new()?;
        let _entered = runtime.enter();
        if is_check {
            explain(&settings)?;
            return Ok(output::print_result("The settings can be used.")?);
        }
        runtime.block_on(serve_until_signal(settings, watched))
    }
}

/// Prints what a gateway with these settings does.
///
/// First what a start would do, then the same settings as a configuration file. A gateway that was
/// started from a file has no second part.
///
/// # Errors
///
/// A setting is wrong, or standard output cannot be written.
fn print_description(settings: &Settings) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let _entered = runtime.enter();
    output::print_result(explain(settings)?.trim_end())?;
    if let Some(file) = settings.as_file() {
        output::print_result(format!("\nThe same as a file:\n\n{}", file.trim_end()))?;
    }
    Ok(())
}
