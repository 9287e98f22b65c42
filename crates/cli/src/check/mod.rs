//! `palisade check`: what a stranger sees of a service, what is wrong with it, and the remedy.
//!
//! | module | what it holds |
//! |---|---|
//! | `report` | the outcome as text, JSON, SARIF and HTML |
//! | `https_redirect` | from port 80 to HTTPS of the same host |
//! | `probe` | what is sent, and what each response means |
//! | `grade` | one letter, explained |
//! | `outcome` | found, passed or not checked: one for each rule |
//! | `rules` | what can be found, why it matters, the remedies |
//! | `client` | connections, bounded in number, time and bytes |
//! | `target` | the URL |
//!
//! What the service sends is hostile: it is bounded, never interpreted by the terminal or the page that
//! shows it, and leads to no other host. See `docs/src/reference/check.md`.
//!
//! # Order of work
//!
//! 1. The URL, the codes of `--accept`, the key file and the file of `--ca` are read. A mistake
//!    ends the command with exit code 2 before anything is sent.
//! 2. The host is resolved, once. The first address that accepts a connection is used for all
//!    requests.
//! 3. Standard error says how many requests are sent and where.
//! 4. If port 80 only redirects to HTTPS of the same host, HTTPS is checked in its place.
//! 5. The probes run, one after the other. See `probe`.
//! 6. Files of `--sarif` and `--html` are written, then the report is printed to standard output.
//!
//! # What it never does
//!
//! - It sends nothing to another host, and follows no redirect.
//! - It sends a key only over TLS with a trusted certificate, or to a loopback address.
//! - It sends no PUT, PATCH or DELETE, and no request that is made to change data.
//! - It prints no byte of the service to the terminal without escaping it, and never the key.
//! - It opens no more than 56 connections, except for `--probe-limits` and `--slow`.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | nothing at or above `--fail-on` was found |
//! | 1 | something was found; the report is complete |
//! | 2 | an argument or a file cannot be used, or the service cannot be reached |
//!
//! `--fail-on never` makes the code 0 whatever was found. `--fail-on` has no value for information:
//! that never changes the code.

mod report;
mod https_redirect;
mod probe;
mod grade;
pub(crate) mod client;
mod outcome;
mod rules;
pub(crate) mod target;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use http::HeaderName;
use palisade_core::{Secret, SystemClock};
use tokio::runtime;

use self::{
    client::{Client, tls::TlsSettings},
    grade::Grade,
    https_redirect::leads_to_https,
    outcome::Outcomes,
    probe::{Credential, Extras},
    report::Report,
    rules::Severity,
    target::Target,
};
use crate::{failure::Failure, output, secret_file};

/// The most requests of `--probe-limits`. More would be a load test.
///
/// It also bounds the time: requests are sent eight at a time, and each has the time limit of
/// `--timeout`.
const MOST_LIMIT_REQUESTS: i64 = 1000;

const EXAMPLES: &str = "\
Examples:
  palisade check https://voice.example
  palisade check 'http://127.0.0.1:5000/tts?text=hello' --probe-limits
  palisade check 'https://voice.example/tts?text=hello' --key key.txt --html report.html
  palisade check https://localhost:8443 --ca ca.pem --json
  palisade check https://voice.example --fail-on high --accept openapi-open --sarif check.sarif

Exit codes: 0 nothing at or above --fail-on, 1 there is, 2 the check could not be made.

Check only services that you may check. Some tens of requests are sent, to the named host only and in a
minute at most. Redirects are reported and not followed. No PUT, PATCH or DELETE is sent.";

/// Show what a stranger sees of a service, what is wrong, and the remedy
///
/// TLS and certificate, redirect, security headers, cookies, other origins, access without a key,
/// exposed pages, error responses, hostile text. Every finding says why it matters and how to repair it
/// with Palisade and with nginx. Give the URL of a call, with its query: more can be seen then.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Command {
    /// The service, such as https://voice.example/tts?text=hello; without a scheme HTTPS is assumed
    url: String,
    /// File with a key, or - for standard input: also checks what a client with a key sees
    ///
    /// The key is sent only over TLS with a trusted certificate, or to this machine. It is also sent in the
    /// URL, to see whether that is accepted, so it is in the log of the service afterwards: use one that you
    /// revoke.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Header of the key [default: Authorization as Bearer, then X-API-Key]
    #[arg(long, value_name = "NAME", requires = "key")]
    key_header: Option<HeaderName>,
    /// Certificate of an authority to trust as well, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Port of the same host without TLS [default: 80, if that of the URL is 443]
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
    /// Also send requests until one is refused, at most N [default: 100], and one long text
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        default_missing_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=MOST_LIMIT_REQUESTS)
    )]
    probe_limits: Option<u32>,
    /// Also keep a request without an end open, for so long [default: 65]
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "65",
        value_parser = clap::value_parser!(u64).range(1..=300)
    )]
    slow: Option<u64>,
    /// How long to wait for each response
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=120)
    )]
    timeout: u64,
    /// Finding that is known and meant, by its code; may be given several times
    #[arg(long = "accept", value_name = "CODE")]
    accepted: Vec<String>,
    /// The severity from which on the exit code is 1
    #[arg(long, value_name = "SEVERITY", default_value = "medium")]
    fail_on: FailOn,
    /// Print the report as JSON
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
    /// Also write a report in SARIF 2.1.0, for code hosts and CI
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Also write a report as one HTML file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print also why each finding matters, the remedy with nginx, and what is in order
    #[arg(long, short)]
    verbose: bool,
}

/// The values of `--fail-on`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Low,
    Medium,
    High,
    Critical,
    Never,
}

impl FailOn {
    /// Whether a severity makes the exit code 1.
    ///
    /// The severity itself belongs to it: `medium` includes medium findings.
    fn counts_as_failure(self, severity: Severity) -> bool {
        match self {
            Self::Low => severity >= Severity::Low,
            Self::Medium => severity >= Severity::Medium,
            Self::High => severity >= Severity::High,
            Self::Critical => severity >= Severity::Critical,
            Self::Never => false,
        }
    }
}

impl Command {
    /// Checks the service and prints the report.
    ///
    /// Exit code 1 if something at or above `--fail-on` was found; 2 if the service cannot be reached, or
    /// an argument or a file cannot be used.
    ///
    /// # Errors
    ///
    /// Exit codes 1 and 2, as above.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let target = Target::parse(&self.url)?;
        let unknown = |code: &&String| rules::all_rules().all(|rule| rule.code != **code);
        if let Some(code) = self.accepted.iter().find(unknown) {
            return Err(Failure::new(format_args!(
                "--accept {code}: there is no such code"
            )));
        }
        let credential = self.read_credential()?;
        let tls = TlsSettings::new(self.ca.as_deref())?;
        // One thread: the probes run one after the other.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let report = runtime.block_on(self.run_probes(target, credential, tls))?;
        self.write(&report)?;
        match report.outcomes.worst_severity() {
            Some(worst) if self.fail_on.counts_as_failure(worst) => Err(Failure::No),
            _ => Ok(()),
        }
    }

    /// Reads the key, if one was named.
    ///
    /// `-` reads standard input, at most 4,096 bytes. White space at both ends is removed. A file
    /// must be readable for its owner alone (see [`secret_file::read`]).
    ///
    /// # Errors
    ///
    /// Fails if the file does not exist or is open to others, or if the key is not one word of
    /// visible ASCII characters of at least four characters.
    fn read_credential(&self) -> Result<Option<Credential>, Failure> {
        let Some(file) = &self.key else {
            return Ok(None);
        };
        let secret = match file.as_os_str() == "-" {
            true => {
                let mut line = Vec::new();
                std::io::stdin().take(4096).read_to_end(&mut line)?;
                Secret::new(Secret::new(line).expose().trim_ascii())
            }
            false => secret_file::read(file)?.ok_or_else(|| {
                Failure::new(format_args!("{}: there is no such file", file.display()))
            })?,
        };
        Ok(Some(Credential::new(secret, self.key_header.clone())?))
    }

    /// Reaches the service, says what will be sent, and runs the probes.
    ///
    /// The first connection carries no request. It shows that the service can be reached, and fixes
    /// the address for all others.
    ///
    /// # Errors
    ///
    /// Fails if the host has no address or no address accepts a connection. A service that fails
    /// later is described in the report.
    async fn run_probes(
        &self,
        mut target: Target,
        credential: Option<Credential>,
        tls: TlsSettings,
    ) -> Result<Report, Failure> {
        let client = Client::new(
            target.resolve_host().await?,
            Duration::from_secs(self.timeout),
            tls,
        );
        let reached = client.connect(target.port).await;
        let address =
            reached.map_err(|problem| Failure::new(format_args!("{target}: {problem}")))?;
        let address = address.peer_addr()?;
        let mut extras = Extras {
            credential,
            http_port: self.http_port,
            limit_requests: self.probe_limits,
            slow: self.slow.map(Duration::from_secs),
            now: SystemClock::shared().unix_time(),
        };
        client.allow_connections(
            extras
                .limit_requests
                .map_or(0, |requests| requests as usize + 1),
        );
        client.allow_connections(usize::from(extras.slow.is_some()));
        self.announce_check(&target, &client, address.ip());
        let mut notes = Vec::new();
        if let Some(secure) = leads_to_https(&client, &target).await {
            notes.push(format!("{target} redirects to HTTPS, which was checked."));
            extras.http_port = Some(target.port);
            target = secure;
        }
        let mut outcomes = Outcomes::default();
        outcomes.hide_secret(extras.credential.as_ref().and_then(Credential::key_text));
        notes.extend(probe::run(&client, &target, &extras, &mut outcomes).await);
        outcomes.set_aside(&self.accepted);
        outcomes.finish();
        Ok(Report {
            url: outcome::escape_invisible(&target.to_string()),
            address: address.ip(),
            time: extras.now,
            requests: client.opened_connections(),
            grade: Grade::from_outcomes(&outcomes),
            notes: notes
                .iter()
                .map(|note| outcome::escape_invisible(note))
                .collect(),
            outcomes,
        })
    }

    /// Says beforehand what is sent where.
    ///
    /// Goes to standard error, so that `--json` can be piped. Nothing but one empty connection was
    /// made before.
    fn announce_check(&self, target: &Target, client: &Client, address: std::net::IpAddr) {
        let most = client.max_connections();
        output::print_note(format_args!(
            "Checking {target}: at most {most} requests, to {address} only."
        ));
        if let Some(requests) = self.probe_limits {
            output::print_note(format_args!(
                "--probe-limits: up to {requests} of them ask for the URL until one is refused."
            ));
        }
        if let Some(seconds) = self.slow {
            output::print_note(format_args!(
                "--slow: one connection is kept open for up to {seconds} s."
            ));
        }
        if self.key.is_some() {
            output::print_note(
                "--key: the key is also sent in the URL. Revoke it after the check.",
            );
        }
    }

    /// Writes the files, then prints.
    ///
    /// An existing file is replaced. A file that cannot be written is exit code 2, and then nothing
    /// is printed: a CI job must not go on without its artifact.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    fn write(&self, report: &Report) -> Result<(), Failure> {
        if let Some(file) = &self.sarif {
            write_file(file, &report.to_sarif())?;
        }
        if let Some(file) = &self.html {
            write_file(file, &report.to_html())?;
        }
        let text = match self.json {
            true => report.to_json(),
            false => report.to_text(self.verbose),
        };
        Ok(output::print_result(text)?)
    }
}

/// The error names the file.
///
/// # Errors
///
/// The file cannot be written.
fn write_file(file: &Path, content: &str) -> Result<(), Failure> {
    fs::write(file, content)
        .map_err(|error| Failure::new(format_args!("cannot write {}: {error}", file.display())))
}
