//! `palisade gateway`: a reverse proxy with the whole stack, in front of a service in any language.
//!
//! All decisions are made in `palisade-gateway`. This file turns arguments into its settings, and
//! signals of the system into its methods:
//!
//! | signal | effect |
//! |---|---|
//! | SIGINT, SIGTERM | no new connections; open requests are finished within the drain time; exit code 0 |
//! | SIGHUP | the configuration, the keys and the certificate are read again |
//!
//! The options are for a first start. All that they cannot express is in the configuration file, which
//! excludes them: two sources for one value would need a rule which of them wins.
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
//! wrong, a file cannot be used, or the address is in use. There is no exit code 1.
//!
//! # What it never does
//!
//! It does not run in the background, write a PID file or change its user: a service manager does
//! that. It prints the secret of a key only to a terminal. A wrong configuration at SIGHUP never
//! stops it.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, Subcommand};
use palisade::logging::Log;
use palisade_gateway::{Gateway, Preset, Reloader, Settings, explain};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
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
    Explain(Options),
}

/// What to serve.
#[derive(Args)]
struct Options {
    /// Address of the service, such as http://127.0.0.1:5000
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "config",
        conflicts_with = "config"
    )]
    upstream: Option<String>,
    /// Kind of the service: comfyui, flask-tts, gradio, grpc, jupyter, mcp, ollama, openai, tgi, vllm
    ///
    /// Sets limits, routes, text fields, `Host`, timeouts and scopes; `explain` prints them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["config", "text"])]
    preset: Option<String>,
    /// Address to listen on [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    listen: Option<SocketAddr>,
    /// Host that is served, such as voice.example; may be given several times [default: localhost]
    #[arg(long = "host", value_name = "HOST", conflicts_with = "config")]
    hosts: Vec<String>,
    /// Text field to clean, in query, form and JSON body; may be given several times
    #[arg(long = "text", value_name = "FIELD", conflicts_with = "config")]
    text: Vec<String>,
    /// Path that needs no key, such as /health; may be given several times
    #[arg(long = "public", value_name = "PATH", conflicts_with = "config")]
    public: Vec<String>,
    /// Certificate chain, PEM [default: a certificate authority for development]
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "config")]
    certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "certificate",
        conflicts_with = "config"
    )]
    key: Option<PathBuf>,
    /// Folder for keys, authority and audit trail [default: palisade-gateway in the user's data]
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// Configuration file (TOML) in place of the other options
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Refuse nothing: record what would be refused, and print a report at the end
    ///
    /// To roll out on a service in use. The client's own credential goes up unchanged. Does not protect
    /// the service.
    #[arg(long)]
    shadow: bool,
    /// Check everything as a start does, and end without serving
    #[arg(long)]
    check: bool,
}

const EXAMPLES: &str = "\
Examples:
  palisade gateway --upstream http://127.0.0.1:5000 --text text
  palisade gateway --upstream http://127.0.0.1:5000 --listen 0.0.0.0:443 --host voice.example \\
      --certificate chain.pem --key key.pem
  palisade gateway --preset ollama --upstream http://127.0.0.1:11434
  palisade gateway explain --preset ollama --upstream http://127.0.0.1:11434
  palisade gateway --config gateway.toml --check
  palisade gateway --config gateway.toml";

impl Command {
    /// Serves until SIGINT or SIGTERM.
    ///
    /// Log lines go to standard error; `RUST_LOG` selects them. Fails with exit code
    /// 2 if a setting is wrong, a file cannot be read, or the address is in use.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let _log = Log::builder().environment().start()?;
        if let Some(Action::Explain(options)) = self.action {
            return describe(&options.settings()?);
        }
        let is_check = self.options.check;
        let settings = self.options.settings()?;
        // Fetching of keys and health checks need a runtime, also for a check.
        let runtime = Runtime::new()?;
        let _entered = runtime.enter();
        if is_check {
            explain(&settings)?;
            return Ok(output::result("The settings can be used.")?);
        }
        runtime.block_on(serve(settings))
    }
}

impl Options {
    /// Reads the configuration file, or makes the settings of a first start from the options.
    ///
    /// clap guarantees that one of `--config` and `--upstream` is given. Files are only named here: keys
    /// and the certificate are made when the gateway is prepared.
    fn settings(self) -> Result<Settings, Failure> {
        let is_shadow = self.shadow;
        let settings = self.enforcing()?;
        Ok(match is_shadow {
            true => settings.dangerously_only_shadow(),
            false => settings,
        })
    }

    /// Makes the settings of a gateway that refuses.
    ///
    /// `--config` excludes the other options, so it is looked at first.
    ///
    /// # Errors
    ///
    /// Fails with the file and the line of a mistake, or with the option that is wrong. An unknown
    /// preset is answered with the list of known ones.
    fn enforcing(self) -> Result<Settings, Failure> {
        let upstream = match (self.config, self.upstream) {
            (Some(file), _) => return Ok(Settings::read(file)?),
            (None, upstream) => upstream.unwrap_or_default(),
        };
        let mut start = Settings::quick_start(upstream);
        if let Some(name) = &self.preset {
            start = start.preset(Preset::named(name)?);
        }
        if let Some(address) = self.listen {
            start = start.listen(address);
        }
        if let (Some(chain), Some(key)) = (self.certificate, self.key) {
            start = start.certificate(chain, key);
        }
        if let Some(folder) = self.data {
            start = start.data(folder);
        }
        start = self
            .hosts
            .into_iter()
            .fold(start, |start, host| start.host(host));
        start = self
            .text
            .into_iter()
            .fold(start, |start, field| start.text_field(field));
        start = self
            .public
            .into_iter()
            .fold(start, |start, path| start.public(path));
        Ok(start.settings()?)
    }
}

/// Prints what a gateway with these settings does.
///
/// First what a start would do, then the same settings as a configuration file. A gateway that was
/// started from a file has no second part.
fn describe(settings: &Settings) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let _entered = runtime.enter();
    output::result(explain(settings)?.trim_end())?;
    if let Some(file) = settings.as_file() {
        output::result(format!("\nThe same as a file:\n\n{}", file.trim_end()))?;
    }
    Ok(())
}

/// Prepares the gateway, prints its greeting, and serves until a signal.
///
/// The greeting has the secret of a new key only if standard output is a terminal: a log file must
/// not keep it.
///
/// # Errors
///
/// Fails if the gateway cannot be prepared, the address cannot be opened, or serving ends with an
/// error.
async fn serve(settings: Settings) -> Result<(), Failure> {
    let is_shadow = settings.is_only_shadow();
    let mut gateway = Gateway::prepare(settings).await?;
    // Signals are handled before the gateway says that it is ready.
    let stop = stop()?;
    let reloading = reload(gateway.reloader(), signal(SignalKind::hangup())?);
    output::result(gateway.greeting(io::stdout().is_terminal())?.trim_end())?;
    let report = is_shadow.then(|| gateway.shadow_report());
    tokio::select! {
        served = gateway.serve(stop) => served?,
        () = reloading => {}
    }
    if let Some(report) = report {
        output::result(&report)?;
    }
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
///
/// The first signal begins the end. The drain time of the settings bounds how long it takes.
///
/// # Errors
///
/// Fails if the system does not let the process handle signals.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: requests that are being served are finished first");
    })
}

/// Reads the configuration again at each SIGHUP, for ever.
///
/// A configuration with a mistake changes nothing: the gateway continues with the last good one.
///
/// What changed is in the log, by the names of the sections. Open requests keep the old settings.
async fn reload(reloader: Arc<Reloader>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        match reloader.reload().await {
            Ok(changes) if changes.is_empty() => {
                tracing::info!(
                    "reloaded: the file says the same; keys and certificate were read again"
                );
            }
            Ok(changes) => tracing::info!(changed = changes.join(", "), "reloaded"),
            Err(error) => tracing::error!(%error, "not reloaded: everything stays as it was"),
        }
    }
    std::future::pending().await
}
