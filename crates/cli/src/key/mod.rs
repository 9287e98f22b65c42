//! `palisade key`: API keys in a TOML file, or in Redis for a fleet.
//!
//! Each command has a module. The help texts are the `///` comments on the types of clap.
//!
//! | module | what |
//! |---|---|
//! | `new`, `new_pepper`, `import`, `list`, `show`, `verify` | the command of that name |
//! | `change` | `key revoke` and `key rotate` |
//! | `disable` | `key disable` and `key enable` |
//! | `grant` | the options of what a key may do |
//! | `files`, `key_file` | the pepper, and the file of the keys |
//! | `store`, `server` | the records of a file or of a server, and the settings of the latter |
//! | `name` | the id of a key in the arguments |
//! | `user` | the user of `key verify --as` |
//!
//! # Files
//!
//! | file | holds | mode | who needs it |
//! |---|---|---|---|
//! | store (TOML) | id, digest, scopes, times and owner of each key | 0600 | the service and these commands |
//! | pepper | one random secret | 0600 | the same, but kept and backed up apart |
//!
//! A key is `PREFIX_ENVIRONMENT_ID_SECRET_CHECKSUM`. Only a keyed digest of the
//! secret is stored (OWASP ASVS 5.0, V11.4), so a stolen store opens nothing.
//!
//! # Exit codes
//!
//! 0 done; 1 only from `key verify`, if the files cannot be used; 2 if nothing was changed because
//! of a mistake.
//!
//! No command prints a stored key, and none can: it is not stored. None contacts a service: a
//! running one notices the change of the file, and asks a server within a second.

mod change;
mod disable;
mod files;
mod grant;
mod import;
mod key_file;
mod list;
mod name;
mod new;
mod new_pepper;
mod server;
mod show;
mod store;
mod verify;

use clap::Subcommand;

use crate::failure::Failure;

/// What can be done to keys.
///
/// The order is that of the life of a key.
#[derive(Subcommand)]
pub(crate) enum Command {
    New(new::New),
    NewPepper(new_pepper::NewPepper),
    Import(import::Import),
    List(list::List),
    Show(show::Show),
    Revoke(change::Revoke),
    Disable(disable::Disable),
    Enable(disable::Enable),
    Rotate(change::Rotate),
    Verify(verify::Verify),
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::New(command) => command.run(),
            Self::NewPepper(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Revoke(command) => command.run(),
            Self::Disable(command) => command.run(),
            Self::Enable(command) => command.run(),
            Self::Rotate(command) => command.run(),
            Self::Verify(command) => command.run(),
        }
    }
}
