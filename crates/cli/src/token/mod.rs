//! `palisade token`: JSON Web Tokens: minted for development, shown, revoked.
//!
//! A token of production comes from an identity provider and is verified by `palisade try token`.
//! `mint` is for a machine without a provider; `inspect` shows any token; `revoke` writes the list
//! that services read.
//!
//! | command | input | standard output | exit codes |
//! |---|---|---|---|
//! | `mint` | arguments, a key file | the token | 0, 2 |
//! | `inspect` | one token a line | one JSON object a line | 0, 2 |
//! | `revoke` | arguments | the list and how many entries it has | 0, 2 |
//!
//! None of them contacts a provider.

mod claim;
mod inspect;
mod key_file;
mod mint;
mod revoke;

use clap::Subcommand;

use crate::failure::Failure;

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
