//! `palisade key`: API keys in a TOML file.
//!
//! Each command has a module. The help texts are the `///` comments on the types of clap.

mod change;
mod files;
mod list;
mod name;
mod new;
mod user;
mod verify;

use clap::Subcommand;

use crate::Failure;

/// What can be done to keys.
#[derive(Subcommand)]
pub(crate) enum Command {
    New(new::New),
    List(list::List),
    Revoke(change::Revoke),
    Rotate(change::Rotate),
    Verify(verify::Verify),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::New(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Revoke(command) => command.run(),
            Self::Rotate(command) => command.run(),
            Self::Verify(command) => command.run(),
        }
    }
}
