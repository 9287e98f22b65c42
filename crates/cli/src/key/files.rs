//! The files of API keys: the store with the digests, and the pepper, which is kept apart from it.
//!
//! Two files, since each alone is useless: digests cannot be tested without the pepper, and the pepper
//! contains no key. A backup of one of them must not contain the other.

use std::path::{Path, PathBuf};

use clap::Args;
use palisade_api_key::{FileKeyStore, KeyFormat, KeyScheme, KeyTable, Pepper};

use crate::{failure::Failure, key_scheme::scheme_of, output};

/// Where the records are.
///
/// Services watch the same file. It is replaced in one step, so a service never reads half of a change.
#[derive(Args)]
pub(super) struct Store {
    /// The TOML file with the digests of all keys
    ///
    /// It holds no keys, so its reader cannot use one. Let only its owner write it.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
}

impl Store {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// The store does not exist or cannot be parsed.
    pub(super) fn open(&self) -> Result<FileKeyStore, Failure> {
        // A command ends at once, so it needs no watch for changes of the file.
        Ok(FileKeyStore::builder(&self.store)
            .on_report(|_| {})
            .unwatched()
            .open()?)
    }

    /// Opens the store, or creates an empty one.
    ///
    /// Only `key new` and `key import` create it. For the other commands a missing store is a typing error.
    ///
    /// # Errors
    ///
    /// The store cannot be created or parsed.
    fn open_or_create(&self) -> Result<FileKeyStore, Failure> {
        if !self.store.exists() {
            FileKeyStore::create(&self.store)?;
            output::print_note(format_args!("made {}, without keys", self.store.display()));
            warn_if_roots(&self.store);
        }
        self.open()
    }
}

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
    pub(super) fn open_or_create(
        &self,
        store: &Store,
    ) -> Result<(KeyScheme, FileKeyStore), Failure> {
        let store = store.open_or_create()?;
        if !self.pepper.exists() && store.table().is_empty() {
            Pepper::create_file(&self.pepper)?;
            output::print_note(format_args!(
                "made {}: keep it secret, and apart from the store",
                self.pepper.display()
            ));
            warn_if_roots(&self.pepper);
        }
        Ok((self.open(&store.table())?, store))
    }

    /// Reads the peppers.
    ///
    /// # Errors
    ///
    /// A pepper cannot be read or is there twice, or a key of the store was made with another pepper or prefix.
    pub(super) fn open(&self, table: &KeyTable) -> Result<KeyScheme, Failure> {
        let scheme = scheme_of(self.prefix.clone(), &self.pepper, &self.other_peppers)?;
        let all_ours = table.records().iter().all(|record| scheme.made(record));
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

/// Prints a note if a new file belongs to root, since no other user can read it then. A new file
/// belongs to the owner of its folder.
///
/// `sudo palisade key new` in a folder of root makes such a file.
#[cfg(unix)]
fn warn_if_roots(path: &Path) {
    let uid =
        std::fs::metadata(path).map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata));
    if uid.is_ok_and(|uid| uid == 0) {
        output::print_note(format_args!(
            "{0} belongs to root; if the service runs as another user: chown USER {0}, \
             then `palisade key verify --as USER`",
            path.display()
        ));
    }
}

/// Other systems have no such owner.
#[cfg(not(unix))]
fn warn_if_roots(_: &Path) {}
