//! `palisade try`: what a service would decide about a credential, a text, a request or an address.
//!
//! One credential, text or request a line is read from standard input, so that none is in the list of
//! processes or in a shell's history. One JSON object a line is printed.
//!
//! For the question of a client, "why is my key refused": a service gives one response for all
//! causes, and this command names the cause. The output holds the principal, never the credential.
//!
//! | command | input, one a line | output, one object a line |
//! |---|---|---|
//! | `try address` | a JSON object: `peer`, `headers`, `scheme` | `address`, `scheme`, `hops`; or `refused` and `detail` |
//! | `try key` | a key | `accepted` and `principal`; or `code` and `reason` |
//! | `try request` | a JSON object: `method`, `uri`, `headers`, `data` | `rules`, `score`, `refused` |
//! | `try text` | a JSON string | `text` and `report`; or `refused` and `detail` |
//! | `try token` | a token | `accepted` and `principal`; or `code` and `reason` |
//!
//! Exit code 0 whatever is decided, and 2 if an argument, a file or the output fails. `try request`
//! also ends with 2 at a line that is no request, since it is made for test suites, in which such a
//! line is a mistake.
//!
//! Nothing is recorded, no limit is charged and no guess is counted. Nothing is sent over the network,
//! except by `try token --config` what the service would send: it fetches keys, and asks an issuer about
//! opaque tokens.

mod address;
mod key;
mod request;
mod text;
mod token;
mod json_text;

use std::io::{self, BufRead};

use clap::Subcommand;
use serde_json::Value;

use crate::{failure::Failure, output, token_decision::Decision};

/// U+FEFF in UTF-8, with which some editors begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What can be tried.
///
/// All read lines from standard input and have the exit code 0 whatever is decided.
#[derive(Subcommand)]
pub(crate) enum Command {
    Address(address::TryAddress),
    Key(key::TryKey),
    Request(request::TryRequest),
    Text(text::TryText),
    Token(token::TryToken),
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Address(command) => command.run(),
            Self::Key(command) => command.run(),
            Self::Text(command) => command.run(),
            Self::Request(command) => command.run(),
            Self::Token(command) => command.run(),
        }
    }
}

/// Decides about each credential of standard input, and prints a decision for each.
///
/// # Errors
///
/// Standard input or output cannot be used.
fn decide_each_line(decide: impl Fn(&[u8]) -> Decision) -> Result<(), Failure> {
    each_line(|credential| decide(credential).to_json())
}

/// Prints one object for each line of standard input.
///
/// The exit code is 0 whatever was decided; an error is an input or output that failed.
///
/// Lines are bytes, not text: a credential may be anything. A carriage return at the end is removed, for
/// files from other systems, and so is a byte order mark at the start of the input.
///
/// An empty line is a line like any other. Each result is flushed, so the command can be used in a
/// dialogue.
///
/// # Errors
///
/// Fails if standard input cannot be read or standard output cannot be written. A closed pipe is no
/// error.
fn each_line(decide: impl Fn(&[u8]) -> Value) -> Result<(), Failure> {
    for (index, line) in io::stdin().lock().split(b'\n').enumerate() {
        let line = line?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let without_mark = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| index == 0);
        output::print_json(&decide(without_mark.unwrap_or(line)))?;
    }
    Ok(())
}
