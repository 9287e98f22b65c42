//! `palisade audit witness`: keeps the checkpoints of another machine, and refuses what contradicts them.
//!
//! Lines come from standard input, or from a file that is followed. Each accepted line is appended to the file of the
//! witness and synced before it is printed. At the first line that contradicts the ones before, the command ends with
//! exit code 1 and writes nothing of it.
//!
//! The file of the witness is a checkpoint file like that of the server: `palisade audit verify --checkpoints` reads it.

use std::{
    fs::{File, TryLockError},
    io::{self, BufRead, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use palisade_audit::{Witness as Checkpoints, WitnessAccepted};
use palisade_internal::private_file;

use super::{followed_file::FollowedFile, verify::CheckpointKeys};
use crate::{failure::Failure, output};

/// The most bytes of a line. No checkpoint is longer.
const MAX_LINE: u64 = 8192;

const EXAMPLES: &str = "\
Run it on a machine that the administrators of the server cannot change. A checkpoint is accepted if it is signed, is
about the same trail, and proves that its trail begins with that of the latest accepted one. Otherwise the command ends:

Exit code 0: the input ended. 1: a checkpoint was refused as rolled back, forked, not proven, forged, or of another
trail; find out why before you start it again. 2: a file could not be read or written.

Examples:
  ssh audit@server tail -n +1 -F /var/lib/tts/audit.jsonl.checkpoints | palisade audit witness witness.checkpoints --checkpoint-key checkpoint.key.pub
  palisade audit witness witness.checkpoints --checkpoint-key checkpoint.key.pub --follow received.checkpoints
  palisade audit verify audit.jsonl --checkpoints witness.checkpoints --checkpoint-key checkpoint.key.pub";

/// Keeps the checkpoints of another machine and refuses a rollback or a fork
///
/// Lines that were accepted before are skipped, so the sender can begin with its first line again.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Witness {
    /// The file that accepted checkpoints are appended to
    ///
    /// It is made if it is missing, and read at each start. One command writes it.
    file: PathBuf,
    #[command(flatten)]
    keys: CheckpointKeys,
    /// Reads this file and what is appended to it, instead of standard input
    ///
    /// For checkpoints that another program copies to this machine. The command then runs until it is stopped.
    #[arg(long, value_name = "FILE")]
    follow: Option<PathBuf>,
    /// Accepts checkpoints without a proof too
    ///
    /// After you found out why there is none: checkpoints were lost, or the trail was restored. A fork is then
    /// found only where it has a checkpoint at the same record.
    #[arg(long)]
    allow_unproven: bool,
}

impl Witness {
    /// Reads lines until the input ends. Exit code 1 at the first one that is refused.
    ///
    /// # Errors
    ///
    /// Exit code 1: a checkpoint contradicts those that were accepted. Exit code 2: a file cannot be used.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut witness = Checkpoints::new(&self.keys.verify_options()?);
        let mut file = self.open(&mut witness)?;
        witness.allow_unproven(self.allow_unproven);
        self.keys.warn_without_key();
        let (mut input, mut line) = (Input::open(self.follow.as_deref())?, Vec::new());
        while input.next_line(&mut line)? {
            match witness.accept(&line) {
                Ok(WitnessAccepted::New {
                    record,
                    proven_since,
                }) => {
                    line.push(b'\n');
                    file.write_all(&line)
                        .and_then(|()| file.sync_data())
                        .map_err(|problem| unusable_file(&self.file, &problem))?;
                    output::print_result(describe_accepted(record, proven_since))?;
                }
                Ok(WitnessAccepted::NoCheckpoint) if !line.is_empty() => {
                    output::print_note("ignored a line that is no checkpoint");
                }
                Ok(_) => {}
                Err(refusal) => {
                    output::print_note(format_args!("refused: {refusal}"));
                    return Err(Failure::No);
                }
            }
        }
        Ok(())
    }

    /// Opens the file of the witness, alone, and reads what was accepted before.
    ///
    /// # Errors
    ///
    /// Another command has the file open, it cannot be read or written, or one of its lines is no checkpoint.
    fn open(&self, witness: &mut Checkpoints) -> Result<File, Failure> {
        let unusable = |problem: io::Error| unusable_file(&self.file, &problem);
        let mut options = private_file::options();
        let options = options.read(true).append(true).create(true);
        // A link that another user made could lead to any file.
        let path = private_file::follow_links(&self.file).map_err(unusable)?;
        let mut file = options.open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format_args!(
                    "another process writes {}",
                    self.file.display()
                )));
            }
            Err(TryLockError::Error(problem)) => return Err(unusable(problem)),
        }
        private_file::sync_folder(&self.file).map_err(unusable)?;
        // An operator who accepted a line without a proof decided that before.
        witness.allow_unproven(true);
        let (mut reader, mut line, mut number) = (BufReader::new(&file), Vec::new(), 0_u64);
        let mut ends_whole = true;
        while read_line(&mut reader, &mut line).map_err(unusable)? {
            number += 1;
            ends_whole = line.ends_with(b"\n");
            witness.accept(line.trim_ascii_end()).map_err(|refusal| {
                Failure::new(format_args!(
                    "{}, line {number}: {refusal}",
                    self.file.display()
                ))
            })?;
        }
        if !ends_whole {
            // A power cut has torn the last line: the next one must not be torn with it.
            file.write_all(b"\n").map_err(unusable)?;
        }
        Ok(file)
    }
}

/// Says what was accepted.
fn describe_accepted(record: u64, proven_since: Option<u64>) -> String {
    match proven_since {
        Some(since) => format!("accepted: record {record}, proven since record {since}"),
        None => format!("accepted: record {record}, without a proof"),
    }
}

/// Returns the failure for the file of the witness.
fn unusable_file(file: &Path, problem: &io::Error) -> Failure {
    Failure::new(format_args!("cannot use {}: {problem}", file.display()))
}

/// Where lines come from.
enum Input {
    Followed(FollowedFile),
    Standard(io::StdinLock<'static>),
}

impl Input {
    /// Opens the file that is followed, or standard input.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or its folder cannot be watched.
    fn open(followed: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = followed else {
            return Ok(Self::Standard(io::stdin().lock()));
        };
        FollowedFile::open(file)
            .map(Self::Followed)
            .map_err(|problem| {
                Failure::new(format_args!("cannot follow {}: {problem}", file.display()))
            })
    }

    /// Reads the next line without its end. Returns false at the end of the input.
    ///
    /// # Errors
    ///
    /// The input cannot be read.
    fn next_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        let more = match self {
            Self::Standard(input) => read_line(input, line)?,
            Self::Followed(file) => {
                file.read_line(MAX_LINE, line)?;
                true
            }
        };
        let length = line.trim_ascii_end().len();
        line.truncate(length);
        Ok(more)
    }
}

/// Reads the next line with its end, or the next 8 KiB of a longer one.
///
/// # Errors
///
/// The input cannot be read.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(input.take(MAX_LINE).read_until(b'\n', line)? > 0)
}
