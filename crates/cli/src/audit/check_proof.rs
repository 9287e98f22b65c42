//! `palisade audit check-proof`: checks a proof with the key of the checkpoints, without the trail.
//!
//! The first line of the output says what is proven. The second one is the record, if the proof is about
//! one: only what the proof covers, so without the chain hash.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use palisade_audit::{Proof, ProvenFact};

use super::verify::CheckpointKeys;
use crate::{failure::Failure, output};

/// The most bytes of a proof: it holds one record of 32 KiB at most, escaped.
const MAX_BYTES: u64 = 1024 * 1024;

const EXAMPLES: &str = "\
Exit code 0: proven. 1: not proven; the reason is printed. 2: the file could not be read, or is no proof.

With --checkpoints, the checkpoint of the proof must also be in that file, such as the one that `palisade audit witness`
writes on another machine. Then the holder of the signing key cannot have made a second trail for the proof.

Examples:
  palisade audit check-proof record-1042.json --checkpoint-key checkpoint.key.pub
  palisade audit check-proof record-1042.json --checkpoint-key checkpoint.key.pub --checkpoints witness.checkpoints";

/// Checks a proof that `palisade audit prove` wrote
///
/// Needs the proof and the key of the checkpoints. Prints the record, which is what the proof is about.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckProof {
    /// The file of the proof
    file: PathBuf,
    #[command(flatten)]
    keys: CheckpointKeys,
    /// A file that must hold the checkpoint of the proof
    ///
    /// Both checkpoints, for a proof of consistency. Default: the signature is enough.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

impl CheckProof {
    /// Checks the proof and prints what it shows. Exit code 1 if it does not hold.
    ///
    /// # Errors
    ///
    /// Exit code 1: the proof does not hold. Exit code 2: a file cannot be read, or is no proof.
    pub(super) fn run(self) -> Result<(), Failure> {
        let proof = Proof::from_json(&read(&self.file)?)?;
        let fact = match proof.check(&self.keys.verify_options()?) {
            Ok(fact) => fact,
            Err(refuted) if refuted.is_refutation() => return not_proven(&refuted),
            Err(problem) => return Err(problem.into()),
        };
        if let Some(file) = &self.checkpoints
            && !has_lines(file, proof.checkpoints())?
        {
            return not_proven(&format_args!(
                "the checkpoint of the proof is not in {}",
                file.display()
            ));
        }
        self.keys.warn_without_key();
        Ok(output::print_result(describe_fact(&fact))?)
    }
}

/// Prints why a proof does not hold.
///
/// # Errors
///
/// Always exit code 1.
fn not_proven(reason: &dyn std::fmt::Display) -> Result<(), Failure> {
    output::print_result(format_args!("not proven: {reason}"))?;
    Err(Failure::No)
}

/// Reads the text of a proof.
///
/// # Errors
///
/// The file cannot be read, or is not UTF-8.
fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(file).and_then(|it| it.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(problem) => Err(Failure::new(format_args!(
            "cannot read {}: {problem}",
            file.display()
        ))),
    }
}

/// Returns whether a file has all lines.
///
/// # Errors
///
/// The file cannot be read. A file that lacks a line is no error.
fn has_lines<'a>(file: &Path, mut lines: impl Iterator<Item = &'a str>) -> Result<bool, Failure> {
    let text = fs::read_to_string(file).map_err(|problem| {
        Failure::new(format_args!("cannot read {}: {problem}", file.display()))
    })?;
    Ok(lines.all(|line| text.lines().any(|known| known == line)))
}

/// Says what is proven. Texts from the file are escaped.
fn describe_fact(fact: &ProvenFact) -> String {
    match fact {
        ProvenFact::Record {
            trail,
            number,
            of,
            record,
        } => format!(
            "proven: record {number} is one of the first {of} of trail {}\n{record}",
            trail.escape_debug()
        ),
        ProvenFact::Consistency {
            trail,
            first,
            second,
        } => format!(
            "proven: the first {second} records of trail {} begin with its first {first}, unchanged",
            trail.escape_debug()
        ),
        _ => "proven".to_owned(),
    }
}
