//! The `palisade` command: API keys, development tokens, limits, audit trails and certificates.
//!
//! Exit codes:
//!
//! - 0: done.
//! - 1: the result is "no": a trail is not intact, a service cannot use its files, an authority
//!   issues no certificate.
//! - 2: the command could not be carried out.
//! - 3: the audit trail has incidents that somebody must check.
//!
//! Results go to standard output, everything else to standard error. The `///` comments on the
//! types of clap are the help text.

mod audit;
mod cert;
mod key;
mod limits;
mod token;
mod try_command;
mod moment;
mod secret_file;
mod failure;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;

/// Makes and revokes API keys, mints development tokens, shows limits, reads and verifies audit
/// trails, orders certificates.
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
  palisade audit verify audit.jsonl
  palisade audit query audit.jsonl --principal anna --since 24h
  palisade cert issue --config server.toml --dry-run

`palisade COMMAND --help` has more. Exit codes: 0 done, 1 the answer is no, 2 it could not be done,
3 the audit trail has incidents that somebody must look at.";

#[derive(Subcommand)]
enum Command {
    /// API keys in a TOML file
    #[command(subcommand)]
    Key(key::Command),
    /// JSON Web Tokens: for development, shown, revoked
    #[command(subcommand)]
    Token(token::Command),
    /// Rate limits in Redis or Valkey
    #[command(subcommand)]
    Limits(limits::Command),
    /// What a service would decide about a key or token
    #[command(subcommand)]
    Try(try_command::Command),
    /// Audit trails
    #[command(subcommand)]
    Audit(audit::Command),
    /// Certificates from an authority (`[server.acme]`)
    #[command(subcommand)]
    Cert(cert::Command),
}

/// Runs the command and returns its exit code. clap itself ends with 2 after wrong arguments.
fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Key(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Limits(command) => command.run(),
        Command::Try(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Cert(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
