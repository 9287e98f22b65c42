//! `palisade cert`: shows and exports the certificate of a configuration, and orders one from its
//! authority.
//!
//! All commands read the configuration file of the service, so they mean the same names, authority
//! and cache.
//!
//! Exit codes of all: 0 if there is a certificate or none is due, 1 if there is none that is valid
//! now or none was issued, 2 if the configuration or the cache cannot be used.

mod export;
mod issue;
mod renew;
mod order;
mod settings;
mod show;

use clap::Subcommand;

use crate::failure::Failure;

/// What can be done with certificates.
///
/// `show` and `export` only read. `issue` and `renew` contact the authority and write the cache.
#[derive(Subcommand)]
pub(crate) enum Command {
    Export(export::Export),
    Issue(issue::Issue),
    Renew(renew::Renew),
    Show(show::Show),
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Export(command) => command.run(),
            Self::Issue(command) => command.run(),
            Self::Renew(command) => command.run(),
            Self::Show(command) => command.run(),
        }
    }
}
