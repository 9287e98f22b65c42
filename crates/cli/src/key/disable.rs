//! `palisade key disable` and `palisade key enable`.
//!
//! A disabled key is refused until it is enabled: while a leak is looked into, or a bill is not paid. Each command
//! changes a file in one update: all of the keys or none. In Redis they are changed one after the other.
//!
//! # Output
//!
//! Standard output: nothing. Standard error: one line `disabled ID` or `enabled ID` for each key. Exit code 0 if the
//! store was changed, otherwise 2.

use clap::Args;
use palisade_api_key::{KeyId, KeyRecord, TableError};

use super::{name::id_in, store::Store};
use crate::{failure::Failure, moment::now};

const DISABLE_EXAMPLES: &str = "\
Servers that watch the store refuse the key within a second. Its sessions are refused too, and go on when it is enabled.

Examples:
  palisade key disable --store keys.toml 4fT0aXb93Kqz
  palisade key enable --store keys.toml 4fT0aXb93Kqz";

/// Disables keys: services refuse them until they are enabled
///
/// Unlike revoking, this can be undone. The key keeps its secret and what it may do.
#[derive(Args)]
#[command(after_help = DISABLE_EXAMPLES)]
pub(crate) struct Disable {
    #[command(flatten)]
    keys: Keys,
}

const ENABLE_EXAMPLES: &str = "\
A key that was revoked stays revoked, and one that has expired stays expired.

Examples:
  palisade key enable --store keys.toml 4fT0aXb93Kqz";

/// Enables keys that were disabled
///
/// Each holder of the secret can use the key again. If it may be known to others, rotate it first: a rotated key stays
/// disabled.
#[derive(Args)]
#[command(after_help = ENABLE_EXAMPLES)]
pub(crate) struct Enable {
    #[command(flatten)]
    keys: Keys,
}

/// Which keys of which store.
#[derive(Args)]
struct Keys {
    #[command(flatten)]
    store: Store,
    /// The ids of the keys; a whole key that was found is accepted too
    ///
    /// The secret part of a whole key is ignored and not printed. If one id is unknown, nothing is changed.
    #[arg(required = true, value_name = "ID")]
    keys: Vec<String>,
}

impl Disable {
    /// Disables the keys.
    ///
    /// # Errors
    ///
    /// A key does not exist, or the store cannot be written. Nothing is changed then.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let now = now();
        self.keys
            .change("disabled", |record| Ok(record.clone().disabled(now)))
    }
}

impl Enable {
    /// Enables the keys.
    ///
    /// # Errors
    ///
    /// A key does not exist or was revoked, or the store cannot be written. Nothing is changed then.
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.keys
            .change("enabled", |record| match record.revoked_at() {
                Some(_) => Err(TableError::Revoked(record.id())),
                None => Ok(record.clone().enabled()),
            })
    }
}

impl Keys {
    /// Changes all keys or, after an error, none.
    fn change(
        self,
        done: &str,
        change: impl Fn(&KeyRecord) -> Result<KeyRecord, TableError>,
    ) -> Result<(), Failure> {
        let ids: Result<Vec<KeyId>, _> = self.keys.iter().map(|text| id_in(text)).collect();
        self.store.open()?.change(&ids?, done, change)
    }
}
