//! The keys: their file, the pepper beside it, and the first one.

use std::fmt;

use palisade::api_key::{
    Environment, FileKeyStore, Grant, KeyFileError, KeyScheme, MintedKey, Pepper,
};
use palisade::core::SharedClock;

use super::DataFolder;
use crate::error::StartError;

/// What a key of ours may do.
pub(crate) const SCOPE: &str = "tts:speak";

/// The keys of this server.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) store: FileKeyStore,
    pub(crate) scheme: KeyScheme,
    /// No key was there before.
    pub(crate) first: bool,
}

/// A key that was just made: the only moment at which it can be read.
pub(crate) struct NewKey(MintedKey);

impl Keys {
    /// Opens the files, or makes them.
    pub(crate) fn open(folder: &DataFolder) -> Result<Self, StartError> {
        let path = folder.file("keys.toml");
        let made = !path.exists();
        if made {
            FileKeyStore::create(&path).map_err(|error| broken(&error))?;
        }
        let pepper_path = folder.file("pepper");
        let pepper = match made {
            true => Pepper::read_or_create_file(&pepper_path),
            // A new pepper would silently make every key in the file worthless.
            false => Pepper::read_file(&pepper_path),
        };
        let pepper = pepper.map_err(|error| broken(&error))?;
        let store = FileKeyStore::open(&path).map_err(|error| broken(&error))?;
        Self::of(KeyScheme::new(pepper), store)
    }

    /// Takes files that were opened elsewhere.
    pub(crate) fn of(scheme: KeyScheme, store: FileKeyStore) -> Result<Self, StartError> {
        let records = store.table().records();
        // Otherwise every key would be refused, and the audit trail alone would say why.
        if !records.iter().all(|record| scheme.made(record)) {
            return Err(
                StartError::new("the pepper is not the one that the keys were made with").remedy(
                    "Put the old one back, or move the file of keys away and make new ones.",
                ),
            );
        }
        let first = records.is_empty();
        Ok(Self {
            store,
            scheme,
            first,
        })
    }

    /// Makes a key that may speak.
    pub(crate) fn mint(&self, clock: &SharedClock) -> Result<NewKey, StartError> {
        let grant = Grant::new(Environment::Live)
            .owner("operator")
            .scopes([SCOPE]);
        let minted = self.scheme.mint(grant, clock.unix_time());
        let minted =
            minted.map_err(|error| StartError::new(format!("no key could be made: {error}")))?;
        let record = minted.record().clone();
        let stored = self.store.update(|table| table.insert(record));
        stored.map_err(|error| StartError::new(format!("the key could not be kept: {error}")))?;
        Ok(NewKey(minted))
    }
}

/// Makes a key for the server of a data folder, which need not stop for it.
///
/// # Errors
///
/// When the files of the keys cannot be read, made or written.
pub fn new_key(folder: &DataFolder, clock: &SharedClock) -> Result<String, StartError> {
    let key = Keys::open(folder)?.mint(clock)?;
    Ok(key.reveal().to_owned())
}

fn broken(error: &KeyFileError) -> StartError {
    StartError::new(error.to_string())
}

impl NewKey {
    /// Returns the key itself, to be shown once.
    pub(crate) fn reveal(&self) -> &str {
        self.0.key()
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewKey([redacted])")
    }
}
