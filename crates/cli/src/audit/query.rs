//! `palisade audit query`: lists the records of a trail that meet conditions.
//!
//! Lines go to standard output: a table for people, or with `--json` the records as they are in
//! the file, one a line. Nothing is verified here.
//!
//! The trail is read once, record by record, so its size does not matter. `--last` keeps only so many
//! lines in memory.
//!
//! A line for people has, separated by two spaces: time, type, client, principal; then for a
//! request method and route, status, `layer:code` of a refusal, how often it occurred, outcome,
//! duration in milliseconds, and the id. An event has its name and its data in their place.

use std::{collections::VecDeque, io, path::PathBuf};

use clap::Args;
use palisade_audit::{RecordFilter, StoredRecord, read_trail};

use super::{filter::Conditions, unreadable_parts::UnreadableParts};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Reads the rotated parts beside the file too, oldest first. The server may be running. The records are not verified: run
`palisade audit verify` before you rely on one.

Exit code 0: records were found. 1: none was found. 2: the trail could not be read, or a part of it: standard error
names it, and the records of the others are listed. A reader that closes the pipe (`| head`) ends the command; the exit
code is then 2 if a part before that could not be read.

Examples:
  palisade audit query audit.jsonl --principal anna --since 24h
  palisade audit query audit.jsonl --client 203.0.113.0/24 --refused --last 20
  palisade audit query audit.jsonl --id 01980f3c8a2b7c4d9e5f60718293a4b5 --json
  palisade audit query audit.jsonl --status 5xx --json > errors.jsonl";

/// Lists the records that meet all conditions
///
/// A line has the time, the type, the client, the principal, the route, the status, the refusal, the
/// outcome, the duration and the id of the request.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Query {
    /// The file of the trail
    ///
    /// Rotated parts beside it are read too.
    file: PathBuf,
    #[command(flatten)]
    conditions: Conditions,
    /// Lists only the last records of those that are found
    ///
    /// Default: all, printed as they are found.
    #[arg(long, value_name = "NUMBER")]
    last: Option<usize>,
    /// Prints each record as it is in the file, one a line
    ///
    /// The bytes are those that were hashed, so a line can be compared with a copy.
    #[arg(long)]
    json: bool,
}

impl Query {
    /// Lists the records. Exit code 1 if there is none.
    ///
    /// Lines that cannot be parsed are skipped, and counted on standard error at the end.
    ///
    /// # Errors
    ///
    /// Fails if a file of the trail cannot be read, after the records of the others, or standard output cannot be
    /// written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let unreadable = |problem: io::Error| {
            Failure::new(format_args!(
                "cannot read {}: {problem}",
                self.file.display()
            ))
        };
        let mut reader = read_trail(&self.file).map_err(unreadable)?;
        let filter = self.conditions.into_filter();
        let mut lines = output::Lines::new();
        let mut found = 0_u64;
        let mut listing = Listing::new(self.last, self.json);
        let mut parts = UnreadableParts::default();
        for record in admitted_records(&mut reader, filter) {
            let Some(record) = parts.tell(record).map_err(unreadable)? else {
                continue;
            };
            found = found.saturating_add(1);
            if let Some(line) = listing.take(&record)
                && !lines.print_line(&line)?
            {
                return parts.into_result();
            }
        }
        for line in listing.into_lines() {
            if !lines.print_line(&line)? {
                return parts.into_result();
            }
        }
        lines.finish()?;
        if let lines @ 1.. = reader.unreadable_lines() {
            output::print_note(format_args!(
                "{lines} lines are no record; `palisade audit verify` says why"
            ));
        }
        parts.into_result()?;
        match found {
            0 => Err(Failure::No),
            _ => Ok(()),
        }
    }
}

/// Returns the records that a filter admits. Errors are passed on.
///
/// Also used by `palisade audit export`.
pub(super) fn admitted_records(
    records: impl Iterator<Item = io::Result<StoredRecord>>,
    mut filter: RecordFilter,
) -> impl Iterator<Item = io::Result<StoredRecord>> {
    records.filter(move |record| record.as_ref().map_or(true, |record| filter.admits(record)))
}

/// The lines that are printed: each at once, or the last ones at the end.
///
/// With `--last` a queue holds so many lines. Without it nothing is held, and the first line appears at
/// once also in a large trail.
struct Listing {
    last: Option<usize>,
    json: bool,
    /// The lines that are printed at the end, at most `last`.
    kept: VecDeque<String>,
}

impl Listing {
    /// Starts without lines.
    fn new(last: Option<usize>, json: bool) -> Self {
        Self {
            last,
            json,
            kept: VecDeque::new(),
        }
    }

    /// Returns the line of a record if it is to be printed now.
    fn take(&mut self, record: &StoredRecord) -> Option<String> {
        let line = match self.json {
            true => record.line().to_owned(),
            false => record_row(record),
        };
        let Some(last) = self.last else {
            return Some(line);
        };
        self.kept.push_back(line);
        if self.kept.len() > last {
            self.kept.pop_front();
        }
        None
    }

    /// Returns the last lines.
    fn into_lines(self) -> impl Iterator<Item = String> {
        self.kept.into_iter()
    }
}

/// Writes a record in one line: time, who, what, result. Absent parts are `-`.
///
/// Also used by `palisade audit tail`. Columns are not aligned over lines, so that the first one is printed at once.
///
/// The line is for people and may change. Programs use `--json`.
pub(super) fn record_row(record: &StoredRecord) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let mut cells = vec![
        or_dash(Some(record.time_text()).filter(|time| !time.is_empty())),
        format!("{:<8}", record.kind()),
        format!("{:<15}", or_dash(record.client())),
        format!("{:<12}", or_dash(record.principal())),
    ];
    if let Some(event) = record.event_id() {
        cells.push(event.to_owned());
        cells.extend(record.member("data").map(ToString::to_string));
        return output::escape_control(&cells.join("  "));
    }
    if let Some(method) = record.method() {
        cells.push(format!("{method} {}", or_dash(record.route())));
    }
    cells.extend(record.status().map(|status| status.to_string()));
    if let Some(code) = record.refusal_code() {
        cells.push(format!("{}:{code}", or_dash(record.refusing_guard())));
    }
    if record.count() > 1 {
        cells.push(format!("{} times", record.count()));
    }
    cells.extend(record.outcome().map(str::to_owned));
    if let Some(duration) = record.duration() {
        cells.push(format!("{} ms", duration.as_millis()));
    }
    cells.extend(record.request_id().map(str::to_owned));
    output::escape_control(&cells.join("  "))
}
