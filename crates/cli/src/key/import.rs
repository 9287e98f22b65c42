//! `palisade key import`: takes over keys of another system by their SHA-256.
//!
//! One SHA-256 in 64 hexadecimal digits a line of standard input. The ids of the records go to standard
//! output, in the same order. All keys are stored in one change of the file, or none; in Redis one after the other.
//!
//! The store gets a digest of the SHA-256 under the pepper. The SHA-256 itself is not stored: with it a
//! guess could be tested without the pepper.
//!
//! Exit code 0 if all keys are stored, otherwise 2.

use std::io::{self, Read};

use clap::Args;
use palisade_internal::hex;

use super::{files::Scheme, grant::GrantOptions, store::Store};
use crate::{failure::Failure, moment::now, output};

const EXAMPLES: &str = "\
The service accepts these keys only with dangerously_accept_imported_keys = true in [keys]. Import digests of random
keys alone: a password, or a key with fewer than 128 random bits, can be guessed. `palisade key rotate` gives such a
key the form of all others.

Examples:
  palisade key import --store keys.toml --pepper pepper --owner acme --scope tts:speak < digests.txt
  printf %s \"$KEY\" | sha256sum | cut -d' ' -f1 | palisade key import --store keys.toml --pepper pepper";
/// In bytes: a million keys.
const LARGEST_INPUT: usize = 65 * 1024 * 1024;

/// Takes over keys of another system, by the SHA-256 of each
///
/// Reads one SHA-256 in hexadecimal a line from standard input, and prints the id of each key. All of them get
/// the same grant.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    #[command(flatten)]
    store: Store,
    #[command(flatten)]
    scheme: Scheme,
    #[command(flatten)]
    grant: GrantOptions,
}

impl Import {
    /// Stores all keys in one change, and prints their ids.
    ///
    /// # Errors
    ///
    /// A line is no SHA-256, a key is there already, or the store cannot be written. A file is not changed then.
    pub(super) fn run(self) -> Result<(), Failure> {
        let now = now();
        let digests = read_digests(io::stdin().lock(), LARGEST_INPUT)?;
        if digests.is_empty() {
            return Err(Failure::new("standard input has no SHA-256"));
        }
        // Before a store or a pepper is made.
        let grant = self.grant.make_grant(now)?;
        let (scheme, store) = self.scheme.open_or_create(&self.store)?;
        let records = digests.iter().map(|sha256| {
            let imported = scheme.dangerously_import_sha256(*sha256, grant.clone(), now);
            imported.map_err(Failure::new)
        });
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<String> = records
            .iter()
            .map(|record| record.id().to_string())
            .collect();
        store.insert(&records)?;
        Ok(output::print_result(ids.join("\n"))?)
    }
}

/// Reads one digest a line. Empty lines are left out.
///
/// # Errors
///
/// The input is longer than `limit` bytes, or a line is no SHA-256. The error does not repeat the line: it may be
/// a key.
fn read_digests(input: impl Read, limit: usize) -> Result<Vec<[u8; 32]>, Failure> {
    let mut text = String::new();
    // One byte more: input that is cut off would be taken for all of it.
    let read = input.take(limit as u64 + 1).read_to_string(&mut text);
    if read.map_err(Failure::new)? > limit {
        let problem = format!("standard input has more than {limit} bytes: import in parts");
        return Err(Failure::new(problem));
    }
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            let mut digest = [0; 32];
            match hex::decode_any_case(line, &mut digest) {
                true => Ok(digest),
                false => Err(Failure::new(format!(
                    "line {} is no SHA-256: write 64 hexadecimal digits",
                    index + 1
                ))),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_that_is_too_long_is_refused_and_not_cut_off() {
        let line = format!("{}\n", "ab".repeat(32));
        let input = line.repeat(3);
        let limit = line.len() * 2;
        assert!(read_digests(input.as_bytes(), limit).is_err());
        assert_eq!(
            read_digests(&input.as_bytes()[..limit], limit)
                .unwrap()
                .len(),
            2
        );
        assert!(read_digests(&b"abc\n"[..], limit).is_err());
    }
}
