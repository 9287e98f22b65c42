//! The `palisade` command: API keys, development tokens, limits, audit trails, certificates, checks and the
//! gateway.
//!
//! Exit codes:
//!
//! - 0: done.
//! - 1: the result is "no": a trail is not intact, a service cannot use its files, an authority
//!   issues no certificate.
//! - 2: the command could not be carried out.
//! - 3: the audit trail has incidents that an operator must check.
//!
//! Results go to standard output, everything else to standard error. The `///` comments on the
//! types of clap are the help text: the first paragraph for `-h`, all of them for `--help`.
//!
//! # Where things are
//!
//! | module | commands |
//! |---|---|
//! | `key` | `key new`, `list`, `revoke`, `rotate`, `verify` |
//! | `token` | `token mint`, `inspect`, `revoke` |
//! | `limits` | `limits show`, `reset`, `budgets` |
//! | `try_command` | `try address`, `try key`, `try request`, `try text`, `try token` |
//! | `inspect` | `inspect rules` |
//! | `audit` | `audit verify`, `query`, `report`, `export`, `acknowledge`, `key` |
//! | `cert` | `cert issue`, `show` |
//! | `doctor` | `doctor` |
//! | `check` | `check` |
//! | `gateway` | `gateway` |
//! | `config` | `config schema` |
//! | `documents` | `completions`, `man` |
//!
//! Each command is a type of clap with a method `run`. It does its work through the public API of the
//! library crates, so a program can do the same without the command. The command adds arguments, text and exit
//! codes.
//!
//! # Secrets
//!
//! No command takes a key or a token as an argument: arguments are in the list of processes and in the
//! history of a shell. Secrets come from files or from standard input. The one exception is the
//! address of a store (`--redis`), for which `--redis-file` exists. Files that hold secrets are
//! created with mode 0600.
//!
//! # Contract for scripts
//!
//! - Standard output has the result and nothing else. A closed pipe is no error.
//! - Standard error has notes, and one line `error: …` if the command could not be carried out.
//! - Exit codes do not change their meaning. A new result of a command gets one of the four.
//! - `--json` prints one JSON document, or one object a line where input is read line by line.
//!   Members may be added; none changes its meaning.
//! - Tables for people may change with any version.
//! - No command asks a question, so none waits for a person. Input is read only where the help says
//!   so.
//!
//! # Which commands use the network
//!
//! | commands | network |
//! |---|---|
//! | `key`, `token`, `audit`, `try`, `inspect`, `cert show`, `config`, `completions`, `man` | none |
//! | `limits` | the store that is named |
//! | `cert issue` | the authority of the configuration |
//! | `check` | the host that is named |
//! | `doctor` | the store and the upstreams of the configuration, and the server of `--time-source` |
//! | `gateway` | serves; contacts the upstream and what the configuration names |

mod audit;
mod cert;
mod doctor;
mod check;
mod gateway;
mod config;
mod documents;
mod inspect;
mod key;
mod limits;
mod token;
mod try_command;
mod token_decision;
mod key_scheme;
mod clock_skew;
mod owner;
mod user;
mod moment;
mod secret_file;
mod failure;
mod output;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Makes and revokes API keys, mints development tokens, shows limits, reads and verifies audit
/// trails, orders certificates, and protects a service in any language.
///
/// Results go to standard output, notes and errors to standard error. Keys and tokens are read from
/// files or standard input.
#[derive(Parser)]
#[command(name = "palisade", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  palisade key new --store keys.toml --pepper pepper --scope tts:speak --expires 90d
  palisade key list --store keys.toml
  palisade token mint --key dev.pem --issuer https://dev.test --audience tts --subject lin
  palisade limits show --redis-file redis.url --hash-key limits.key --limit tts=10/minute --client 203.0.113.7
  palisade try token --jwks issuer.jwks --issuer https://login.example --audience tts < token.txt
  palisade try text --preset prompt --mask all < texts.jsonl
  palisade audit verify audit.jsonl
  palisade audit query audit.jsonl --principal anna --since 24h
  palisade cert issue --config server.toml --dry-run
  palisade gateway --upstream http://127.0.0.1:5000 --text text
  palisade check 'https://voice.example/tts?text=hello'
  palisade doctor --config server.toml

`palisade COMMAND --help` has more. Exit codes: 0 done, 1 the result is no, 2 it could not be done,
3 the audit trail has incidents that an operator must check.";

#[derive(Subcommand)]
enum Command {
    /// API keys in a TOML file
    ///
    /// New keys are printed once, their digests are stored. Running services read the store again within a
    /// second after a change.
    #[command(subcommand)]
    Key(key::Command),
    /// JSON Web Tokens: for development, shown, revoked
    ///
    /// Tokens for production come from an identity provider. This command signs tokens for development,
    /// shows the content of any token, and revokes tokens before they expire.
    #[command(subcommand)]
    Token(token::Command),
    /// Rate limits in Redis or Valkey
    ///
    /// Shows what a client, a principal or an owner has left, and resets it. Limits in the memory of a
    /// service cannot be reached.
    #[command(subcommand)]
    Limits(limits::Command),
    /// What a service would decide about a key, token, text, request or address
    ///
    /// They are read from standard input, one a line. The decision is that of the layers, made with
    /// the same code. Nothing is recorded and no limit is charged.
    #[command(subcommand)]
    Try(try_command::Command),
    /// Rules of a web application firewall
    ///
    /// Checks a folder of rules before a service uses it. Thirteen rules are shipped; the OWASP Core Rule Set
    /// is not: it is at https://coreruleset.org.
    #[command(subcommand)]
    Inspect(inspect::Command),
    /// Audit trails
    ///
    /// Verifies, searches, exports and reports on the files that a service writes. No command changes a
    /// record.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Certificates from an authority (`[server.acme]`)
    ///
    /// Uses the configuration file and the cache of the service (ACME, RFC 8555).
    #[command(subcommand)]
    Cert(cert::Command),
    Check(check::Command),
    Doctor(doctor::Command),
    Gateway(Box<gateway::Command>),
    /// The configuration file
    #[command(subcommand)]
    Config(config::Command),
    Completions(documents::Completions),
    Man(documents::Man),
}

/// Runs the command and returns its exit code. clap itself ends with 2 after wrong arguments.
///
/// Only `main` ends the process, so destructors of the commands run: locks are released and buffers
/// written.
///
/// A panic would give the exit code 101. It is a fault of the program and no result.
fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Key(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Limits(command) => command.run(),
        Command::Try(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Cert(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Gateway(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Completions(command) => command.run(Arguments::command()),
        Command::Man(command) => command.run(Arguments::command()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.print_and_exit_code(),
    }
}
