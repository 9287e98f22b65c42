//! `palisade audit`: verifies audit trails, acknowledges incidents, and makes checkpoint keys.

mod acknowledge;
mod key;
mod verify;

use clap::Subcommand;

use crate::Failure;

/// What can be done with a trail.
#[derive(Subcommand)]
pub(crate) enum Command {
    Acknowledge(acknowledge::Acknowledge),
    Key(key::Key),
    Verify(verify::Verify),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Acknowledge(command) => command.run(),
            Self::Key(command) => command.run(),
            Self::Verify(command) => command.run(),
        }
    }
}
