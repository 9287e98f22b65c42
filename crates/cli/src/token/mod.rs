//! `palisade token`: JSON Web Tokens for development.

mod claim;
mod key_file;
mod mint;

use clap::Subcommand;

use crate::Failure;

/// What can be done with tokens.
#[derive(Subcommand)]
pub(crate) enum Command {
    Mint(mint::Mint),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Mint(command) => command.run(),
        }
    }
}
