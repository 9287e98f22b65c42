//! `palisade key verify`: whether a service could use store and pepper.
//!
//! The result is one line. Exit code 1 means that the files cannot be used; the line says why.
//!
//! # Output
//!
//! One line at standard output: `usable: FILE: N keys, made with PEPPER` (`the server` in place of a file), or `not usable:` and the
//! reason. A reason names the file or the id of a key.
//!
//! It does not verify a key of a client: that is `palisade try key`.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use palisade_api_key::{KeyFormat, KeyRecord};

use super::store::Store;
use crate::{failure::Failure, key_scheme::scheme_of, output, user::User};

const EXAMPLES: &str = "\
Run it after a change, as the user that the service runs as, or as root with --as. With --as the files are read as
that user, with its group and its supplementary groups of /etc/group. A service manager may give other groups: list
them as UID:GID,GID,…

Exit code 0: the service can use the files. 1: it cannot, and the reason is printed. 2: the check could not be run.

Examples:
  palisade key verify --store keys.toml --pepper pepper
  sudo palisade key verify --store /etc/tts/keys.toml --pepper /etc/tts/pepper --as tts
  sudo palisade key verify --store /etc/tts/keys.toml --as 1000:1000
  palisade key verify --redis redis://10.0.0.5:6379/4 --seal-key keys.seal --pepper pepper";

/// Checks that a service can read the store and the pepper, and that they belong together
///
/// A service cannot start if it cannot read its files, and it refuses every key that was made with
/// another pepper or prefix. This command finds both before clients do.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    store: Store,
    /// The file with the secret that digests are made with
    ///
    /// Without it, only the store is checked.
    #[arg(long, value_name = "FILE")]
    pepper: Option<PathBuf>,
    /// The file of another pepper that the service accepts; may be given several times
    ///
    /// The files of `other_peppers` in the configuration.
    #[arg(long = "other-pepper", value_name = "FILE", requires = "pepper")]
    other_peppers: Vec<PathBuf>,
    /// The prefix of all keys
    ///
    /// As the service is configured. Each key of the store must have been made with it.
    #[arg(long, default_value = "psk", value_parser = KeyFormat::with_prefix, value_name = "WORD")]
    prefix: KeyFormat,
    /// Reads the files as this user: a name, UID, or UID:GID,GID,…; needs root
    ///
    /// The rights of the file system are then those of that user, as at a start of the service.
    #[arg(long = "as", value_name = "USER")]
    user: Option<User>,
}

impl Verify {
    /// Prints whether a service could use the files. With `--as`, the check runs as that user.
    ///
    /// # Errors
    ///
    /// Exit code 1: the files cannot be used, with the reason on standard output. Exit code 2: the user does not
    /// exist.
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(user) = &self.user {
            user.become_this_user()?;
        }
        match self.check_files() {
            Ok(line) => Ok(output::print_result(line)?),
            Err(problem) => {
                output::print_result(format_args!("not usable: {problem}"))?;
                Err(Failure::No)
            }
        }
    }

    /// Returns the line to print, or why the files cannot be used.
    ///
    /// The store is checked first. Of several wrong keys the first one is named.
    ///
    /// # Errors
    ///
    /// The reason, for people.
    fn check_files(&self) -> Result<String, String> {
        let records = self.store.open().and_then(|store| store.all());
        let records = records.map_err(Failure::into_text)?;
        let count = format!("{}: {} keys", self.store.name(), records.len());
        let Some(path) = &self.pepper else {
            return Ok(format!("usable: {count}"));
        };
        let scheme = scheme_of(self.prefix.clone(), path, &self.other_peppers);
        let scheme = scheme.map_err(Failure::into_text)?;
        match records.iter().find(|record| !scheme.made(record)) {
            None => {
                let under_other =
                    |record: &&Arc<KeyRecord>| !scheme.made_with_current_pepper(record);
                let line = format!("usable: {count}, made with {}", path.display());
                Ok(match records.iter().filter(under_other).count() {
                    0 => line,
                    others => format!("{line}, and {others} of them still under another pepper"),
                })
            }
            Some(record) => Err(format!(
                "the key {} was made with another pepper than {}, or with another --prefix",
                record.id(),
                path.display()
            )),
        }
    }
}
