//! `palisade key`: API keys in a TOML file.
//!
//! Each command has a module. The help texts are the `///` comments on the types of clap.
//!
//! | module | what |
//! |---|---|
//! | `new`, `list`, `verify` | the command of that name |
//! | `change` | `key revoke` and `key rotate` |
//! | `files` | the store and the pepper, shared by the commands |
//! | `name` | the id of a key in the arguments |
//! | `user` | the user of `key verify --as` |

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
///
/// The order is that of the life of a key.
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
