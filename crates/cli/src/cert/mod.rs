//! `palisade cert`: shows the certificate of a configuration, and orders one from its authority.
//!
//! Both commands read the configuration file of the service, so they mean the same names, authority
//! and cache.
//!
//! Exit codes of both: 0 if there is a certificate or none is due, 1 if there is none that is valid
//! now or none was issued, 2 if the configuration or the cache cannot be used.

mod issue;
mod settings;
mod show;

use clap::Subcommand;

use crate::failure::Failure;

/// What can be done with certificates.
///
/// `show` only reads. `issue` contacts the authority and writes the cache.
#[derive(Subcommand)]
pub(crate) enum Command {
    Issue(issue::Issue),
    Show(show::Show),
}

impl Command {
    /// Runs the command that was given.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Issue(command) => command.run(),
            Self::Show(command) => command.run(),
        }
    }
}
