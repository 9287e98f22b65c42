//! `palisade audit tail`: prints the latest records and then those that are written.
//!
//! The lines are those of `palisade audit query`, with a colour each if standard output is a terminal. The command sleeps
//! until the file changes, and continues with the next file after a rotation. It ends when it is interrupted, or when
//! the reader of its output does.

use std::{
    collections::VecDeque,
    env,
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use palisade_audit::{StoredRecord, TrailFollower, follow_trail};

use super::{filter::Conditions, query::record_row, unreadable_parts::UnreadableParts};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
The records are not verified: run `palisade audit verify` before you rely on one. Colours: red for errors of the server
and panics, yellow for refusals and other client errors, cyan for what is no request. The variable NO_COLOR turns them
off.

Exit code 0: the reader closed the pipe. 2: the trail could not be read, or a part of it: standard error names it.

Examples:
  palisade audit tail audit.jsonl
  palisade audit tail audit.jsonl --refused --client 203.0.113.0/24
  palisade audit tail audit.jsonl --last 0 --json | jq .route";

/// Prints the latest records that meet all conditions, and then those that are written
///
/// Follows the trail when the file is rotated. The server may be started and stopped meanwhile.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Tail {
    /// The file of the trail
    ///
    /// It must exist.
    file: PathBuf,
    #[command(flatten)]
    conditions: Conditions,
    /// How many of the records that are there already are printed first
    ///
    /// Counted in the current file and the latest older part. Only those that meet the conditions count.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    last: usize,
    /// Prints each record as it is in the file, one a line
    #[arg(long)]
    json: bool,
    /// When lines have colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// When lines have colours.
#[derive(Clone, Copy, ValueEnum)]
enum Color {
    /// Always, also in a file or pipe
    Always,
    /// On a terminal, unless the variable NO_COLOR is set
    Auto,
    /// Never
    Never,
}

impl Color {
    /// Decides for this run.
    fn is_on(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let unwanted = env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
                !unwanted && io::stdout().is_terminal()
            }
        }
    }
}

impl Tail {
    /// Prints records until the reader of the output ends.
    ///
    /// # Errors
    ///
    /// The trail cannot be read, or its folder cannot be watched. A closed pipe is no error.
    pub(super) fn run(self) -> Result<(), Failure> {
        let unreadable = |problem: io::Error| {
            Failure::new(format_args!(
                "cannot read {}: {problem}",
                self.file.display()
            ))
        };
        let mut trail = follow_trail(&self.file).map_err(unreadable)?;
        let mut filter = self.conditions.into_filter();
        let colors = !self.json && self.color.is_on();
        let line = |record: &StoredRecord| match self.json {
            true => record.line().to_owned(),
            false => colored_row(record, colors),
        };
        let mut parts = UnreadableParts::default();
        let mut first = VecDeque::new();
        while let Some(record) = next_record(&mut trail, &mut parts).map_err(unreadable)? {
            if filter.admits(&record) {
                first.push_back(line(&record));
            }
            if first.len() > self.last {
                first.pop_front();
            }
        }
        let mut lines = output::Lines::new();
        for line in first {
            if !lines.print_line(&line)? {
                return parts.into_result();
            }
        }
        loop {
            if !lines.flush()? {
                return parts.into_result();
            }
            trail.wait().map_err(unreadable)?;
            while let Some(record) = next_record(&mut trail, &mut parts).map_err(unreadable)? {
                if filter.admits(&record) && !lines.print_line(&line(&record))? {
                    return parts.into_result();
                }
            }
        }
    }
}

/// Returns the next record. A part that cannot be read is named, and the next one is read.
///
/// # Errors
///
/// The file that is written cannot be read.
fn next_record(
    trail: &mut TrailFollower,
    parts: &mut UnreadableParts,
) -> io::Result<Option<StoredRecord>> {
    loop {
        let Some(record) = trail.next_record().transpose() else {
            return Ok(None);
        };
        if let Some(record) = parts.tell(record)? {
            return Ok(Some(record));
        }
    }
}

/// Returns the line of a record for people, with a colour if they are on.
fn colored_row(record: &StoredRecord, colors: bool) -> String {
    let line = record_row(record);
    let status = record.status();
    let failed = record.outcome() == Some("panicked") || status.is_some_and(|it| it >= 500);
    let color = match record.kind() {
        _ if !colors => return line,
        _ if failed => 31,
        _ if record.refusal_code().is_some() || status.is_some_and(|it| it >= 400) => 33,
        "request" | "gate" | "head" | "end" => return line,
        _ => 36,
    };
    format!("\u{1b}[{color}m{line}\u{1b}[0m")
}
