//! `palisade doctor`: compares a configuration with this machine.
//!
//! | module | what it looks at |
//! |---|---|
//! | `machine` | listeners, file descriptors, the disk of the audit trail |
//! | `clock` | the time of this machine beside that of a server |
//!
//! Files, secrets, certificates, hosts and the address of the store are compared by
//! `Config::examine` of the library. Every finding has a number of `palisade::diagnostics`, which is also in
//! the log of the service.
//!
//! # Order
//!
//! 1. The codes of `--accept`: an unknown one is exit code 2.
//! 2. The configuration is parsed as the service does it. A mistake is exit code 2.
//! 3. `Config::examine`: files, secrets, certificates, hosts.
//! 4. `machine`: listeners, descriptors, disk.
//! 5. `Config::examine_store`: whether the store of `[redis]` can be used. Three seconds at most.
//!    `Config::examine_keys`: whether the keys of `[keys.redis]` can be used.
//! 6. `Upstreams::examine`, if the file has `[[upstreams]]`: each server gets up to four requests.
//! 7. `clock`, only with `--time-source`.
//!
//! All findings are printed, not only the first one.
//!
//! # Output
//!
//! Without `--json` one line a finding at standard output: its number, its name and the text with
//! the remedy. With `--json` one object:
//! `{"findings":[{"number":"PAL0015","code":"…","text":"…"}]}`. The number of the findings goes to
//! standard error.
//!
//! # What it never does
//!
//! It creates, changes and locks nothing, reads no record of a trail, and prints no secret. A
//! listener is opened for a moment to see whether that is possible; nothing is accepted there.

mod clock;
mod machine;

use std::path::PathBuf;

use clap::Args;
use palisade::{config::Config, diagnostics, shield::Warning};
use palisade_core::SystemClock;
use palisade_gateway::Upstreams;
use serde_json::json;
use tokio::runtime;

use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Run it as the user of the service: what that user can read and open is what counts.

Examples:
  palisade doctor --config server.toml
  sudo -u tts palisade doctor --config /etc/tts/server.toml --time-source https://login.example
  palisade doctor --config gateway.toml --accept no-audit --json

Exit codes: 0 nothing found, 1 something was found, 2 the configuration cannot be read.";

/// Compare a configuration with this machine: files, secrets, certificate, store, clock, upstreams
///
/// Nothing is changed, created or locked, so it can run beside the service. Every finding has a stable
/// number, such as PAL0015, a line of the configuration and a remedy.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Command {
    /// The configuration file of the service or of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// URL of a server whose clock is right: its Date header is compared with this machine
    #[arg(long, value_name = "URL")]
    time_source: Option<String>,
    /// Finding that is known and meant, by number or name; may be given several times
    #[arg(long = "accept", value_name = "CODE")]
    accepted: Vec<String>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Prints one line for each finding. The result is "no" if there is one.
    ///
    /// Exit code 0 if nothing is left after `--accept`, 1 if something is, 2 if the configuration
    /// cannot be read or `--time-source` does not reply.
    ///
    /// # Errors
    ///
    /// Exit codes 1 and 2, as above.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let unknown = |code: &&String| diagnostics::find(code).is_none();
        if let Some(code) = self.accepted.iter().find(unknown) {
            return Err(Failure::new(format_args!(
                "--accept {code}: there is no such code"
            )));
        }
        let config = self.read()?;
        let mut found = config.examine(&SystemClock::shared())?;
        found.extend(machine::examine_machine(&config)?);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            found.extend(config.examine_store().await);
            found.extend(config.examine_keys().await);
            if config.other_sections().contains(&"upstreams") {
                found.extend(Upstreams::examine(&config).await?);
            }
            if let Some(source) = &self.time_source {
                found.extend(clock::examine_clock(source).await?);
            }
            Ok::<(), Failure>(())
        })?;
        found.retain(|warning| !self.is_accepted(warning));
        self.print_findings(&found)?;
        if found.is_empty() {
            Ok(())
        } else {
            Err(Failure::No)
        }
    }

    /// Reads the file, and says which sections are not checked here: those of an application.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or has a mistake; the message has file and line.
    fn read(&self) -> Result<Config, Failure> {
        let config = Config::read_any(&self.config)?;
        let mut others = config.other_sections();
        others.retain(|name| *name != "upstreams");
        if !others.is_empty() {
            let (file, names) = (self.config.display(), others.join(", "));
            output::print_note(format_args!(
                "{file}: not checked here: {names}, as sections of the application"
            ));
        }
        Ok(config)
    }

    /// Whether the user gave the number or the name of the finding.
    fn is_accepted(&self, warning: &Warning) -> bool {
        let codes = [Some(warning.code), warning.number()];
        self.accepted.iter().any(|code| codes.contains(&Some(code)))
    }

    /// Prints the findings, and for people a closing remark to standard error.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    fn print_findings(&self, found: &[Warning]) -> Result<(), Failure> {
        if self.json {
            let values = found.iter().map(|warning| {
                json!({"number": warning.number(), "code": warning.code, "text": warning.text})
            });
            let list: Vec<_> = values.collect();
            return Ok(output::print_result(format_args!(
                "{:#}",
                json!({"findings": list})
            ))?);
        }
        for warning in found {
            output::print_result(warning)?;
        }
        let file = self.config.display();
        match found.len() {
            0 => output::print_note(format_args!("{file}: nothing was found")),
            1 => output::print_note("1 finding; docs/src/reference/diagnostics.md explains each"),
            many => output::print_note(format_args!(
                "{many} findings; docs/src/reference/diagnostics.md explains each"
            )),
        }
        Ok(())
    }
}
