//! `palisade limits`: shows what a client has left in a shared store, and lifts its refusals.
//!
//! Limits in the memory of a service cannot be reached from here.

mod reset;
mod show;
mod store;

use clap::Subcommand;

use crate::Failure;

/// What can be done with limits in Redis or Valkey.
#[derive(Subcommand)]
pub(crate) enum Command {
    Reset(reset::Reset),
    Show(show::Show),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Reset(command) => command.run(),
            Self::Show(command) => command.run(),
        }
    }
}
