//! `palisade token`: JSON Web Tokens: minted for development, shown, revoked, and their issuer examined.
//!
//! A token of production comes from an identity provider and is verified by `palisade try token`.
//! `mint` is for a machine without a provider; `inspect` shows any token; `revoke` writes the list
//! that services read. `doctor` says why a service refuses the tokens of an issuer.
//!
//! | command | input | standard output | exit codes |
//! |---|---|---|---|
//! | `doctor` | an issuer, a sample token | what it publishes, and findings | 0, 1, 2 |
//! | `mint` | arguments, a key file | the token | 0, 2 |
//! | `inspect` | one token a line | one JSON object a line | 0, 2 |
//! | `revoke` | arguments | the list and how many entries it has | 0, 2 |
//!
//! Only `doctor` contacts a provider.

mod claim;
mod doctor;
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
    Doctor(doctor::Doctor),
    Inspect(inspect::Inspect),
    Mint(mint::Mint),
    Revoke(revoke::Revoke),
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Doctor(command) => command.run(),
            Self::Inspect(command) => command.run(),
            Self::Mint(command) => command.run(),
            Self::Revoke(command) => command.run(),
        }
    }
}
