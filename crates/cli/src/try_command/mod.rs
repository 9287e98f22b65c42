//! `palisade try`: what a service would decide about a credential, a text, a request or an address.
//!
//! One credential, text or request a line is read from standard input, so that none is in the list of
//! processes or in a shell's history. One JSON object a line is printed.
//!
//! For the question of a client, "why is my key refused": a service gives one response for all
//! causes, and this command names the cause. The output holds the principal, never the credential.

mod address;
mod key;
mod request;
mod text;
mod token;
mod json_text;

use std::io::{self, BufRead};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{Failure, output};

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

/// A decision about one credential.
///
/// Printed as one JSON object: `{"accepted":true,"principal":{…}}`, or
/// `{"accepted":false,"code":"expired","reason":"…"}`.
enum Decision {
    /// The members of the principal.
    Accepted(Value),
    /// A stable code, and a sentence for people.
    Refused { code: &'static str, reason: String },
}

/// Decides about each credential of standard input, and prints a decision for each.
fn decide_each_line(decide: impl Fn(&[u8]) -> Decision) -> Result<(), Failure> {
    each_line(|credential| match decide(credential) {
        Decision::Accepted(principal) => json!({ "accepted": true, "principal": principal }),
        Decision::Refused { code, reason } => {
            json!({ "accepted": false, "code": code, "reason": reason })
        }
    })
}

/// Prints one object for each line of standard input.
///
/// The exit code is 0 whatever was decided; an error is an input or output that failed.
///
/// Lines are bytes, not text: a credential may be anything. A carriage return at the end is removed, for
/// files from other systems, and so is a byte order mark at the start of the input.
fn each_line(decide: impl Fn(&[u8]) -> Value) -> Result<(), Failure> {
    for (index, line) in io::stdin().lock().split(b'\n').enumerate() {
        let line = line?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let without_mark = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| index == 0);
        output::result(decide(without_mark.unwrap_or(line)))?;
    }
    Ok(())
}
