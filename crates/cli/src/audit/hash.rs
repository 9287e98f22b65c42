//! `palisade audit hash`: prints what a trail shows in place of a value, to search for it.
//!
//! The key is that of `[audit] correlation_key`. With the keys of earlier times there is a code for each of them.
//! Nothing is written.

use std::{
    io::{self, BufRead as _, Read as _},
    path::PathBuf,
};

use clap::Args;
use palisade_audit::{AuditKey, CorrelatedField};

use crate::{failure::Failure, output};

/// The longest value that is read from standard input.
const MAX_VALUE: u64 = 64 * 1024;

const EXAMPLES: &str = "\
A line for each key: the code, and the public identifier of the key, as in the member hmac_key of records. After the key
was rotated, name the old ones too.

A value on the command line can be seen by other users of the machine, and stays in the history of the shell. Without a
value, one line is read from standard input.

Examples:
  printf anna | palisade audit hash --key correlation.key --field principal
  palisade audit query audit.jsonl --principal hmac:4f0c… --since 30d
  palisade audit hash --key correlation.key --key old.key --field query.user < value.txt
  echo 203.0.113.7 | palisade audit hash --key correlation.key --field client";

/// Prints the code that a trail shows in place of a value
///
/// To find the records about a person, a device or an address in a trail with codes or pseudonyms.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Hash {
    /// A file with the key of the codes; may be given several times
    ///
    /// That of correlation_key in the configuration, and earlier ones.
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// What the value is: header.NAME, query.NAME, principal, credential, owner, note, client or path
    ///
    /// The same value has another code in each of them. client is an address, path one without a known route.
    #[arg(long, value_name = "FIELD")]
    field: CorrelatedField,
    /// The value. Default: a line of standard input
    ///
    /// As the client sent it, decoded if it is a query parameter.
    value: Option<String>,
}

impl Hash {
    /// Prints a code for each key.
    ///
    /// # Errors
    ///
    /// A key or standard input cannot be read, or the value of `client` is no address.
    pub(super) fn run(self) -> Result<(), Failure> {
        let value = match self.value {
            Some(value) => value,
            None => line_of_input()?,
        };
        for file in &self.key {
            let key = AuditKey::from_file(file)?;
            let code = self.field.code(&key, &value)?;
            output::print_result(format_args!("{code}  {}", key.id()))?;
        }
        Ok(())
    }
}

/// Reads a line, without its end.
///
/// # Errors
///
/// It cannot be read, is longer than 64 KiB, or is no text.
fn line_of_input() -> Result<String, Failure> {
    let mut line = String::new();
    let input = io::stdin().lock();
    let read = input.take(MAX_VALUE + 1).read_line(&mut line);
    let read = read
        .map_err(|problem| Failure::new(format_args!("cannot read standard input: {problem}")))?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_VALUE) {
        return Err(Failure::new("the value is longer than 64 KiB"));
    }
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}
