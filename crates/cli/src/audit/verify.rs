//! `palisade audit verify`: checks the hash chain, the signatures and the checkpoints of a trail.
//!
//! The report goes to standard output, for people or with `--json` for programs. The exit code is
//! 0, 1 or 3; an unreadable file is 2.
//!
//! What each finding proves, and what not:
//!
//! - Without a key, the chain shows accidents and careless changes. An attacker who can write the file
//!   can compute all hashes again.
//! - With a key, a record cannot be changed, moved or removed from the middle without being found.
//! - With checkpoints or an anchor, a cut end is found too.
//!
//! # Output for people
//!
//! First one line for each finding: `not intact:`, `incident:` or `acknowledged by NAME:`, then
//! file, line, record and reason. Then the outcome with the numbers of records, requests and files;
//! one line for each count that is not zero; remarks about a trail that is not closed, has no
//! checkpoints or no key; and last `anchor SEQUENCE:HASH`.
//!
//! Note the anchor on another machine. Given to a later run with `--anchor`, it proves that nothing
//! up to that record was cut off or written again.

use std::{
    fs::File,
    io::{self, BufReader},
    path::PathBuf,
};

use clap::Args;
use palisade_audit::{
    Anchor, AuditKey, CheckpointPublicKey, VerifyError, VerifyOptions, VerifyOutcome, VerifyReport,
    verify, verify_file,
};

use super::verify_report::{report_document, report_summary};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Rotated parts beside the file are verified with it, oldest first. Checkpoints are read from FILE.checkpoints, if it is
there: they show that the end was cut off. The server may be running. Parts that end with .zst are decompressed.

FILE may be one part that ends with .zst, or - for standard input, plain or compressed. Then it is verified alone, and
checkpoints are read only if they are named.

Exit code 0: intact. 1: records were altered, removed or forged; all findings are listed. 2: it could not be read, or was
written with another key. 3: incidents that an operator must check; `palisade audit acknowledge` settles them.

Examples:
  palisade audit verify audit.jsonl
  palisade audit verify audit.jsonl --key audit.key --json
  ssh server cat audit.00000000000000000001.jsonl.zst | palisade audit verify - --key audit.key
  palisade audit verify audit.jsonl --checkpoints /mnt/witness/audit.checkpoints --checkpoint-key checkpoint.key.pub
  palisade audit verify audit.jsonl --anchor 1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Checks that every record is what was written, in its place, and none is missing
///
/// Run it from time to time, and before you rely on a record. The last line is the anchor: note it
/// elsewhere, and give it to a later run.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    trail: Trail,
    /// A record that must be there, as an earlier run named it
    ///
    /// The number and the hash of a record. A trail that was cut off before it, or written again, is not intact.
    #[arg(long, value_name = "SEQUENCE:HASH")]
    anchor: Option<Anchor>,
    /// Prints one JSON object
    ///
    /// For programs: all counts and findings, with the same outcome and exit code.
    #[arg(long)]
    json: bool,
}

/// A trail, and the keys and checkpoints it is verified with.
///
/// Shared by `verify`, `report` and `acknowledge`.
#[derive(Args)]
pub(super) struct Trail {
    /// The file of the trail
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) keys: CheckpointKeys,
    /// The file with the checkpoints of the trail, if it is not FILE.checkpoints
    ///
    /// A copy on another machine is better evidence than the file beside the trail.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

/// The keys of a trail and of its checkpoints.
///
/// Shared by all commands that check signatures.
#[derive(Args)]
pub(super) struct CheckpointKeys {
    /// The key that the trail was written with
    ///
    /// Without it only the chain is checked, which does not stop an attacker who can write the file. With
    /// another key the result is an error, not a finding.
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// The public key that checks the checkpoints, if they have a separate key
    ///
    /// The file with .pub at its end that `palisade audit key` made.
    #[arg(long, value_name = "FILE")]
    checkpoint_key: Option<PathBuf>,
}

impl CheckpointKeys {
    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// Fails if a key file cannot be read or does not hold such a key.
    pub(super) fn verify_options(&self) -> Result<VerifyOptions, Failure> {
        let mut options = VerifyOptions::new();
        if let Some(key) = &self.key {
            options = options.key(AuditKey::from_file(key)?);
        }
        if let Some(key) = &self.checkpoint_key {
            options = options.checkpoint_key(CheckpointPublicKey::from_file(key)?);
        }
        Ok(options)
    }

    /// Tells the user that signatures are only checksums, if no key was given.
    pub(super) fn warn_without_key(&self) {
        if self.key.is_none() && self.checkpoint_key.is_none() {
            output::print_note("no key: the signatures are checksums, which anyone can compute");
        }
    }
}

impl Trail {
    /// Reads the keys. Fails if one of them cannot be read.
    ///
    /// Files that are not named are found beside the trail: its checkpoints, its acknowledgements.
    ///
    /// # Errors
    ///
    /// Fails if a key file cannot be read or does not hold such a key.
    pub(super) fn verify_options(&self) -> Result<VerifyOptions, Failure> {
        let options = self.keys.verify_options()?;
        Ok(match &self.checkpoints {
            Some(checkpoints) => options.checkpoints(checkpoints),
            None => options,
        })
    }

    /// Verifies the trail. Problems of the trail are findings of the report; an unreadable file is
    /// a failure.
    ///
    /// The trail is read line by line. The report lists a bounded number of findings and counts all.
    ///
    /// # Errors
    ///
    /// A file or a key cannot be read.
    pub(super) fn verify_files(&self, options: &VerifyOptions) -> Result<VerifyReport, Failure> {
        verify_file(&self.file, options).map_err(|problem| match problem {
            VerifyError::Io(problem) => Failure::new(format_args!(
                "cannot read {}: {problem}",
                self.file.display()
            )),
            problem => problem.into(),
        })
    }
}

impl Verify {
    /// Prints the report. Exit code 0 if the trail is intact, 3 with incidents, otherwise 1.
    ///
    /// With `--json` the report is one line, so that a log collector can take it.
    ///
    /// # Errors
    ///
    /// Exit code 1 or 3 by the result. Exit code 2: a file or a key cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut options = self.trail.verify_options()?;
        if let Some(anchor) = self.anchor {
            options = options.anchor(anchor);
        }
        let report = self.verify(&options)?;
        let text = match self.json {
            true => report_document(&report).to_string(),
            false => report_summary(&report),
        };
        output::print_result(text)?;
        match report.outcome() {
            VerifyOutcome::Intact => Ok(()),
            VerifyOutcome::Incidents => Err(Failure::Incidents),
            _ => Err(Failure::No),
        }
    }
}

impl Verify {
    /// Verifies the trail, or one stream of records: standard input, or a part that is compressed.
    fn verify(&self, options: &VerifyOptions) -> Result<VerifyReport, Failure> {
        let file = &self.trail.file;
        let read = if file.as_os_str() == "-" {
            verify(io::stdin().lock(), options)
        } else if file.extension().is_some_and(|end| end == "zst") {
            let part = File::open(file).map_err(VerifyError::from);
            part.and_then(|part| verify(BufReader::new(part), options))
        } else {
            return self.trail.verify_files(options);
        };
        read.map_err(|problem| match problem {
            VerifyError::Io(problem) => {
                Failure::new(format_args!("cannot read {}: {problem}", file.display()))
            }
            problem => problem.into(),
        })
    }
}
