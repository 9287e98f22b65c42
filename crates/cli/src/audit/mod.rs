//! `palisade audit`: verifies audit trails, searches and exports them, reports on them, acknowledges
//! incidents, and makes checkpoint keys.

mod acknowledge;
mod export;
mod filter;
mod key;
mod query;
mod report;
mod verify;

use clap::Subcommand;

use crate::Failure;

/// What can be done with a trail.
#[derive(Subcommand)]
pub(crate) enum Command {
    Acknowledge(acknowledge::Acknowledge),
    Export(export::Export),
    Key(key::Key),
    Query(query::Query),
    Report(report::Report),
    Verify(verify::Verify),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Acknowledge(command) => command.run(),
            Self::Export(command) => command.run(),
            Self::Key(command) => command.run(),
            Self::Query(command) => command.run(),
            Self::Report(command) => command.run(),
            Self::Verify(command) => command.run(),
        }
    }
}
