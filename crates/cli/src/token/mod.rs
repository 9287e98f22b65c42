//! `palisade token`: JSON Web Tokens: minted for development, shown, revoked.
//!
//! A token of production comes from an identity provider and is verified by `palisade try token`.
//! `mint` is for a machine without a provider; `inspect` shows any token; `revoke` writes the list
//! that services read.

mod claim;
mod inspect;
mod key_file;
mod mint;
mod revoke;

use clap::Subcommand;

use crate::Failure;

/// What can be done with tokens.
///
/// `try token` verifies a token; see `try_command`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Inspect(inspect::Inspect),
    Mint(mint::Mint),
    Revoke(revoke::Revoke),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Inspect(command) => command.run(),
            Self::Mint(command) => command.run(),
            Self::Revoke(command) => command.run(),
        }
    }
}
