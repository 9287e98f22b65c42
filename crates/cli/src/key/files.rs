//! The pepper of API keys, which is kept apart from the store with the digests.
//!
//! Two files, since each alone is useless: digests cannot be tested without the pepper, and the pepper
//! contains no key. A backup of one of them must not contain the other.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use palisade_api_key::{KeyFormat, KeyRecord, KeyScheme, Pepper};

use super::{
    key_file::warn_if_roots,
    store::{KeyRecords, Store},
};
use crate::{failure::Failure, key_scheme::scheme_of, output};

/// What is needed to make keys.
///
/// Both values are those of the service. A key that was made with another pepper or prefix would be
/// refused by it, so the commands check the keys that are there.
#[derive(Args)]
pub(super) struct Scheme {
    /// The file with the secret that digests are made with; keep it apart from the store
    ///
    /// If it is lost, no key can be verified again. Back it up, but not together with the store.
    #[arg(long, value_name = "FILE")]
    pepper: PathBuf,
    /// The file of another pepper that keys of the store may be under; may be given several times
    ///
    /// While a pepper is being replaced. New digests are made with --pepper.
    #[arg(long = "other-pepper", value_name = "FILE")]
    other_peppers: Vec<PathBuf>,
    /// The prefix of all keys
    ///
    /// Tools that search for leaked secrets find keys by this prefix. All keys of a store have the same.
    #[arg(long, default_value = "psk", value_parser = KeyFormat::with_prefix, value_name = "WORD")]
    prefix: KeyFormat,
}

impl Scheme {
    /// Opens both files, and creates those that are missing. A pepper is created only if the store
    /// is empty: no existing key may depend on another one.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be created or read, if others may read it, or if the pepper is
    /// missing and the store has keys.
    pub(super) fn open_or_create(&self, store: &Store) -> Result<(KeyScheme, KeyRecords), Failure> {
        let store = store.open_or_create()?;
        let records = store.all()?;
        if !self.pepper.exists() && records.is_empty() {
            Pepper::create_file(&self.pepper)?;
            output::print_note(format_args!(
                "made {}: keep it secret, and apart from the store",
                self.pepper.display()
            ));
            warn_if_roots(&self.pepper);
        }
        Ok((self.open(&records)?, store))
    }

    /// Reads the peppers.
    ///
    /// # Errors
    ///
    /// A pepper cannot be read or is there twice, or a key of the store was made with another pepper or prefix.
    pub(super) fn open(&self, records: &[Arc<KeyRecord>]) -> Result<KeyScheme, Failure> {
        let scheme = scheme_of(self.prefix.clone(), &self.pepper, &self.other_peppers)?;
        let all_ours = records.iter().all(|record| scheme.made(record));
        all_ours
            .then_some(scheme)
            .ok_or_else(|| other_scheme(&self.pepper))
    }
}

/// Makes the error about keys with another pepper or prefix.
///
/// The cause is nearly always a wrong file: keys that the service would refuse must not be made.
fn other_scheme(path: &Path) -> Failure {
    Failure::new(format_args!(
        "the store holds keys that were made with another pepper than {}, or with another --prefix",
        path.display()
    ))
}
