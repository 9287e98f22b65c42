//! `palisade limits`: shows what a client has left in a shared store, and lifts its refusals.
//!
//! Limits in the memory of a service cannot be reached from here: see `palisade gateway limits`. Budgets can: a gateway without a shared
//! store keeps them in a file.
//!
//! `store` builds a layer from the arguments, in place of the one in the service. Both find a bucket
//! by the name of its limit, its window, and a keyed hash of its subject.
//!
//! # Output and exit codes
//!
//! `show` and `top` print a table, or with `--json` an array. `reset` prints `reset`, `override` what applies now. Exit code 0 if the
//! store replied, 2 if an argument is wrong or the store cannot be used. There is no exit code 1: a
//! client without requests is no negative result.
//!
//! The address of the store may hold a password. It is in no message of these commands.

mod budgets;
mod override_limit;
mod reset;
mod top;
mod show;
mod store;

use clap::Subcommand;

pub(crate) use self::override_limit::{ValueArguments, description as override_description};

use crate::failure::Failure;

/// What can be done with limits in Redis or Valkey.
///
/// The commands open the store with the settings of the service and use the public API of its layer.
#[derive(Subcommand)]
pub(crate) enum Command {
    Budgets(budgets::Budgets),
    Override(override_limit::Override),
    Reset(reset::Reset),
    Show(show::Show),
    Top(top::Top),
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Budgets(command) => command.run(),
            Self::Override(command) => command.run(),
            Self::Reset(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Top(command) => command.run(),
        }
    }
}
