//! `palisade audit prove`: writes a proof about a trail that others can check without the trail.
//!
//! The proof is a small JSON document. It goes to standard output, or to a new file with `--output`.
//! The trail is read once, up to the checkpoint of the proof.

use std::{fs, path::PathBuf};

use clap::{ArgGroup, Args};
use palisade_audit::{Proof, prove_consistency, prove_record};

use super::verify::Trail;
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
A proof of a record holds its line, a signed checkpoint, and one hash for each doubling of the trail: about two
kilobytes. Who checks it needs the public key of the checkpoints, and neither the trail nor its key. A proof of
consistency shows that the trail of one checkpoint begins with that of an earlier one.

The proof is checked before it is written. Exit code 0: it is written. 2: it could not be made, or does not hold.

Examples:
  palisade audit prove audit.jsonl --record 1042 --checkpoint-key checkpoint.key.pub --output record-1042.json
  palisade audit prove audit.jsonl --from 10000 --checkpoint-key checkpoint.key.pub";

/// Writes a proof that a record is in the trail, or that the trail begins with an earlier one
///
/// The hashes are those of RFC 9162 (certificate transparency). Run `palisade audit check-proof` on it.
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("claim").required(true).args(["record", "from"]))]
pub(crate) struct Prove {
    #[command(flatten)]
    trail: Trail,
    /// The record to prove
    ///
    /// Its number, as `palisade audit query --json` shows it in the member seq.
    #[arg(long, value_name = "NUMBER")]
    record: Option<u64>,
    /// The record of an earlier checkpoint, to prove that nothing before it was changed since
    ///
    /// The member seq of the checkpoint.
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// The record of the checkpoint that signs the proof
    ///
    /// Default: with --record the first checkpoint that covers the record, with --from the latest one.
    #[arg(long, value_name = "NUMBER")]
    at: Option<u64>,
    /// The file of the proof; it is replaced. Default: standard output
    ///
    /// It holds the record: protect it as the trail.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Prove {
    /// Makes and writes the proof.
    ///
    /// # Errors
    ///
    /// The trail, a checkpoint or the key cannot be read, or the record is not covered by a checkpoint.
    pub(super) fn run(self) -> Result<(), Failure> {
        let text = self.make_proof()?.to_json();
        let Some(file) = &self.output else {
            return Ok(output::print_result(text)?);
        };
        fs::write(file, text + "\n").map_err(|problem| {
            Failure::new(format_args!("cannot write {}: {problem}", file.display()))
        })
    }

    /// Makes the proof that was asked for. clap demands one of the two.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    fn make_proof(&self) -> Result<Proof, Failure> {
        let (file, options) = (&self.trail.file, self.trail.verify_options()?);
        Ok(match (self.record, self.from) {
            (Some(record), _) => prove_record(file, record, self.at, &options)?,
            (None, from) => prove_consistency(file, from.unwrap_or_default(), self.at, &options)?,
        })
    }
}
