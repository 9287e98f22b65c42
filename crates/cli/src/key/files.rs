//! The files of a service's keys: the store and, apart from it, the pepper.

use std::path::{Path, PathBuf};

use clap::Args;
use palisade_api_key::{FileKeyStore, KeyFormat, KeyScheme, KeyTable, Pepper};

use crate::{Failure, output};

/// Where the records are.
#[derive(Args)]
pub(super) struct Store {
    /// The TOML file with the digests of all keys
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
}

impl Store {
    pub(super) fn open(&self) -> Result<FileKeyStore, Failure> {
        // What the watch would report is told by the errors here.
        Ok(FileKeyStore::open_unwatched(&self.store, |_| {})?)
    }

    fn open_or_create(&self) -> Result<FileKeyStore, Failure> {
        if !self.store.exists() {
            FileKeyStore::create(&self.store)?;
            output::note(format_args!("made {}, without keys", self.store.display()));
            warn_if_roots(&self.store);
        }
        self.open()
    }
}

/// What is needed to make keys.
#[derive(Args)]
pub(super) struct Scheme {
    /// The file with the secret that digests are made with; keep it apart from the store
    #[arg(long, value_name = "FILE")]
    pepper: PathBuf,
    /// What all keys begin with
    #[arg(long, default_value = "psk", value_parser = KeyFormat::new, value_name = "WORD")]
    prefix: KeyFormat,
}

impl Scheme {
    /// Opens both files. A pepper is made only where no key depends on one already.
    pub(super) fn open_or_create(
        &self,
        store: &Store,
    ) -> Result<(KeyScheme, FileKeyStore), Failure> {
        let store = store.open_or_create()?;
        if !self.pepper.exists() && store.table().is_empty() {
            Pepper::create_file(&self.pepper)?;
            output::note(format_args!(
                "made {}: keep it secret, and apart from the store",
                self.pepper.display()
            ));
            warn_if_roots(&self.pepper);
        }
        Ok((self.open(&store.table())?, store))
    }

    /// Reads the pepper, and sees that the store's keys were made with it and with this prefix.
    pub(super) fn open(&self, table: &KeyTable) -> Result<KeyScheme, Failure> {
        let scheme = KeyScheme::with_format(self.prefix.clone(), Pepper::read_file(&self.pepper)?);
        let all_ours = table.records().iter().all(|record| scheme.made(record));
        all_ours
            .then_some(scheme)
            .ok_or_else(|| other_scheme(&self.pepper))
    }
}

fn other_scheme(path: &Path) -> Failure {
    Failure::new(format_args!(
        "the store holds keys that were made with another pepper than {}, or with another --prefix",
        path.display()
    ))
}

/// A new file belongs to the owner of its folder. Where that is root, no other user can read it.
#[cfg(unix)]
fn warn_if_roots(path: &Path) {
    let uid =
        std::fs::metadata(path).map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata));
    if uid.is_ok_and(|uid| uid == 0) {
        output::note(format_args!(
            "{0} belongs to root; if the service runs as another user: chown USER {0}, \
             then `palisade key verify --as USER`",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_if_roots(_: &Path) {}
