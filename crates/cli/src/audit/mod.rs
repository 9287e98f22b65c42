//! `palisade audit`: trails.

mod verify;

use clap::Subcommand;

use crate::Failure;

/// What can be done with a trail.
#[derive(Subcommand)]
pub(crate) enum Command {
    Verify(verify::Verify),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Verify(command) => command.run(),
        }
    }
}
